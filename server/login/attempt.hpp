// One login on its way through the pools (authenticator.hpp), in steps. A step says what comes
// next: another step and where it runs, or the verdict. The jobs of an attempt share it; at any
// moment one thread at most works on it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "actor/work_pool.hpp"
#include "base/result.hpp"
#include "login/accounts.hpp"
#include "login/authenticator.hpp"
#include "store/account.hpp"
#include "store/driver.hpp"

namespace gatehouse::login {

class Authenticator::Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(Authenticator& owner, AuthRequest request, Done done);

  void verify() { go(InStore{&Attempt::look_up}); }
  void find_or_create() { go(InStore{&Attempt::adopt}); }

 private:
  struct Next;
  // Here and now; after a step in the store: once its writes are durable.
  struct Then {
    Next (Attempt::*step)();
  };
  struct InStore {
    Next (Attempt::*step)(store::Driver& driver);
  };
  // judge(), when the hash room lets it in.
  struct InHashRoom {
    bool suspect;
  };
  struct Next : std::variant<Admission, Then, InStore, InHashRoom> {
    using variant::variant;
  };

  // The steps, in their order; attempt.cpp shows which follows which.
  Next look_up(store::Driver& driver);
  Next look_at_ticket(store::Driver& driver);
  Next enter();
  Next take_guess();
  Next judge(const actor::WorkContext& context);
  Next judge_account();
  Next judge_proof(bool password_right);
  Next judge_stranger();
  Next complete(store::Driver& driver);
  Next spend_proof(store::Driver& driver);
  Next create(store::Driver& driver);
  Next adopt(store::Driver& driver);
  Next admit();
  Next refuse(const Refusal& refusal);
  // For what the client sent; the throttle counts it.
  Next refuse_failed(const Refusal& refusal);
  Next refuse_after_burn(const Refusal& refusal);

  // What carries them out.
  void go(Next next);
  void submit(InStore step);
  void enter_hash_room(bool suspect);
  void enter_hash_pool();

  [[nodiscard]] Result<bool> compare_password();
  // Reads whose code the client sent; or why the login ends.
  [[nodiscard]] std::optional<Refusal> read_totp();
  // Takes a try from the second factor's budget; or why the login ends.
  [[nodiscard]] std::optional<Refusal> take_totp_try(store::Driver& driver);
  [[nodiscard]] Refusal refusal_for(const Error& error);
  [[nodiscard]] bool known_address() const;
  [[nodiscard]] const std::string& counted_name() const;
  void burn();
  [[nodiscard]] const Clock& clock() const { return owner_.parts_.world.clock; }
  [[nodiscard]] bool cancelled() const { return request_.waiter->cancelled.load(); }

  const Underway underway_;
  Authenticator& owner_;
  AuthRequest request_;
  Done done_;  // empty once told
  std::optional<store::Account> account_;
  ServerDoor door_;
  std::optional<TicketClaim> claim_;  // of the ticket that came
  admission::Throttle::Guess guess_;
  std::optional<Refusal> unless_proved_;    // the answer, unless both factors are right
  bool totp_sent_ = false;                  // to an account that has a second factor
  std::optional<std::uint64_t> totp_step_;  // whose code it is; nothing: it is wrong
  std::string new_hash_;
  bool raced_ = false;  // another login made the account between our look-up and our insert
  bool password_given_ = false;
};

}  // namespace gatehouse::login
