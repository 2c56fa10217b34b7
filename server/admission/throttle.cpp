#include "admission/throttle.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/clock.hpp"
#include "net/network_set.hpp"

namespace gatehouse::admission {
namespace {

constexpr std::int64_t kNsPerS = 1'000'000'000;
constexpr std::int64_t kDayNs = 86'400 * kNsPerS;
constexpr std::uint32_t kDoublingsMax = 20;
// So many logins nearly at once make a suspect of an address.
constexpr int kAtOnceMax = 2;
// The prefixes of IPv6 by level (RFC 6177: a site has a /48 to a /64), and how many times the
// failures of the narrowest they take: at whatever accounts, and at one account.
constexpr std::array<unsigned, 3> kPrefixBits{64, 56, 48};
constexpr std::array<std::uint32_t, 3> kAddressFailures{1, 4, 16};
constexpr std::array<std::uint32_t, 3> kNetworkFailures{1, 2, 3};
// A network that the account knows takes so many times the failures before it is locked out, and
// may log in so many times as often.
constexpr std::uint32_t kKnownTimes = 3;
// After a good login a network is known for so long; a restart forgets all but the last one, which
// is in the store.
constexpr std::int64_t kKnownNs = 30 * kDayNs;
// Logins of an address that bring both factors although it is locked out: each costs a hash.
constexpr Rate kProofs{3.0 * kNsPerS, 10 * 3 * kNsPerS};

constexpr const char* kLockoutHelp =
    "Lock-outs after failed logins: of addresses, of networks from an account, of accounts";

std::uint32_t seconds(std::int64_t ns) {
  return static_cast<std::uint32_t>(std::max<std::int64_t>((ns + kNsPerS - 1) / kNsPerS, 1));
}

Rate per_minute(std::uint32_t units, std::uint32_t burst) {
  Rate rate = Rate::per_second(units, burst);
  rate.ns_per_unit *= 60;
  if (rate.limited()) rate.burst_ns *= 60;
  return rate;
}

// So many times the rate and the burst.
Rate faster(Rate rate, double times) {
  rate.ns_per_unit /= times;
  return rate;
}

// At most `units` in any 24 hours: half of them at once, the other half in the course of them.
Rate per_day(std::uint32_t units) {
  if (units == 0) return {};
  return {static_cast<double>(kDayNs) / std::max(units / 2, 1u), kDayNs};
}

}  // namespace

Throttle::Throttle(const Clock& clock, const Limits& limits, MetricSet& metrics)
    : clock_(clock),
      address_rate_(Rate::per_second(limits.login_address_per_s, limits.login_address_burst)),
      network_rate_(per_minute(limits.login_account_per_min, limits.login_account_burst)),
      known_network_rate_(faster(network_rate_, kKnownTimes)),
      guesses_(per_day(limits.login_account_failures_day_max)),
      known_guesses_(per_day(limits.login_known_failures_day_max)),
      lock_ns_(limits.login_lock_ms * kNsPerMs),
      address_{limits.login_address_failures_max, limits.login_lock_ms_max * kNsPerMs,
               limits.login_failure_memory_ms * kNsPerMs,
               metrics.counter("login_lockouts", "of=\"address\"", kLockoutHelp)},
      network_{limits.login_account_failures_max, limits.login_account_lock_ms_max * kNsPerMs,
               kDayNs, metrics.counter("login_lockouts", "of=\"network\"", kLockoutHelp)},
      known_network_{limits.login_account_failures_max, limits.login_lock_ms_max * kNsPerMs, kDayNs,
                     network_.lockouts},
      account_lockouts_(metrics.counter("login_lockouts", "of=\"account\"", kLockoutHelp)),
      table_(limits.login_throttle_entries_max, metrics) {}

std::uint32_t Throttle::guesses_per_day(const Limits& limits) {
  const std::uint32_t strangers = limits.login_account_failures_day_max;
  const std::uint32_t known = limits.login_known_failures_day_max;
  if (strangers == 0) return 0;
  return std::max(strangers, 2u) + (known == 0 ? 0 : std::max(known, 2u));
}

std::size_t Throttle::levels(const net::Address& address) {
  return address.is_v6() ? kLevels : 1;
}

std::string Throttle::address_key(const net::Address& address, std::size_t level) {
  const auto bytes =
      level == 0 ? net::subscriber_bytes(address) : net::network_bytes(address, kPrefixBits[level]);
  std::string key = "a0";
  key[1] = static_cast<char>('0' + level);
  return key.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::string Throttle::network_key(const net::Address& address, std::size_t level,
                                  std::string_view account) {
  std::string key = address_key(address, level);
  key[0] = 'n';
  return key.append(account);
}

std::string Throttle::account_key(std::string_view account) {
  return "p" + std::string(account);
}

Throttle::AddressVerdict Throttle::take_address(const net::Address& address, std::int64_t now_ns) {
  if (!address_rate_.limited() && address_.failures_max == 0) return {};
  AddressVerdict verdict = table_.with(address_key(address, 0), now_ns, [&](ThrottleEntry& entry) {
    AddressVerdict own;
    if (entry.locked(now_ns)) own.locked_s = seconds(entry.locked_until_ns - now_ns);
    if (address_rate_.limited() && !entry.logins.take(address_rate_, 1, now_ns))
      own.retry_s = seconds(entry.logins.next_in_ns(address_rate_, now_ns));
    const auto at_once = static_cast<double>(entry.logins.full_in_ns(now_ns));
    own.suspect = entry.failures > 0 || at_once > kAtOnceMax * address_rate_.ns_per_unit;
    return own;
  });
  for (std::size_t level = 1; level < levels(address); ++level) {
    table_.with_known(address_key(address, level), now_ns, [&](const ThrottleEntry& entry) {
      if (!entry.locked(now_ns)) return;
      verdict.locked_s = std::max(verdict.locked_s, seconds(entry.locked_until_ns - now_ns));
    });
  }
  verdict.suspect = verdict.suspect || verdict.locked_s > 0;
  return verdict;
}

void Throttle::give_back_address(const net::Address& address) {
  if (!address_rate_.limited()) return;
  table_.with_known(address_key(address, 0), 0,
                    [this](ThrottleEntry& entry) { entry.logins.give_back(address_rate_, 1); });
}

std::uint32_t Throttle::network_failures_max(std::size_t level, bool known) const {
  return network_.failures_max * (known ? kKnownTimes : kNetworkFailures[level]);
}

// A network that is known is judged by its narrowest prefix alone: its neighbours do not lock it
// out.
std::optional<Refusal> Throttle::enter_network(const Login& login, std::size_t level, bool& known,
                                               bool& suspect, std::int64_t now_ns) {
  return table_.with(
      network_key(login.address, level, login.account), now_ns,
      [&](ThrottleEntry& entry) -> std::optional<Refusal> {
        if (level == 0 && entry.good_ns != 0 && now_ns - entry.good_ns < kKnownNs) known = true;
        if (level == 0 && !known && login.address_locked_s > 0)
          return kAddressThrottled.after(login.address_locked_s);
        if (entry.locked(now_ns))
          return kAccountThrottled.after(seconds(entry.locked_until_ns - now_ns));
        // Each guess that is being looked at may be one more failure; past the limit they come one
        // by one.
        const std::uint32_t failures_max = network_failures_max(level, known);
        const bool room = entry.failures + entry.pending < failures_max || entry.pending == 0;
        if (failures_max > 0 && !room) return kAccountThrottled.after(1);
        const Rate& rate = known ? known_network_rate_ : network_rate_;
        if (level == 0 && rate.limited() && !entry.logins.take(rate, 1, now_ns))
          return kAccountThrottled.after(seconds(entry.logins.next_in_ns(rate, now_ns)));
        suspect = suspect || entry.failures > 0;
        if (!entry.key.empty()) ++entry.pending;
        return std::nullopt;
      });
}

bool Throttle::counts(const Login& login) const {
  return network_.failures_max > 0 || address_.failures_max > 0 || network_rate_.limited() ||
         guesses_.limited() || known_guesses_.limited() || login.address_locked_s > 0;
}

Throttle::Asked Throttle::ask(const Login& login, std::int64_t now_ns) {
  Asked asked;
  if (!counts(login)) return asked;
  Guess::Held held{this, login.address, std::string(login.account), login.known, false, now_ns};
  for (std::size_t level = 0; level < levels(login.address); ++level) {
    if (level > 0 && held.known) break;
    asked.refusal = enter_network(login, level, held.known, asked.suspect, now_ns);
    if (!asked.refusal) continue;
    leave_network(held, level, now_ns);
    return asked;
  }
  asked.refusal = charge(held);
  if (asked.refusal) {
    leave_network(held, kLevels, now_ns);
  } else {
    asked.guess = Guess(std::move(held));
  }
  return asked;
}

std::optional<Refusal> Throttle::charge(Guess::Held& held) {
  const std::int64_t now_ns = held.taken_ns;
  return table_.with(
      account_key(held.account), now_ns, [&](ThrottleEntry& entry) -> std::optional<Refusal> {
        held.known_guess = held.known && known_guesses_.limited() &&
                           entry.known_guesses.take(known_guesses_, 1, now_ns);
        if (held.known_guess || !guesses_.limited()) return std::nullopt;
        if (entry.guesses.take(guesses_, 1, now_ns)) return std::nullopt;
        return kAccountCapped.after(seconds(entry.guesses.next_in_ns(guesses_, now_ns)));
      });
}

// At the first `count` of its prefixes that it entered.
void Throttle::leave_network(const Guess::Held& held, std::size_t count, std::int64_t now_ns) {
  count = std::min(count, held.known ? 1 : levels(held.address));
  for (std::size_t level = 0; level < count; ++level) {
    table_.with_known(network_key(held.address, level, held.account), now_ns,
                      [](ThrottleEntry& entry) { entry.pending -= entry.pending > 0 ? 1 : 0; });
  }
}

bool Throttle::take_proof(const net::Address& address, std::int64_t now_ns) {
  return table_.with(address_key(address, 0), now_ns, [now_ns](ThrottleEntry& entry) {
    return entry.guesses.take(kProofs, 1, now_ns);
  });
}

// What was under way when a lock came does not make it longer.
void Throttle::count_failure(ThrottleEntry& entry, const LockRule& rule,
                             std::int64_t now_ns) const {
  GATEHOUSE_ASSERT(rule.memory_ns >= 0 && rule.lock_ns_max >= 0);
  entry.failed_ns = now_ns;
  ++entry.failures;
  if (!entry.locked(now_ns) && rule.failures_max > 0 && entry.failures >= rule.failures_max) {
    const std::uint32_t doublings = std::min(entry.locks, kDoublingsMax);
    const bool longest = lock_ns_ > rule.lock_ns_max >> doublings;  // no more would be too much
    entry.locked_until_ns = now_ns + (longest ? rule.lock_ns_max : lock_ns_ << doublings);
    GATEHOUSE_ASSERT(entry.locked_until_ns >= now_ns);
    ++entry.locks;
    rule.lockouts.add();
  }
  entry.forgotten_ns = std::max(now_ns, entry.locked_until_ns) + rule.memory_ns;
}

void Throttle::fail_address(const net::Address& address, std::int64_t now_ns) {
  if (address_.failures_max == 0) return;
  for (std::size_t level = 0; level < levels(address); ++level) {
    LockRule rule = address_;
    rule.failures_max *= kAddressFailures[level];
    table_.with(address_key(address, level), now_ns, [&](ThrottleEntry& entry) {
      count_failure(entry, rule, now_ns);
      // The next lock-out needs as many again: others may share the address.
      if (entry.failures >= rule.failures_max) entry.failures = 1;
    });
  }
}

void Throttle::fail_network(const Guess::Held& held, std::int64_t now_ns) {
  const std::size_t count = held.known ? 1 : levels(held.address);
  for (std::size_t level = 0; level < count; ++level) {
    LockRule rule = held.known ? known_network_ : network_;
    rule.failures_max = network_failures_max(level, held.known);
    table_.with(network_key(held.address, level, held.account), now_ns, [&](ThrottleEntry& entry) {
      entry.pending -= entry.pending > 0 ? 1 : 0;
      const bool old = now_ns - entry.failed_ns > address_.memory_ns;
      entry.recent = old ? 1 : entry.recent + 1;
      count_failure(entry, rule, now_ns);
    });
  }
}

// The budget was charged before; what is counted here keeps the entry in the table.
void Throttle::fail_account(const Guess::Held& held, std::int64_t now_ns) {
  const Rate& rate = guess_rate(held.known_guess);
  if (!rate.limited()) return;
  table_.with(account_key(held.account), now_ns, [&](ThrottleEntry& entry) {
    ++entry.failures;
    entry.forgotten_ns = now_ns + kDayNs;
    const RateBucket& bucket = held.known_guess ? entry.known_guesses : entry.guesses;
    if (bucket.next_in_ns(rate, now_ns) > 0) account_lockouts_.add();
  });
}

void Throttle::refund(const Guess::Held& held, std::int64_t now_ns) {
  const Rate& rate = guess_rate(held.known_guess);
  if (!rate.limited()) return;
  // What has come back by itself since then is not given back once more.
  const double gone = static_cast<double>(std::max<std::int64_t>(now_ns - held.taken_ns, 0));
  const Rate rest{std::max(rate.ns_per_unit - gone, 0.0), rate.burst_ns};
  table_.with_known(account_key(held.account), now_ns, [&](ThrottleEntry& entry) {
    (held.known_guess ? entry.known_guesses : entry.guesses).give_back(rest, 1);
  });
}

void Throttle::good(const net::Address& address, std::string_view account, std::int64_t now_ns) {
  if (network_.failures_max == 0 && !guesses_.limited()) return;
  std::uint32_t forgiven = 0;
  for (std::size_t level = 0; level < levels(address); ++level) {
    const auto forgive = [&](ThrottleEntry& entry) {
      if (level == 0) {
        forgiven = entry.recent;
        entry.failures = entry.recent = entry.locks = 0;
        entry.locked_until_ns = 0;
        entry.good_ns = now_ns;
      } else {
        entry.failures -= std::min(entry.failures, forgiven);
      }
    };
    const std::string key = network_key(address, level, account);
    level == 0 ? table_.with(key, now_ns, forgive) : table_.with_known(key, now_ns, forgive);
  }
  if (forgiven == 0) return;
  for (std::size_t level = 0; level < levels(address); ++level) {
    table_.with_known(address_key(address, level), now_ns, [&](ThrottleEntry& entry) {
      entry.failures -= std::min(entry.failures, forgiven);
    });
  }
}

Throttle::Guess& Throttle::Guess::operator=(Guess&& other) noexcept {
  if (this != &other) {
    drop();
    held_ = std::exchange(other.held_, std::nullopt);
  }
  return *this;
}

Throttle::Guess::~Guess() {
  drop();
}

void Throttle::Guess::drop() {
  if (held_) give_back(held_->throttle->clock_.monotonic_ns());
}

void Throttle::Guess::give_back(std::int64_t now_ns) {
  if (!held_) return;
  const Held held = *std::exchange(held_, std::nullopt);
  held.throttle->leave_network(held, kLevels, now_ns);
  held.throttle->refund(held, now_ns);
}

void Throttle::Guess::succeeded(std::int64_t now_ns) {
  if (!held_) return;
  const Held held = *std::exchange(held_, std::nullopt);
  held.throttle->leave_network(held, kLevels, now_ns);
  held.throttle->refund(held, now_ns);
  held.throttle->good(held.address, held.account, now_ns);
}

void Throttle::Guess::failed(std::int64_t now_ns) {
  if (!held_) return;
  const Held held = *std::exchange(held_, std::nullopt);
  held.throttle->fail_network(held, now_ns);
  held.throttle->fail_account(held, now_ns);
  held.throttle->fail_address(held.address, now_ns);
}

}  // namespace gatehouse::admission
