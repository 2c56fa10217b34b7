// One login on its way through the pools (authenticator.hpp). Its jobs share it; at any moment
// one thread at most works on it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "login/accounts.hpp"
#include "login/authenticator.hpp"
#include "store/account.hpp"
#include "store/driver.hpp"
#include "store/records.hpp"

namespace gatehouse::login {

class Authenticator::Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(Authenticator& owner, AuthRequest request, Done done);

  void verify() { in_store(&Attempt::look_up); }
  void find_or_create() { in_store(&Attempt::adopt); }

 private:
  using StoreStep = void (Attempt::*)(store::Driver& driver);

  // Store jobs.
  void look_up(store::Driver& driver);
  void create(store::Driver& driver);
  void complete(store::Driver& driver);
  void spend_proof(store::Driver& driver);
  // Takes a try from the second factor's budget; false: refused.
  bool take_totp_try(store::Driver& driver);
  void adopt(store::Driver& driver);
  // On the hash pool.
  void judge(const actor::WorkContext& context);
  void judge_account();
  void judge_stranger();
  // Of a login that is refused unless password and code are right together.
  void judge_proof(bool password_right);
  // Whose code the client sent, a time step; false: refused.
  [[nodiscard]] bool read_totp();
  // Verifies the password and learns how long its format takes; nothing: refused.
  [[nodiscard]] std::optional<bool> verify_stored();

  void in_store(StoreStep step);
  // After a step in the store: what it decided, unless its writes were undone.
  void settle(const Result<>& durable);
  // After look_up.
  void go_on();
  void in_hash_room(bool suspect);
  void in_hash_pool();
  bool find(store::Driver& driver);
  bool read_server(store::Driver& driver);
  bool read_ticket(store::Driver& driver);
  // Refuses when the account or the server may not be entered now; true when they may.
  bool may_enter();
  void admit();
  [[nodiscard]] bool known_address() const;
  [[nodiscard]] const std::string& counted_name() const;
  // Asks the throttle for a guess; false: refused.
  [[nodiscard]] bool take_guess(bool& suspect);
  void refuse_for(const Error& error);
  void refuse(const Refusal& refusal) { finish(tl::unexpected(refusal)); }
  // For what the client sent; the throttle counts it.
  void refuse_failed(const Refusal& refusal);
  void refuse_after_burn(const Refusal& refusal);
  void burn();
  void finish(Admission admission);
  void tell();
  [[nodiscard]] bool cancelled() const { return request_.waiter->cancelled.load(); }

  const Underway underway_;
  Authenticator& owner_;
  AuthRequest request_;
  Done done_;  // empty once told
  // What a step in the store came to; it counts when the step's writes are durable.
  bool in_step_ = false;
  bool looked_up_ = false;
  bool to_be_hashed_ = false;
  std::optional<Admission> verdict_;
  std::optional<store::Account> account_;
  ServerDoor door_;
  bool raced_ = false;  // another login made the account between our look-up and our insert
  std::string new_hash_;
  Throttle::Guess guess_;
  std::optional<Refusal> unless_proved_;    // the answer, unless both factors are right
  bool totp_sent_ = false;                  // to an account that has a second factor
  std::optional<std::uint64_t> totp_step_;  // whose code it is; nothing: it is wrong
  // Of the ticket that came, or of the one to come.
  std::optional<TicketClaim> claim_;
  bool password_given_ = false;
};

}  // namespace gatehouse::login
