// Load from one thread: logs players in, connects them to a gate, lets some of them echo, and
// prints what it cost the server as one JSON object. See docs/performance.md.
//
//   load --login 127.0.0.1:8001 --gate 127.0.0.1:8888 --players 1000 --active 100 --depth 8
//   load --login tls://127.0.0.1:8002 --gate wss://127.0.0.1:8888 --suite x25519 --sealed
//   load --gate tls://127.0.0.1:8888 --handshakes
//
// Without --login the gate is a bare echo server: no handshake, and answers are the requests.
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <deque>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "crypto/encoding.hpp"
#include "player.hpp"
#include "process.hpp"
#include "test_world.hpp"

namespace {

using namespace gatehouse;         // NOLINT: main's own file
using namespace gatehouse::bench;  // NOLINT
using nlohmann::json;

struct Options {
  std::string login, gate, prefix = "bench", tls_version;
  Manner manner;
  std::uint32_t players = 100, parallel = 64, active = 0, depth = 1, payload_bytes = 64;
  std::uint32_t think_us = 0, patience_ms = 15'000, login_rounds = 1;
  double seconds = 2, warm_up_seconds = 0.5;
  int server_pid = 0;
  bool hold = false, resume = false, handshakes = false;
};

json percentiles(std::vector<std::uint32_t>& ns) {
  if (ns.empty()) return json::object();
  std::sort(ns.begin(), ns.end());
  const auto at = [&](double share) {
    const auto place = static_cast<std::size_t>(share * static_cast<double>(ns.size() - 1));
    return static_cast<double>(ns[place]) / 1000;
  };
  return {{"p50_us", at(0.5)}, {"p99_us", at(0.99)}, {"p999_us", at(0.999)}, {"max_us", at(1)}};
}

class Load {
 public:
  explicit Load(const Options& options)
      : options_(options),
        server_(options.server_pid),
        shared_(
            std::make_unique<Shared>(options.tls_version, options.resume || options.handshakes)),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        payload_(options.payload_bytes, 'x') {
    for (std::uint32_t i = 0; i < options.players; ++i) {
      players_.push_back(std::make_unique<Player>(i, options.prefix + std::to_string(i),
                                                  options.manner, *shared_));
    }
  }

  int run() {
    report_["memory_kib_before"] = server_.memory_kib();
    if (options_.handshakes) {
      report_["full"] = shake_hands();
      report_["resumed"] = shake_hands();
      print();
      return failed_ == 0 ? 0 : 1;
    }
    for (std::uint32_t i = 0; i < options_.login_rounds && !options_.login.empty(); ++i) {
      if (failed_ == 0) log_in();
    }
    if (!options_.gate.empty() && failed_ == 0) {
      open_gates();
      if (options_.seconds > 0 && failed_ == 0) echo();
    }
    print();
    for (std::string line; options_.hold && std::getline(std::cin, line);) {
      echo();
      print();
    }
    return failed_ == 0 ? 0 : 1;
  }

 private:
  void print() {
    report_["failed"] = failed_;
    if (!first_error_.empty()) report_["first_error"] = first_error_;
    std::cout << report_.dump() << '\n' << std::flush;  // whoever reads it waits for it
  }

  // --- The loop ---
  void watch(Player& player, std::uint32_t events, int operation) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &player;
    epoll_ctl(epoll_, operation, player.descriptor(), &event);
  }

  // Handles what comes within `ms`, or at once when something is there.
  void poll(std::int64_t ms) { poll_ns(ms * 1'000'000); }
  void poll_ns(std::int64_t ns) {
    epoll_event events[512];
    const timespec timeout{ns / 1'000'000'000, ns % 1'000'000'000};
    const int count = epoll_pwait2(epoll_, events, 512, &timeout, nullptr);
    for (int i = 0; i < count; ++i) {
      Player& player = *static_cast<Player*>(events[i].data.ptr);
      const Stage before = player.stage();
      if (before == Stage::kConnect) {
        watch(player, EPOLLIN, EPOLL_CTL_MOD);
        player.connected();
      } else {
        player.readable();
      }
      if (player.stage() == Stage::kFailed) {
        ++failed_;
        if (first_error_.empty()) first_error_ = player.error();
      }
      on_event(player, before);
    }
  }

  void on_event(Player& player, Stage before) {
    if (echoing_ && player.stage() == Stage::kOpen) return on_answers(player);
    const Stage now = player.stage();
    if (now == before) return;
    if (now != goal_ && now != Stage::kFailed) return;
    --under_way_;
    if (player.is_resumed()) ++resumed_;
    if (now == Stage::kLoggedIn) {
      const std::int64_t ns = monotonic_ns() - player.started_ns;
      login_ns_.push_back(static_cast<std::uint32_t>(std::min<std::int64_t>(ns, UINT32_MAX)));
      player.close();
    }
  }

  // Brings every player to a stage, `parallel` at a time.
  void bring_to(Stage goal, Stage first, const Target& target) {
    goal_ = goal;
    under_way_ = resumed_ = 0;
    std::size_t next = 0;
    std::uint32_t reached = 0;
    std::int64_t progress_ns = monotonic_ns();
    while (next < players_.size() || under_way_ > 0) {
      while (under_way_ < options_.parallel && next < players_.size()) {
        Player& player = *players_[next++];
        player.started_ns = monotonic_ns();
        if (player.connect(target, first)) {
          ++under_way_;
          watch(player, EPOLLOUT, EPOLL_CTL_ADD);
        } else {
          ++failed_;
          if (first_error_.empty()) first_error_ = player.error();
        }
      }
      const std::uint32_t before = under_way_;
      poll(100);
      if (under_way_ != before) {
        progress_ns = monotonic_ns();
        reached += before - under_way_;
      }
      if (monotonic_ns() - progress_ns > options_.patience_ms * std::int64_t{1'000'000}) {
        failed_ += under_way_;
        if (first_error_.empty()) first_error_ = "no answer";
        return;
      }
    }
  }

  // Once more with each round: "login" is the last one, "logins" are all.
  void log_in() {
    const double cpu = server_.cpu_seconds();
    const std::int64_t start = monotonic_ns();
    login_ns_.clear();
    login_ns_.reserve(players_.size());
    bring_to(Stage::kLoggedIn, Stage::kChallenge, Target::parse(options_.login));
    const double wall = static_cast<double>(monotonic_ns() - start) * 1e-9;
    const auto count = static_cast<double>(login_ns_.size());
    json login = {{"answered", login_ns_.size()},
                  {"unanswered", players_.size() - login_ns_.size()},
                  {"resumed", resumed_},
                  {"per_second", count / wall}};
    if (options_.server_pid != 0) login["cpu_us"] = (server_.cpu_seconds() - cpu) / count * 1e6;
    login.update(percentiles(login_ns_));
    login["memory_kib_after"] = settled_memory_kib();
    report_["logins"].push_back(login);
    report_["login"] = std::move(login);
  }

  // Connects each player and says at once that nothing more is sent; the end is the server's.
  json shake_hands() {
    const double cpu = server_.cpu_seconds(), own = Process::own_cpu_seconds();
    const std::int64_t start = monotonic_ns();
    bring_to(Stage::kLeft, Stage::kLeaving, Target::parse(options_.gate));
    const double wall = static_cast<double>(monotonic_ns() - start) * 1e-9;
    const auto count = static_cast<double>(players_.size());
    return {{"resumed", resumed_},
            {"per_second", count / wall},
            {"cpu_us", (server_.cpu_seconds() - cpu) / count * 1e6},
            {"client_cpu_us", (Process::own_cpu_seconds() - own) / count * 1e6}};
  }

  void open_gates() {
    const bool raw = options_.login.empty();
    const double cpu = server_.cpu_seconds();
    const std::int64_t start = monotonic_ns();
    bring_to(Stage::kOpen, raw ? Stage::kOpen : Stage::kHandshake, Target::parse(options_.gate));
    const double wall = static_cast<double>(monotonic_ns() - start) * 1e-9;
    const auto count = static_cast<double>(players_.size());
    report_["connect"] = {{"per_second", count / wall},
                          {"resumed", resumed_},
                          {"cpu_us", (server_.cpu_seconds() - cpu) / count * 1e6},
                          {"memory_kib_after", settled_memory_kib()}};
  }

  // Resident memory once the server has come to rest: the same twice, 100 ms apart.
  [[nodiscard]] double settled_memory_kib() {
    double before = -1;
    for (int i = 0; i < 50; ++i) {
      const double now = server_.memory_kib();
      if (now == before) break;
      before = now;
      poll(100);
    }
    return before;
  }

  // --- Echoes ---
  void send_some(Player& player, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) player.request(payload_, !options_.login.empty());
    player.flush();
  }

  void on_answers(Player& player) {
    answered_ += player.answers;
    if (player.answers == 0) return;
    if (options_.think_us == 0) {
      if (!stopping_) send_some(player, player.answers);
    } else if (player.in_flight == 0) {
      player.due_ns = monotonic_ns() + options_.think_us * std::int64_t{1'000};
      thinking_.push_back(&player);
    }
  }

  // Think time is the same for all, so the queue is in order of time.
  std::int64_t send_due() {
    while (!thinking_.empty()) {
      const std::int64_t wait_ns = thinking_.front()->due_ns - monotonic_ns();
      if (wait_ns > 0) return wait_ns;
      Player& player = *thinking_.front();
      thinking_.pop_front();
      if (!stopping_) send_some(player, options_.depth);
    }
    return 100'000'000;
  }

  void echo_for(double seconds) {
    const std::int64_t end = monotonic_ns() + static_cast<std::int64_t>(seconds * 1e9);
    for (std::int64_t now = monotonic_ns(); now < end && failed_ == 0; now = monotonic_ns()) {
      poll_ns(std::min(send_due(), end - now));
    }
  }

  void echo() {
    const std::uint32_t active = options_.active == 0 ? options_.players : options_.active;
    std::vector<std::uint32_t> latencies;
    echoing_ = true;
    stopping_ = false;
    thinking_.clear();
    for (std::uint32_t i = 0; i < std::min(active, options_.players); ++i) {
      players_[i]->sent_ns.assign(options_.depth, 0);
      // With think time they start spread over it, not all at once.
      if (options_.think_us != 0) {
        players_[i]->due_ns = monotonic_ns() + options_.think_us * std::int64_t{1'000} * i / active;
        thinking_.push_back(players_[i].get());
      } else {
        send_some(*players_[i], options_.depth);
      }
    }
    echo_for(options_.warm_up_seconds);
    latencies.reserve(1u << 22);
    for (auto& player : players_) player->latencies_ns = &latencies;
    answered_ = 0;
    const double cpu = server_.cpu_seconds(), own = Process::own_cpu_seconds();
    const std::int64_t start = monotonic_ns();
    echo_for(options_.seconds);
    const double wall = static_cast<double>(monotonic_ns() - start) * 1e-9;
    const double used = server_.cpu_seconds() - cpu;
    const auto count = static_cast<double>(std::max<std::uint64_t>(answered_, 1));
    json echo = {{"requests", answered_}, {"per_second", static_cast<double>(answered_) / wall}};
    echo["client_cpu_us"] = (Process::own_cpu_seconds() - own) / count * 1e6;
    if (options_.server_pid != 0) {
      echo["cpu_us"] = used / count * 1e6;
      echo["cpu_share"] = used / wall;
    }
    stopping_ = true;
    for (auto& player : players_) player->latencies_ns = nullptr;
    echo.update(percentiles(latencies));
    report_["echo"] = std::move(echo);
    finish();
  }

  // Nothing may be lost: what is in flight is answered.
  void finish() {
    const auto in_flight = [this] {
      std::uint64_t sum = 0;
      for (auto& player : players_) sum += player->in_flight;
      return sum;
    };
    const std::int64_t end = monotonic_ns() + options_.patience_ms * std::int64_t{1'000'000};
    while (in_flight() > 0 && monotonic_ns() < end && failed_ == 0) poll(100);
    report_["echo"]["unanswered"] = in_flight();
    if (in_flight() > 0) ++failed_;
  }

  const Options& options_;
  const Process server_;
  const std::unique_ptr<Shared> shared_;
  const int epoll_;
  const std::string payload_;
  std::vector<std::unique_ptr<Player>> players_;
  std::deque<Player*> thinking_;
  std::vector<std::uint32_t> login_ns_;
  std::uint64_t answered_ = 0;
  std::uint64_t failed_ = 0;
  std::uint32_t under_way_ = 0;
  std::uint32_t resumed_ = 0;  // of those that reached the goal: with a session of TLS resumed
  std::string first_error_;
  Stage goal_ = Stage::kIdle;
  bool echoing_ = false;
  bool stopping_ = false;
  json report_ = json::object();
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  std::string identity;
  CLI::App cli("load for gatehouse, skynet's login example, or a bare echo server");
  cli.add_option("--login", options.login,
                 "login address, as 127.0.0.1:1, tls://, ws://, wss://; none: a bare echo server");
  cli.add_option("--gate", options.gate, "gate address; none: logins only");
  cli.add_option("--server", options.manner.server, "server name in the token");
  cli.add_option("--prefix", options.prefix, "users are named PREFIX0, PREFIX1 ...");
  cli.add_option("--players", options.players, "players to log in and connect");
  cli.add_option("--parallel", options.parallel, "logins and connects at a time");
  cli.add_option("--active", options.active, "players that echo; 0: all");
  cli.add_option("--depth", options.depth, "requests a player has in flight");
  cli.add_option("--payload", options.payload_bytes, "bytes of content");
  cli.add_option("--think-us", options.think_us, "pause between answer and next request");
  cli.add_option("--seconds", options.seconds, "measured time of the echoes; 0: none");
  cli.add_option("--warm-up", options.warm_up_seconds, "echoes before the measured time");
  cli.add_option("--patience-ms", options.patience_ms, "without progress for so long: failed");
  cli.add_option("--server-pid", options.server_pid, "whose CPU time and memory to read");
  const std::map<std::string, Suite> suites = {
      {"skynet", Suite::kSkynet}, {"plain", Suite::kPlain}, {"x25519", Suite::kX25519}};
  cli.add_option("--suite", options.manner.suite, "of the logins (skynet)")
      ->transform(CLI::CheckedTransformer(suites));
  cli.add_flag("--sealed", options.manner.is_sealed, "sealed frames; with the suite x25519");
  cli.add_option("--identity", identity, "the server's public key in base64, to be checked");
  cli.add_option("--tls", options.tls_version, "the only version to speak")
      ->check(CLI::IsMember({"1.2", "1.3"}));
  cli.add_flag("--resume", options.resume, "a player resumes the TLS session of his last one");
  cli.add_option("--login-rounds", options.login_rounds, "how often each player logs in");
  cli.add_flag("--handshakes", options.handshakes,
               "only connect to the gate and leave: once in full, once resumed");
  cli.add_flag("--hold", options.hold,
               "after the report stay connected until stdin ends; each line: echo again");
  CLI11_PARSE(cli, argc, argv);
  options.manner.identity = crypto::base64_decode(identity).value_or("");
  std::signal(SIGPIPE, SIG_IGN);  // TLS writes by itself; an error says the same
  rlimit descriptors{};
  getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
  return Load(options).run();
}
