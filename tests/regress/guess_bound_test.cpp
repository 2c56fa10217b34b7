// Guessing without lock-out: a count that something else takes back (a success of another account,
// a known address, a quiet quarter of an hour, a full table) bounds nothing. Here guesses come in
// random order from networks that are known and not, at once and one by one, among successes,
// tickets, spellings, lost clients and steps of time; however they come, no account has more wrong
// ones answered in 24 hours than the configuration says, and its owner gets in.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "admission/throttle.hpp"
#include "base/user_name.hpp"
#include "test_world.hpp"

namespace gatehouse::login {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;
const std::vector<std::string> kVictims{"alice", "bob"};
const std::vector<std::string> kSpellings{"Alice", "ALICE ", "\xef\xbd\x81lice"};

Limits bounded(std::uint32_t strangers, std::uint32_t known) {
  Limits limits;
  limits.login_account_per_min = 0;
  limits.login_address_per_s = 0;
  limits.login_account_failures_day_max = strangers;
  limits.login_known_failures_day_max = known;
  return limits;
}

net::Address network(std::size_t number) {
  const std::string n = std::to_string(number);
  const std::string ip = number < 40   ? "10.1.0." + n
                         : number < 80 ? "2001:db8:0:" + n + "::1"
                                       : "2001:db8:" + n + "::1";
  return net::Address::from(ip, 1).value();
}

// One run of one seed.
class Siege {
 public:
  Siege(const Limits& limits, std::uint32_t seed)
      : throttle_(test_world().clock, limits, metrics_), random_(seed) {}

  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      act(below(100));
      ASSERT_LE(asked_.size(), 200u);
    }
    while (!asked_.empty()) finish();
  }
  // The most wrong guesses at one account in 24 hours.
  [[nodiscard]] std::size_t worst_day() const {
    std::size_t worst = 0;
    for (std::vector<std::int64_t> times : wrong_) {
      std::sort(times.begin(), times.end());
      std::size_t first = 0;
      for (std::size_t last = 0; last < times.size(); ++last) {
        while (times[last] - times[first] >= kDay) ++first;
        worst = std::max(worst, last - first + 1);
      }
    }
    return worst;
  }

 private:
  struct Running {
    admission::Throttle::Guess guess;
    std::size_t victim;
    std::int64_t asked_ns;
  };

  std::uint32_t below(std::uint32_t end) { return random_() % end; }

  void act(std::uint32_t what) {
    const net::Address from = network(below(120));
    const std::size_t victim = below(2);
    if (what < 70) {
      // A policy that folds names is counted by the folded one.
      const bool spelled = victim == 0 && below(2) == 0;
      const std::string name = spelled ? fold_name(kSpellings[below(3)]) : kVictims[victim];
      const auto locked_s = throttle_.take_address(from, now_ns_).locked_s;
      auto asked = throttle_.ask({from, name, below(4) == 0, locked_s}, now_ns_);
      if (!asked.refusal) asked_.push_back({std::move(asked.guess), victim, now_ns_});
    } else if (what < 80) {
      // An account of the guesser's own: by password, and by ticket.
      throttle_.ask({from, "own", false, 0}, now_ns_).guess.succeeded(now_ns_);
      throttle_.good(from, "own", now_ns_);
    } else if (what < 82) {
      throttle_.good(from, kVictims[victim], now_ns_);  // the victim's ticket
    } else if (what < 84) {
      throttle_.ask({from, kVictims[victim], true, 0}, now_ns_).guess.succeeded(now_ns_);
    } else if (what < 86) {
      static_cast<void>(throttle_.take_proof(from, now_ns_));
    }
    if (asked_.size() >= 100 || (below(3) != 0 && !asked_.empty())) finish();
    step_clock();
  }

  void finish() {
    Running running = std::move(asked_.front());
    asked_.pop_front();
    if (below(8) == 0) return running.guess.give_back(now_ns_);  // the client left, a 503
    running.guess.failed(now_ns_);
    wrong_[running.victim].push_back(running.asked_ns);
  }

  void step_clock() {
    const std::uint32_t kind = below(100);
    if (kind < 60)
      now_ns_ += below(kSecond);
    else if (kind < 80)
      now_ns_ += below(120) * kSecond;
    else if (kind < 82)
      now_ns_ += below(7'200) * kSecond;
    else if (kind == 82 && below(10) == 0)
      now_ns_ += kDay;
    else if (kind < 90)
      now_ns_ = std::max<std::int64_t>(now_ns_ - kSecond / 10, kDay);
  }

  MetricSet metrics_;
  admission::Throttle throttle_;
  std::mt19937 random_;
  std::int64_t now_ns_ = 2 * kDay;
  std::deque<Running> asked_;
  std::array<std::vector<std::int64_t>, 2> wrong_;
};

TEST(GuessBound, NoOrderOfEventsGivesMoreGuessesADayThanConfigured) {
  std::size_t most = 0;
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    const Limits limits = bounded(20 + seed % 3 * 40, 10 + seed % 2 * 20);
    Siege siege(limits, seed);
    siege.run(4'000);
    const std::size_t worst = siege.worst_day();
    ASSERT_LE(worst, admission::Throttle::guesses_per_day(limits)) << "seed " << seed;
    most = std::max(most, worst * 100 / admission::Throttle::guesses_per_day(limits));
  }
  EXPECT_GT(most, 60u) << "the sieges are hard enough to come near the bound";
}

TEST(GuessBound, FourStrangersNeverKeepTheOwnerOut) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    const Limits limits;
    MetricSet metrics;
    admission::Throttle throttle(test_world().clock, limits, metrics);
    std::mt19937 random(seed);
    std::int64_t now_ns = kDay;
    const std::int64_t end_ns = now_ns + 3 * kDay;
    std::size_t fresh = 0;
    while (now_ns < end_ns) {
      const net::Address from = network(random() % 4);
      throttle.ask({from, "alice", false, 0}, now_ns).guess.failed(now_ns);
      now_ns += random() % 60 * kSecond;
      if (random() % 64 != 0) continue;
      const net::Address owner = network(100 + fresh++ % 20);
      auto asked = throttle.ask({owner, "alice", false, 0}, now_ns);
      ASSERT_FALSE(asked.refusal) << "seed " << seed << ": " << asked.refusal->reason;
      asked.guess.give_back(now_ns);
    }
  }
}

// 150 networks of strangers against one account, for a day.
TEST(GuessBound, AKnownNetworkAndATicketAreNeverKeptOut) {
  const Limits limits;
  MetricSet metrics;
  admission::Throttle throttle(test_world().clock, limits, metrics);
  const net::Address home = network(0);
  std::int64_t now_ns = kDay;
  int refused = 0;
  for (int i = 0; i < 50'000; ++i, now_ns += 2 * kSecond) {
    const net::Address from = net::Address::from("10.2.0." + std::to_string(i % 150), 1).value();
    auto asked = throttle.ask({from, "alice", false, 0}, now_ns);
    refused += asked.refusal && asked.refusal->reason == admission::kAccountCapped.reason ? 1 : 0;
    asked.guess.failed(now_ns);
    auto owner = throttle.ask({home, "alice", true, 0}, now_ns);
    ASSERT_FALSE(owner.refusal);
    owner.guess.succeeded(now_ns);
  }
  EXPECT_GT(refused, 0) << "the last resort was reached";
}

}  // namespace
}  // namespace gatehouse::login
