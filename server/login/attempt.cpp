#include "login/attempt.hpp"

#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "crypto/totp.hpp"
#include "login/accounts.hpp"
#include "login/ticket_renewal.hpp"
#include "net/network_set.hpp"
#include "store/new_account.hpp"
#include "store/second_factor.hpp"

namespace gatehouse::login {
namespace {

std::int64_t now_s() { return wall_ms() / 1'000; }

}  // namespace

Authenticator::Attempt::Attempt(Authenticator& owner, AuthRequest request, Done done)
    : underway_(owner), owner_(owner), request_(std::move(request)), done_(std::move(done)) {
  if (!request_.waiter) request_.waiter = std::make_shared<Waiter>();
}

void Authenticator::Attempt::in_store(StoreStep step) {
  auto taken = owner_.parts_.store.submit(
      store::Store::Owner::account(request_.name),
      [self = shared_from_this(), step](store::Driver& driver) -> store::Store::Reply {
        self->in_step_ = true;
        ((*self).*step)(driver);
        self->in_step_ = false;
        return [self](const Result<>& durable) { self->settle(durable); };
      });
  if (!taken) refuse(taken.error().code == Errc::kFull ? kStoreQueueFull : kStopping);
}

void Authenticator::Attempt::settle(const Result<>& durable) {
  if (!durable) return refuse_for(durable.error());
  if (verdict_) return tell();
  if (std::exchange(looked_up_, false)) return go_on();
  GATEHOUSE_ASSERT(to_be_hashed_);
  in_hash_room(false);
}

void Authenticator::Attempt::look_up(store::Driver& driver) {
  if (cancelled()) return refuse(kClientLeft);
  looked_up_ = find(driver) && read_server(driver) && read_ticket(driver);
}

// Reads the account; false: refused.
bool Authenticator::Attempt::find(store::Driver& driver) {
  auto found = driver.find_account(request_.name);
  if (!found) {
    refuse_for(found.error());
    return false;
  }
  account_ = std::move(*found);
  return true;
}

bool Authenticator::Attempt::read_server(store::Driver& driver) {
  const auto door = ServerDoor::read(driver, request_.server);
  if (door) {
    door_ = *door;
  } else {
    refuse_for(door.error());
  }
  return door.has_value();
}

// Whether the client's ticket, if it sent one, is good now. False: refused. Nobody guesses a
// ticket, and expired ones are honest: no failure for the throttle.
bool Authenticator::Attempt::read_ticket(store::Driver& driver) {
  if (request_.ticket.empty()) return true;
  if (account_) claim_ = owner_.tickets_.check(request_.ticket, *account_, now_s());
  if (!claim_) {
    refuse(kBadTicket);
    return false;
  }
  const auto use = look_at_ticket(driver, account_->id, *claim_, request_.address,
                                  owner_.tickets_.options());
  if (!use) {
    refuse_for(use.error());
    return false;
  }
  if (*use == TicketUse::kNewest || *use == TicketUse::kAgain) return true;
  refuse(*use == TicketUse::kReused ? kTicketReused : kBadTicket);
  return false;
}

// Limits of guesses come after the look-up: they do not keep a player out who has a ticket, and
// have a budget of their own for where he last came from, whatever strangers do to his name.
void Authenticator::Attempt::go_on() {
  if (claim_) {
    if (may_enter()) admit();
    return;
  }
  bool suspect = false;
  if (request_.trusted || take_guess(suspect)) in_hash_room(suspect);
}

// Whichever way the client wrote it.
const std::string& Authenticator::Attempt::counted_name() const {
  return account_ ? account_->name : request_.name;
}

bool Authenticator::Attempt::take_guess(bool& suspect) {
  Throttle& throttle = owner_.parts_.throttle;
  const std::int64_t now_ns = monotonic_ns();
  auto asked = throttle.ask(
      {request_.address, counted_name(), known_address(), request_.address_locked_s}, now_ns);
  guess_ = std::move(asked.guess);
  suspect = asked.suspect;
  if (!asked.refusal) return true;
  unless_proved_ = asked.refusal;
  suspect = true;
  if (!request_.totp.empty() && throttle.take_proof(request_.address, now_ns)) return true;
  refuse(*asked.refusal);
  return false;
}

// True when the account's last login came from this address or its network.
bool Authenticator::Attempt::known_address() const {
  if (!account_ || account_->last_login_addr.empty()) return false;
  const auto last = net::Address::from(account_->last_login_addr, 0);
  return last && net::subscriber_bytes(*last) == net::subscriber_bytes(request_.address);
}

void Authenticator::Attempt::in_hash_room(bool suspect) {
  using Priority = WaitingRoom::Priority;
  const bool known = request_.trusted || known_address();
  const bool doubtful = suspect || request_.suspect;
  const Priority priority =
      known ? Priority::kKnown : (doubtful ? Priority::kSuspect : Priority::kNormal);
  const bool taken = owner_.room_.enter(
      room_key(request_.name, request_.address), priority, request_.waiter,
      [self = shared_from_this()](WaitingRoom::Turn turn) {
        self->request_.waiter->called_ms.store(monotonic_ms());
        switch (turn) {
          case WaitingRoom::Turn::kEnter:
            return self->in_hash_pool();
          case WaitingRoom::Turn::kLeft:
            return self->refuse(kClientLeft);
          case WaitingRoom::Turn::kPushedOut:
            return self->refuse(kHashQueueFull);
        }
      });
  if (!taken) return refuse(kHashQueueFull);
  // The client may have left between the look-up and the room, where nobody would look for it.
  if (cancelled()) owner_.drop(request_.name, request_.address);
}

// The slot is given back when the job is done; then the room's next one may have it.
void Authenticator::Attempt::in_hash_pool() {
  auto taken = owner_.parts_.hash_pool.submit(
      [self = shared_from_this()](const actor::WorkContext& context) {
        self->judge(context);
        self->owner_.hashing_.fetch_sub(1);
        self->owner_.room_.admit();
      });
  if (taken) return;
  owner_.hashing_.fetch_sub(1);
  refuse(taken.error().code == Errc::kFull ? kHashQueueFull : kStopping);
}

void Authenticator::Attempt::judge(const actor::WorkContext& context) {
  if (context.discarded) return refuse(kStopping);
  if (cancelled()) return refuse(kClientLeft);
  request_.waiter->turn_ns.store(monotonic_ns());
  account_ ? judge_account() : judge_stranger();
}

std::optional<bool> Authenticator::Attempt::verify_stored() {
  const std::string& stored = account_->password_hash;
  const auto right = crypto::verify_password(request_.password, stored);
  const bool cheap = crypto::cheap_to_verify(stored, owner_.options_.cost);
  if (!cheap && right) {
    owner_.floor_.learn(crypto::estimate_verify_ns(stored).value_or(0),
                        monotonic_ns() - request_.waiter->turn_ns.load());
  }
  if (!right && right.error().code == Errc::kUnavailable) {
    refuse(kHashUnavailable);
    return std::nullopt;
  }
  // A wrong one costs a hash, whatever the format.
  if (!right.value_or(false) && cheap) burn();
  if (!right && !unless_proved_) {
    refuse_failed(kPasswordUnusable);
    return std::nullopt;
  }
  return right.value_or(false);
}

void Authenticator::Attempt::judge_account() {
  const auto right = verify_stored();
  if (!right) return;
  if (!*right && !unless_proved_) return refuse_failed(kWrongPassword);
  if (!unless_proved_ && !may_enter()) return;
  if (!account_->totp_secret.empty() && !read_totp()) return;
  if (unless_proved_) return judge_proof(*right);
  password_given_ = true;
  if (crypto::needs_rehash(account_->password_hash, owner_.options_.cost)) {
    // Without memory for it the old one stays good.
    if (auto hash = crypto::hash_password(request_.password, owner_.options_.cost))
      new_hash_ = std::move(*hash);
  }
  if (new_hash_.empty() && !totp_sent_) return admit();
  in_store(&Attempt::complete);
}

// Who has one of the two factors and guesses the other spends that one's budget. Nobody else learns
// or spends anything.
void Authenticator::Attempt::judge_proof(bool password_right) {
  if (!totp_sent_ || (!password_right && !totp_step_)) return refuse(*unless_proved_);
  if (!password_right || !totp_step_) return in_store(&Attempt::spend_proof);
  if (!may_enter()) return;
  password_given_ = true;
  in_store(&Attempt::complete);
}

bool Authenticator::Attempt::read_totp() {
  if (request_.totp.empty()) {
    guess_.give_back(monotonic_ns());
    refuse(kTotpNeeded);
    return false;
  }
  const auto key = open_totp_key(*owner_.totp_keys_.get(), *account_);
  if (!key) {
    owner_.log_totp_error(key.error());
    refuse(kTotpUnusable);
    return false;
  }
  totp_sent_ = true;
  totp_step_ = crypto::totp_match(*key, request_.totp.reveal(), now_s());
  return true;
}

// A try is taken before it is known whether the code is right, so that of any number of logins at
// once no more are answered than there are tries.
bool Authenticator::Attempt::take_totp_try(store::Driver& driver) {
  const auto taken = driver.take_totp_try(account_->id, owner_.totp_budget_, now_s());
  if (!taken) {
    refuse_for(taken.error());
    return false;
  }
  if (*taken) return true;
  refuse(unless_proved_.value_or(
      kTotpCapped.after(static_cast<std::uint32_t>(owner_.totp_budget_.cost_s))));
  return false;
}

void Authenticator::Attempt::spend_proof(store::Driver& driver) {
  if (take_totp_try(driver)) refuse(*unless_proved_);
}

// Uses the code up, and replaces the stored password when it is still the one that was verified.
void Authenticator::Attempt::complete(store::Driver& driver) {
  if (cancelled()) return refuse(kClientLeft);
  if (totp_sent_) {
    if (!take_totp_try(driver)) return;
    if (!totp_step_) return refuse_failed(kTotpWrong);
    const auto used = driver.use_totp_step(account_->id, *totp_step_);
    if (!used) return refuse_for(used.error());
    if (!*used) return unless_proved_ ? refuse(*unless_proved_) : refuse_failed(kTotpUsed);
    const auto given = driver.give_totp_try(account_->id, owner_.totp_budget_);
    if (!given) return refuse_for(given.error());
  }
  if (!new_hash_.empty()) {
    const std::string origin = store::origin_of(*account_, new_hash_);
    const auto replaced =
        driver.replace_password_hash(account_->id, account_->password_hash, new_hash_, origin);
    if (!replaced) return refuse_for(replaced.error());
    if (*replaced) {
      account_->password_hash = new_hash_;
      account_->password_origin = origin;
    }
  }
  admit();
}

void Authenticator::Attempt::judge_stranger() {
  if (unless_proved_) return refuse_after_burn(*unless_proved_);
  if (owner_.options_.registration == AuthenticatorOptions::Registration::kClosed)
    return refuse_after_burn(kUnknownUser);
  if (const auto refusal = door_.refusal(request_.trusted)) return refuse_after_burn(*refusal);
  auto hash = crypto::hash_password(request_.password, owner_.options_.cost);
  if (!hash) return refuse(kHashUnavailable);
  new_hash_ = std::move(*hash);
  in_store(&Attempt::create);
}

void Authenticator::Attempt::create(store::Driver& driver) {
  if (cancelled()) return refuse(kClientLeft);
  auto created = store::make_account(driver, request_.name, new_hash_, owner_.options_.names);
  if (created) {
    account_ = std::move(*created);
    password_given_ = true;
    return admit();
  }
  if (created.error().code != Errc::kExists || raced_) return refuse_for(created.error());
  raced_ = true;
  new_hash_.clear();
  if (!find(driver)) return;
  if (!account_) return refuse(kStoreUnavailable);  // made and removed since
  to_be_hashed_ = true;
}

void Authenticator::Attempt::adopt(store::Driver& driver) {
  if (cancelled()) return refuse(kClientLeft);
  auto adopted = login::find_or_create(
      driver, {request_.name, request_.server, request_.trusted}, owner_.options_.names, now_s());
  if (!adopted) return refuse_for(adopted.error());
  if (!*adopted) return refuse(adopted->error());
  account_ = std::move((*adopted)->account);
  door_ = (*adopted)->door;
  admit();
}

bool Authenticator::Attempt::may_enter() {
  const auto refusal = refusal_of(*account_, door_, request_.trusted, now_s());
  if (refusal) refuse(*refusal);
  return !refusal;
}

void Authenticator::Attempt::admit() {
  const std::int64_t now_ns = monotonic_ns();
  guess_.succeeded(now_ns);
  if (!request_.trusted && (unless_proved_ || !request_.ticket.empty()))
    owner_.parts_.throttle.good(request_.address, counted_name(), now_ns);
  Admitted admitted{account_->id, door_.capacity, account_->staff || request_.trusted, {}};
  TicketHolder holder = TicketHolder::of(*account_);
  admitted.credentials = holder.credentials;
  if (password_given_) {
    const TicketClaim first = Tickets::new_family(now_s());
    admitted.family = first.family;
    if (request_.wants_ticket) admitted.ticket = owner_.tickets_.issue(holder, first, now_s());
  } else if (claim_) {
    admitted.family = claim_->family;
    admitted.spend = TicketSpend{std::move(holder), *claim_, request_.address,
                                 request_.wants_ticket, monotonic_ms()};
  }
  finish(std::move(admitted));
}

void Authenticator::Attempt::refuse_for(const Error& error) {
  switch (error.code) {
    case Errc::kInvalid:
      return refuse(kNameRefused);
    case Errc::kClosed:
      return refuse(kStopping);
    default:
      break;
  }
  owner_.log_store_error(request_, error);
  refuse(kStoreUnavailable);
}

void Authenticator::Attempt::refuse_failed(const Refusal& refusal) {
  guess_.failed(monotonic_ns());
  refuse(refusal);
}

// As a verification that takes the time of a new hash.
void Authenticator::Attempt::burn() {
  const crypto::Argon2Cost& cost = owner_.options_.cost;
  crypto::burn_password_time(request_.password, cost);
  owner_.floor_.learn(crypto::estimate_verify_ns(cost),
                      monotonic_ns() - request_.waiter->turn_ns.load());
}

void Authenticator::Attempt::refuse_after_burn(const Refusal& refusal) {
  burn();
  refusal.code == kWrongPassword.code ? refuse_failed(refusal) : refuse(refusal);
}

void Authenticator::Attempt::finish(Admission admission) {
  verdict_ = std::move(admission);
  if (!in_step_) tell();
}

void Authenticator::Attempt::tell() {
  GATEHOUSE_ASSERT(done_ && verdict_);
  Done done = std::move(done_);
  done(*std::exchange(verdict_, std::nullopt));
}

}  // namespace gatehouse::login
