// How often an address may try to log in, and how often a password may be guessed.
//
// Three things are counted, the narrow one first, so that who guesses is stopped long before the
// account he guesses at:
//   address   its logins have a rate. Failures, at whatever accounts, lock it out, twice as long
//             each time. Of an IPv6 address the /64 is counted, its /56 and its /48 as well: they
//             take more failures, and are locked out as a whole then.
//   network   one address (/64, /56, /48) at one account: a rate of logins; failures lock it out
//             of this account, first after login_account_failures_max, then after each more.
//   account   wrong guesses in a day, wherever they come from: the last resort, because it keeps
//             the owner out, too. Networks from which he logged in have a budget of their own.
// Invariant: a guess is charged before it is looked at, and the account's charge is taken back
// only for a guess that was right or was not looked at. So guesses_per_day() bounds what is
// answered in any 24 hours, whatever comes in which order; docs/login-limits.md says it in words.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "admission/refusal.hpp"
#include "admission/throttle_table.hpp"
#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/metrics.hpp"
#include "base/rate_bucket.hpp"
#include "net/address.hpp"

namespace gatehouse::admission {

// Any thread. Times are monotonic nanoseconds.
class Throttle {
 public:
  // Counter `login_lockouts` by what was locked out, and the metrics of ThrottleTable.
  Throttle(const Clock& clock, const Limits& limits, MetricSet& metrics);
  Throttle(const Throttle&) = delete;
  Throttle& operator=(const Throttle&) = delete;

  struct AddressVerdict {
    std::uint32_t retry_s = 0;   // 0: go on; else seconds until it is worth trying again
    std::uint32_t locked_s = 0;  // above 0: for its failures; who proves himself comes in
    bool suspect = false;        // failed lately, or tries many logins at once
  };
  // Takes one login of the address.
  [[nodiscard]] AddressVerdict take_address(const net::Address& address, std::int64_t now_ns);
  // The login of the address that was taken last could not be looked at, and does not count.
  void give_back_address(const net::Address& address);

  // A login that wants a password looked at.
  struct Login {
    const net::Address& address;
    std::string_view account;  // the name, as it is counted
    bool known = false;        // the account's last login came from this network
    std::uint32_t address_locked_s = 0;
  };
  // The right to have one guess looked at. Ends by one of the three, or with its destructor, which
  // gives it back. An empty one counts nothing.
  class Guess {
   public:
    Guess() = default;
    Guess(Guess&& other) noexcept : held_(std::exchange(other.held_, std::nullopt)) {}
    Guess& operator=(Guess&& other) noexcept;
    ~Guess();

    // It was wrong: password, second factor, user name.
    void failed(std::int64_t now_ns);
    // The login was good: the failures of this account from this network are forgiven.
    void succeeded(std::int64_t now_ns);
    // It was not looked at, or was right without being a login.
    void give_back(std::int64_t now_ns);

   private:
    friend class Throttle;
    struct Held {
      Throttle* throttle;
      net::Address address;
      std::string account;
      bool known;        // the network
      bool known_guess;  // which of the account's budgets was charged
      std::int64_t taken_ns;
    };
    void drop();
    explicit Guess(Held held) : held_(std::move(held)) {}
    std::optional<Held> held_;
  };
  struct Asked {
    Guess guess;
    std::optional<Refusal> refusal;  // then the guess is empty
    bool suspect = false;
  };
  [[nodiscard]] Asked ask(const Login& login, std::int64_t now_ns);

  // One login that was refused by ask() and brings password and second factor together; false: too
  // many of them from this address.
  [[nodiscard]] bool take_proof(const net::Address& address, std::int64_t now_ns);
  // A login without a guess was good: by ticket, or by what take_proof() let through.
  void good(const net::Address& address, std::string_view account, std::int64_t now_ns);

  // How many wrong guesses at one account are answered in any 24 hours; 0: no limit. Guesses that
  // come with a right second factor are limited by that (store::TotpBudget). For tests, which hold
  // the limits against it.
  [[nodiscard]] static std::uint32_t guesses_per_day(const Limits& limits);

 private:
  static constexpr std::size_t kLevels = 3;  // prefixes of IPv6, 0 the narrowest
  struct LockRule {
    std::uint32_t failures_max;  // 0: no lock-out
    std::int64_t lock_ns_max;
    std::int64_t memory_ns;
    Metric& lockouts;
  };

  [[nodiscard]] bool counts(const Login& login) const;
  [[nodiscard]] static std::size_t levels(const net::Address& address);
  [[nodiscard]] static std::string address_key(const net::Address& address, std::size_t level);
  [[nodiscard]] static std::string network_key(const net::Address& address, std::size_t level,
                                               std::string_view account);
  [[nodiscard]] static std::string account_key(std::string_view account);
  [[nodiscard]] std::uint32_t network_failures_max(std::size_t level, bool known) const;
  // Refusals of a network at an account; counts the guess as pending when there is none.
  [[nodiscard]] std::optional<Refusal> enter_network(const Login& login, std::size_t level,
                                                     bool& known, bool& suspect,
                                                     std::int64_t now_ns);
  // Charges the account, for a known network its own budget first. Refuses when nothing is left.
  [[nodiscard]] std::optional<Refusal> charge(Guess::Held& held);
  void leave_network(const Guess::Held& held, std::size_t count, std::int64_t now_ns);
  void fail_network(const Guess::Held& held, std::int64_t now_ns);
  void fail_account(const Guess::Held& held, std::int64_t now_ns);
  void count_failure(ThrottleEntry& entry, const LockRule& rule, std::int64_t now_ns) const;
  void fail_address(const net::Address& address, std::int64_t now_ns);
  void refund(const Guess::Held& held, std::int64_t now_ns);
  [[nodiscard]] const Rate& guess_rate(bool known) const {
    return known ? known_guesses_ : guesses_;
  }

  const Clock& clock_;
  const Rate address_rate_;
  const Rate network_rate_;
  const Rate known_network_rate_;
  const Rate guesses_;
  const Rate known_guesses_;
  const std::int64_t lock_ns_;
  const LockRule address_;
  const LockRule network_;
  const LockRule known_network_;
  Metric& account_lockouts_;
  ThrottleTable table_;
};

}  // namespace gatehouse::admission
