// An attacker: holds connections that say little, floods from one address, or sends what no client
// sends, as fast as it can; until its standard input ends. Prints what it did as one JSON object.
//
//   attack slow --ports 127.0.0.1:8001,127.0.0.1:8888 --count 5000 --addresses 40
//   attack crowd --ports 127.0.0.1:8888 --count 15000 --addresses 1
//   attack garbage --ports 127.0.0.1:8001,127.0.0.1:8888 --count 200 --addresses 100000
//
//   slow     a byte of a line or frame now and then
//   crowd    nothing at all
//   garbage  one malformed input of many kinds, then it waits to be closed
// Each keeps `count` connections under way; one that the server ends is begun anew.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdint>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

constexpr std::uint32_t kFirstAddress = 0x7f100001;  // 127.16.0.1
constexpr std::int64_t kByteEveryNs = 300'000'000;
constexpr std::int64_t kPatienceNs = 2'000'000'000;  // of garbage that is not answered
constexpr std::int64_t kTickNs = 20'000'000;
constexpr std::uint32_t kOpensATick = 2'000;

std::int64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

sockaddr_in parse(const std::string& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos ||
      inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1)
    throw std::invalid_argument("not an address: " + text);
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1))));
  return address;
}

// Malformed input of every kind, from a small store of it.
std::vector<std::string> garbage() {
  std::mt19937 random(20'261'128);
  const auto noise = [&random](std::size_t bytes) {
    std::string text(bytes, '\0');
    for (char& c : text) c = static_cast<char>(random());
    return text;
  };
  std::vector<std::string> kinds = {
      "\n",
      std::string(64, '\0'),
      std::string(9'000, 'a'),
      "@:!@:!@:!\n",
      "YWRh@c2FtcGxl:c2Vj\n",
      "/w==@c2FtcGxl:c2VjcmV0\n",
      "AAAA\nAAAA\nAAAA\n",
      "AAAAAAAAAAA=\nAAAAAAAAAAA=\nAAAAAAAAAAA=\n",
      std::string(500, '\n'),
      "\xff\xff" + noise(2'000),
      std::string("\x00\x00\x00\x00\x00\x00", 6),
      std::string("\x00\x0c", 2) + "YQ==@#::::::",
      std::string("\x00\x14", 2) + "YQ==@c2FtcGxl#MQ==:1",
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET /" + std::string(9'000, 'x'),
      "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: ?\r\nSec-WebSocket-Version: 99\r\n\r\n",
      std::string("\x16\x03\x01\x02\x00", 5) + noise(512),
      "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
      std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16) + noise(12),
  };
  for (std::size_t bytes = 1; bytes < 4'000; bytes = bytes * 2 + 1) kinds.push_back(noise(bytes));
  return kinds;
}

struct Options {
  std::string mode;
  std::vector<std::string> ports;
  std::uint32_t count = 1'000, addresses = 1;
};

struct Connection {
  int descriptor = -1;
  bool connected = false;
  bool began = false;  // slow: has sent a byte
  std::int64_t due_ns = 0;
};

class Attack {
 public:
  explicit Attack(const Options& options)
      : options_(options),
        slow_(options.mode == "slow"),
        garbage_(options.mode == "garbage"),
        kinds_(garbage()),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        connections_(options.count) {
    for (const std::string& port : options.ports) ports_.push_back(parse(port));
    fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
  }

  int run() {
    const std::int64_t begin = now_ns();
    std::int64_t tick = begin;
    std::vector<epoll_event> events(1'024);
    std::uint32_t next = 0;
    char byte = 0;
    while (read(STDIN_FILENO, &byte, 1) != 0) {
      const int timeout_ms = garbage_ ? 1 : 10;
      const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout_ms);
      for (int i = 0; i < n; ++i) on_event(events[static_cast<std::size_t>(i)]);
      const std::int64_t now = now_ns();
      if (!garbage_ && now < tick) continue;
      tick = now + kTickNs;
      std::uint32_t opened = 0;
      for (std::uint32_t i = 0; i < options_.count && opened < kOpensATick; ++i, ++next) {
        Connection& connection = connections_[next % options_.count];
        if (connection.descriptor < 0) {
          open(next % options_.count, now);
          ++opened;
        } else if (now >= connection.due_ns) {
          late(connection, now);
        }
      }
    }
    const double seconds = static_cast<double>(now_ns() - begin) / 1e9;
    std::uint32_t held = 0;
    for (const Connection& connection : connections_) held += connection.connected;
    const nlohmann::json report = {{"opened", opened_},
                                   {"refused", refused_},
                                   {"ended", ended_},
                                   {"inputs", inputs_},
                                   {"held", held},
                                   {"per_second", static_cast<double>(opened_) / seconds},
                                   {"inputs_per_second", static_cast<double>(inputs_) / seconds}};
    std::cout << report.dump() << '\n' << std::flush;
    return 0;
  }

 private:
  void open(std::uint32_t slot, std::int64_t now) {
    Connection& connection = connections_[slot];
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return;
    const int on = 1;
    const linger reset{1, 0};  // no port is left waiting
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr = htonl(kFirstAddress + opened_ / ports_.size() % options_.addresses);
    ::bind(descriptor, reinterpret_cast<const sockaddr*>(&source), sizeof source);
    const sockaddr_in& port = ports_[opened_ % ports_.size()];
    ++opened_;
    const int status = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&port), sizeof port);
    if (status != 0 && errno != EINPROGRESS) {
      ++refused_;
      ::close(descriptor);
      return;
    }
    connection = {descriptor, false, false, now + kPatienceNs};
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
    event.data.u32 = slot;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
  }

  void on_event(const epoll_event& event) {
    Connection& connection = connections_[event.data.u32];
    if (connection.descriptor < 0) return;
    if (event.events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) return end(connection);
    char buffer[4'096];
    if (event.events & EPOLLIN) {
      const ssize_t got = ::read(connection.descriptor, buffer, sizeof buffer);
      if (got == 0 || (got < 0 && errno != EAGAIN)) return end(connection);
    }
    if (!connection.connected && event.events & EPOLLOUT) {
      connection.connected = true;
      epoll_event in{};
      in.events = EPOLLIN | EPOLLRDHUP;
      in.data.u32 = event.data.u32;
      epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.descriptor, &in);
      const std::int64_t now = now_ns();
      connection.due_ns = now + (slow_ ? kByteEveryNs : garbage_ ? kPatienceNs : INT64_MAX / 2);
      if (garbage_) say(connection, kinds_[inputs_ % kinds_.size()]);
    }
  }

  // A slow one sends its next byte; garbage was waited for long enough.
  void late(Connection& connection, std::int64_t now) {
    if (!slow_ || !connection.connected) return end(connection);
    connection.due_ns = now + kByteEveryNs;
    // The length of a frame of 100 bytes, of which fewer will come; for a login a line without end.
    say(connection, std::exchange(connection.began, true) ? "d" : std::string_view("\0", 1));
  }

  void say(Connection& connection, std::string_view bytes) {
    if (::send(connection.descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0)
      return end(connection);
    ++inputs_;
  }

  void end(Connection& connection) {
    ++(connection.connected ? ended_ : refused_);
    ::close(connection.descriptor);
    connection = {};
  }

  const Options& options_;
  const bool slow_;
  const bool garbage_;
  const std::vector<std::string> kinds_;
  const int epoll_;
  std::vector<sockaddr_in> ports_;
  std::vector<Connection> connections_;
  std::uint64_t opened_ = 0, refused_ = 0, ended_ = 0, inputs_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Attacks a server"};
  app.add_option("mode", options.mode)
      ->required()
      ->check(CLI::IsMember({"slow", "crowd", "garbage"}));
  app.add_option("--ports", options.ports)->required()->delimiter(',');
  app.add_option("--count", options.count)->check(CLI::Range(1, 100'000));
  app.add_option("--addresses", options.addresses)->check(CLI::Range(1, 1'000'000));
  CLI11_PARSE(app, argc, argv);
  return Attack(options).run();
}
