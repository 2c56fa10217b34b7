// An attempt with a password: what the password, the second factor and their limits make of it
// on the hash pool, and what the store does after that. attempt.cpp has the order.
#include <utility>

#include "base/assert.hpp"
#include "crypto/totp.hpp"
#include "login/attempt.hpp"
#include "store/new_account.hpp"
#include "store/second_factor.hpp"

namespace gatehouse::login {

Authenticator::Attempt::Next Authenticator::Attempt::judge(const actor::WorkContext& context) {
  if (context.discarded) return refuse(kStopping);
  if (cancelled()) return refuse(kClientLeft);
  request_.waiter->turn_ns.store(clock().monotonic_ns());
  return account_ ? judge_account() : judge_stranger();
}

Authenticator::Attempt::Next Authenticator::Attempt::judge_account() {
  GATEHOUSE_ASSERT(account_ && !totp_sent_ && new_hash_.empty());
  const auto right = compare_password();
  if (!right && right.error().code == Errc::kUnavailable) return refuse(kHashUnavailable);
  if (!unless_proved_) {
    if (!right) return refuse_failed(kPasswordUnusable);
    if (!*right) return refuse_failed(kWrongPassword);
    const auto refusal = refusal_of(*account_, door_, request_.trusted, clock().wall_s());
    if (refusal) return refuse(*refusal);
  }
  if (!account_->totp_secret.empty()) {
    if (const auto refusal = read_totp()) return refuse(*refusal);
  }
  if (unless_proved_) return judge_proof(right.value_or(false));
  password_given_ = true;
  if (crypto::needs_rehash(account_->password_hash, owner_.options_.cost)) {
    // Without memory for it the old one stays good.
    if (auto hash = crypto::hash_password(owner_.parts_.world.random, request_.password,
                                          owner_.options_.cost))
      new_hash_ = std::move(*hash);
  }
  if (new_hash_.empty() && !totp_sent_) return admit();
  return InStore{&Attempt::complete};
}

// Verifies the password and learns how long its format takes. A wrong one costs a hash, whatever
// the format.
Result<bool> Authenticator::Attempt::compare_password() {
  const std::string& stored = account_->password_hash;
  auto right = crypto::verify_password(request_.password, stored);
  const bool cheap = crypto::cheap_to_verify(stored, owner_.options_.cost);
  if (!cheap && right) {
    owner_.floor_.learn(crypto::estimate_verify_ns(stored).value_or(0),
                        clock().monotonic_ns() - request_.waiter->turn_ns.load());
  }
  const bool judged = right || right.error().code != Errc::kUnavailable;
  if (cheap && judged && !right.value_or(false)) burn();
  return right;
}

std::optional<Refusal> Authenticator::Attempt::read_totp() {
  if (request_.totp.empty()) {
    guess_.give_back(clock().monotonic_ns());
    return kTotpNeeded;
  }
  const auto key = open_totp_key(*owner_.totp_keys_.get(), *account_);
  if (!key) {
    owner_.log_totp_error(key.error());
    return kTotpUnusable;
  }
  totp_sent_ = true;
  totp_step_ = crypto::totp_match(*key, request_.totp.reveal(), clock().wall_s());
  return std::nullopt;
}

// Who has one of the two factors and guesses the other spends that one's budget. Nobody else learns
// or spends anything.
Authenticator::Attempt::Next Authenticator::Attempt::judge_proof(bool password_right) {
  GATEHOUSE_ASSERT(unless_proved_);
  if (!totp_sent_ || (!password_right && !totp_step_)) return refuse(*unless_proved_);
  if (!password_right || !totp_step_) return InStore{&Attempt::spend_proof};
  const auto refusal = refusal_of(*account_, door_, request_.trusted, clock().wall_s());
  if (refusal) return refuse(*refusal);
  password_given_ = true;
  return InStore{&Attempt::complete};
}

Authenticator::Attempt::Next Authenticator::Attempt::judge_stranger() {
  GATEHOUSE_ASSERT(!account_ && request_.ticket.empty());
  if (unless_proved_) return refuse_after_burn(*unless_proved_);
  if (owner_.options_.registration == AuthenticatorOptions::Registration::kClosed)
    return refuse_after_burn(kUnknownUser);
  if (const auto refusal = door_.refusal(request_.trusted)) return refuse_after_burn(*refusal);
  auto hash =
      crypto::hash_password(owner_.parts_.world.random, request_.password, owner_.options_.cost);
  if (!hash) return refuse(kHashUnavailable);
  new_hash_ = std::move(*hash);
  return InStore{&Attempt::create};
}

// Uses the code up, and replaces the stored password when it is still the one that was verified.
Authenticator::Attempt::Next Authenticator::Attempt::complete(store::Driver& driver) {
  GATEHOUSE_ASSERT(password_given_ && (totp_sent_ || !new_hash_.empty()));
  if (cancelled()) return refuse(kClientLeft);
  if (totp_sent_) {
    if (const auto refusal = take_totp_try(driver)) return refuse(*refusal);
    if (!totp_step_) return refuse_failed(kTotpWrong);
    const auto used = driver.use_totp_step(account_->id, *totp_step_);
    if (!used) return refuse(refusal_for(used.error()));
    if (!*used) return unless_proved_ ? refuse(*unless_proved_) : refuse_failed(kTotpUsed);
    const auto given = driver.give_totp_try(account_->id, owner_.totp_budget_);
    if (!given) return refuse(refusal_for(given.error()));
  }
  if (!new_hash_.empty()) {
    const std::string origin = store::origin_of(*account_, new_hash_);
    const auto replaced =
        driver.replace_password_hash(account_->id, account_->password_hash, new_hash_, origin);
    if (!replaced) return refuse(refusal_for(replaced.error()));
    if (*replaced) {
      account_->password_hash = new_hash_;
      account_->password_origin = origin;
    }
  }
  return admit();
}

// A try is taken before it is known whether the code is right, so that of any number of logins at
// once no more are answered than there are tries.
std::optional<Refusal> Authenticator::Attempt::take_totp_try(store::Driver& driver) {
  const auto taken = driver.take_totp_try(account_->id, owner_.totp_budget_, clock().wall_s());
  if (!taken) return refusal_for(taken.error());
  if (*taken) return std::nullopt;
  return unless_proved_.value_or(
      kTotpCapped.after(static_cast<std::uint32_t>(owner_.totp_budget_.cost_s)));
}

Authenticator::Attempt::Next Authenticator::Attempt::spend_proof(store::Driver& driver) {
  GATEHOUSE_ASSERT(totp_sent_ && unless_proved_);
  return refuse(take_totp_try(driver).value_or(*unless_proved_));
}

Authenticator::Attempt::Next Authenticator::Attempt::create(store::Driver& driver) {
  GATEHOUSE_ASSERT(!account_ && !new_hash_.empty());
  if (cancelled()) return refuse(kClientLeft);
  auto created = store::make_account(driver, request_.name, new_hash_, owner_.options_.names);
  if (created) {
    account_ = std::move(*created);
    password_given_ = true;
    return admit();
  }
  if (created.error().code != Errc::kExists || raced_) return refuse(refusal_for(created.error()));
  raced_ = true;
  new_hash_.clear();
  auto found = driver.find_account(request_.name);
  if (!found) return refuse(refusal_for(found.error()));
  if (!*found) return refuse(kStoreUnavailable);  // made and removed since
  account_ = std::move(*found);
  return InHashRoom{false};
}

Authenticator::Attempt::Next Authenticator::Attempt::refuse_after_burn(const Refusal& refusal) {
  burn();
  return refusal.code == kWrongPassword.code ? refuse_failed(refusal) : refuse(refusal);
}

// As a verification that takes the time of a new hash.
void Authenticator::Attempt::burn() {
  const crypto::Argon2Cost& cost = owner_.options_.cost;
  crypto::burn_password_time(request_.password, cost);
  owner_.floor_.learn(crypto::estimate_verify_ns(cost),
                      clock().monotonic_ns() - request_.waiter->turn_ns.load());
}

}  // namespace gatehouse::login
