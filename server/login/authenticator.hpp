// Checks passwords and tickets against the account store, and makes accounts at the first login
// where registration is open. A password login is one job in the store, a wait in the hash room,
// and one job on the hash pool; the pools hand over to each other without coming back to the
// worker. A new account, a second factor and a stored password that is to be replaced need a
// second store job. A ticket login is the first job alone.
//
// What costs time costs it alike: a wrong password, an unknown user and an account without a
// usable password each take one password hash, and their answers wait for answer_floor.hpp.
//
// Guesses are limited by throttle.hpp. A login that it refuses is looked at nevertheless when it
// brings a code of the second factor, and is let in when both are right; else the answer is the
// refusal it would have been, whichever was wrong. Codes have a budget of their own in the store
// (store::TotpBudget), which nobody spends who has not one of the two factors.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "actor/work_pool.hpp"
#include "admission/answer_floor.hpp"
#include "admission/throttle.hpp"
#include "admission/waiting_room.hpp"
#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/log_limit.hpp"
#include "base/metrics.hpp"
#include "base/published.hpp"
#include "base/secret.hpp"
#include "base/unique_function.hpp"
#include "base/user_name.hpp"
#include "base/world.hpp"
#include "crypto/password.hpp"
#include "crypto/seal.hpp"
#include "login/hash_survey.hpp"
#include "login/options.hpp"
#include "login/refusal.hpp"
#include "login/tickets.hpp"
#include "net/address.hpp"
#include "store/store.hpp"

namespace gatehouse::login {

// What it works with; all of it outlives it.
struct AuthenticatorParts {
  const World& world;
  store::Store& store;
  actor::WorkPool& hash_pool;
  admission::Throttle& throttle;
  MetricSet& metrics;
};

struct AuthRequest {
  std::string name;  // normalised
  std::string server;
  net::Address address;  // of the client
  bool trusted = false;  // from a network of address_allow: no limits
  bool suspect = false;  // an address with failures behind it: comes later in the hash room
  std::uint32_t address_locked_s = 0;  // Throttle::AddressVerdict's
  bool wants_ticket = false;
  Secret password;  // find_or_create() needs none
  Secret totp;      // the code of the second factor, if the client sent one
  Secret ticket;    // instead of a password
  // Shared with the connection; may be null.
  std::shared_ptr<admission::Waiter> waiter;
};

// A resume ticket that let somebody in, and is spent when he gets his answer.
struct TicketSpend {
  TicketHolder holder;
  TicketClaim claim;
  net::Address address;  // of the client
  bool wants_ticket = false;
  MonotonicMs looked_at_ms = 0;
};

// Who was let in.
struct Admitted {
  AccountId account;
  std::uint32_t capacity = 0;          // of the game server; 0: no limit
  bool waits_for_nobody = false;       // staff, and who comes from an allowed network
  std::optional<Ticket> ticket;        // for the client, when it wants one and there are keys
  std::optional<TicketSpend> spend{};  // for renew(), when a ticket let him in
  store::Credentials credentials{};    // that were proved, or that the account had
  std::uint64_t family = 0;            // of the ticket that came or goes; 0: none
};

// Any thread.
class Authenticator {
 public:
  using Admission = tl::expected<Admitted, Refusal>;
  using Done = UniqueFunction<void(Admission)>;
  using Renewal = tl::expected<std::optional<Ticket>, Refusal>;
  using RenewalDone = UniqueFunction<void(Renewal)>;

  // While somebody has one, the authenticator does not end. The first member of what its jobs
  // share, and so the last that goes: all that they hold has ended when the authenticator ends.
  class Underway {
   public:
    explicit Underway(Authenticator& owner);
    Underway(Underway&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Underway& operator=(Underway&&) = delete;
    ~Underway();

   private:
    Authenticator* owner_;
  };

  // Gauge `login_waiting{room="hash"}`. limits: those of the login's.
  Authenticator(const AuthenticatorParts& parts, const Limits& limits,
                const AuthenticatorOptions& options);
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;
  // Sends away who waits, and waits for its jobs in the pools.
  ~Authenticator();

  // Calls `done` exactly once: on a thread of a pool, or from inside when a queue is full. An
  // error of the store is always kStoreUnavailable, never an admission and never a new account.
  // Bans and closed servers are told to those only who know the password.
  void verify(AuthRequest request, Done done);

  // The account of a user whom somebody else has authenticated, made without a usable password
  // when there is none. Bans count here too. `done` as above; kNameRefused where no account may
  // have the name.
  void find_or_create(AuthRequest request, Done done);

  // Spends a ticket just before its login is answered with 200, and makes the next one. Calls
  // `done` as verify() does: with a refusal when two have the ticket, and without a ticket when
  // the client wants none or the store is away; then the one it has stays good, for
  // lost_answer_s at least: whether it was spent is not known.
  void renew(TicketSpend spend, RenewalDone done);

  // Replaces the keys; logins under way may still use the older ones.
  void set_keys(AuthKeys keys);

  // The client of a verify() is gone: its place in the hash room is kept for a while.
  void drop(const std::string& name, const net::Address& address);
  // WaitingRoom's, for the hash room.
  bool update_room(MonotonicMs now) { return room_.update(now); }
  void close_room() { room_.close(); }
  // Looks on through the password formats of the store: call it every second or so.
  void survey(MonotonicMs now) { survey_.update(now); }
  [[nodiscard]] admission::AnswerFloor& floor() { return floor_; }
  [[nodiscard]] Underway underway() { return Underway(*this); }
  // The gauge.
  [[nodiscard]] const Metric& waiting() const { return waiting_; }

 private:
  class Attempt;
  struct Renewing;
  // Whose place it is in the hash room.
  [[nodiscard]] static std::string room_key(const std::string& name, const net::Address& address);
  [[nodiscard]] bool take_hash_slot();
  void give_hash_slot_back();
  void log_store_error(const AuthRequest& request, const Error& error);
  void log_totp_error(const Error& error);
  [[nodiscard]] bool may_log();

  const AuthenticatorParts parts_;
  const AuthenticatorOptions options_;
  const std::size_t hash_slots_;
  const store::TotpBudget totp_budget_;
  admission::AnswerFloor floor_;
  Tickets tickets_;
  Published<crypto::SealRing> totp_keys_;
  LogLimit outage_lines_{1, 1'000};
  std::atomic<std::size_t> hashing_{0};  // jobs of the hash pool, those that wait there too
  Metric& waiting_;
  admission::WaitingRoom room_;

  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t underway_ = 0;  // under mutex_
  HashSurvey survey_;
};

}  // namespace gatehouse::login
