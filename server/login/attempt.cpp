#include "login/attempt.hpp"

#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "crypto/totp.hpp"
#include "login/new_account.hpp"
#include "login/second_factor.hpp"
#include "login/ticket_renewal.hpp"
#include "net/network_set.hpp"

namespace gatehouse::login {
namespace {

std::int64_t now_s() { return wall_ms() / 1'000; }

}  // namespace

Authenticator::Attempt::Attempt(Authenticator& owner, AuthRequest request, Done done)
    : owner_(owner), request_(std::move(request)), done_(std::move(done)) {
  if (!request_.waiter) request_.waiter = std::make_shared<Waiter>();
  std::lock_guard lock(owner_.mutex_);
  ++owner_.attempts_;
}

Authenticator::Attempt::~Attempt() {
  std::lock_guard lock(owner_.mutex_);
  if (--owner_.attempts_ == 0) owner_.idle_.notify_all();
}

void Authenticator::Attempt::in_store(StoreStep step) {
  auto taken = owner_.parts_.store.submit(
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

// Reads whether the game server is open; one without a row is. False: refused.
bool Authenticator::Attempt::read_server(store::Driver& driver) {
  const auto server = driver.game_server(request_.server);
  if (!server) {
    refuse_for(server.error());
    return false;
  }
  if (!*server) return true;
  server_open_ = (*server)->state == store::ServerState::kOpen;
  maintenance_ = (*server)->state == store::ServerState::kMaintenance;
  capacity_ = (*server)->capacity;
  return true;
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

// The account's limit comes after the look-up: it does not keep a player out who has a ticket or
// comes from where he last came from, whatever strangers do to his name.
void Authenticator::Attempt::go_on() {
  if (claim_) {
    if (may_enter()) admit();
    return;
  }
  bool suspect = false;
  if (!request_.trusted) {
    const auto verdict = owner_.parts_.throttle.take_account(request_.name, monotonic_ns());
    if (verdict.retry_s > 0 && !known_address())
      return refuse(kAccountThrottled.after(verdict.retry_s));
    suspect = verdict.suspect;
  }
  in_hash_room(suspect);
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
      [self = shared_from_this()](const store::WorkContext& context) {
        self->judge(context);
        self->owner_.hashing_.fetch_sub(1);
        self->owner_.room_.admit();
      });
  if (taken) return;
  owner_.hashing_.fetch_sub(1);
  refuse(taken.error().code == Errc::kFull ? kHashQueueFull : kStopping);
}

void Authenticator::Attempt::judge(const store::WorkContext& context) {
  if (context.discarded) return refuse(kStopping);
  if (cancelled()) return refuse(kClientLeft);
  account_ ? judge_account() : judge_stranger();
}

void Authenticator::Attempt::judge_account() {
  const std::string& stored = account_->password_hash;
  const crypto::Argon2Cost& cost = owner_.options_.cost;
  const auto right = crypto::verify_password(request_.password, stored);
  if (!right) {
    if (right.error().code == Errc::kUnavailable) return refuse(kHashUnavailable);
    return refuse_after_burn(kPasswordUnusable);
  }
  if (!*right) {
    if (crypto::cheap_to_verify(stored, cost)) return refuse_after_burn(kWrongPassword);
    return refuse_failed(kWrongPassword);
  }
  if (!may_enter()) return;
  if (!account_->totp_secret.empty() && !second_factor_right()) return;
  password_given_ = true;
  if (crypto::needs_rehash(stored, cost)) {
    // Without memory for it the old one stays good.
    if (auto hash = crypto::hash_password(request_.password, cost)) new_hash_ = std::move(*hash);
  }
  if (new_hash_.empty() && !totp_step_) return admit();
  in_store(&Attempt::complete);
}

// False: refused.
bool Authenticator::Attempt::second_factor_right() {
  if (request_.totp.empty()) {
    refuse(kTotpNeeded);
    return false;
  }
  const auto key = open_totp_key(*owner_.totp_keys_.get(), *account_);
  if (!key) {
    owner_.log_totp_error(key.error());
    refuse(kTotpUnusable);
    return false;
  }
  totp_step_ = crypto::totp_match(*key, request_.totp.reveal(), now_s());
  if (totp_step_) return true;
  refuse_failed(kTotpWrong);
  return false;
}

// Uses the code up, and replaces the stored password when it is still the one that was verified.
void Authenticator::Attempt::complete(store::Driver& driver) {
  if (cancelled()) return refuse(kClientLeft);
  if (totp_step_) {
    const auto used = driver.use_totp_step(account_->id, *totp_step_);
    if (!used) return refuse_for(used.error());
    if (!*used) return refuse_failed(kTotpUsed);
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
  if (owner_.options_.registration == AuthenticatorOptions::Registration::kClosed)
    return refuse_after_burn(kUnknownUser);
  if (!server_lets_in(false)) return refuse_after_burn(closed_server());
  auto hash = crypto::hash_password(request_.password, owner_.options_.cost);
  if (!hash) return refuse(kHashUnavailable);
  new_hash_ = std::move(*hash);
  in_store(&Attempt::create);
}

void Authenticator::Attempt::create(store::Driver& driver) {
  if (cancelled()) return refuse(kClientLeft);
  auto created = make_account(driver, request_.name, new_hash_, owner_.options_.names);
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
  if (!find(driver) || !read_server(driver)) return;
  if (!account_ && !server_lets_in(false)) return refuse(closed_server());
  if (!account_) {
    auto created = make_account(driver, request_.name, kUnusableHash, owner_.options_.names);
    if (created) {
      account_ = std::move(*created);
    } else if (created.error().code != Errc::kExists) {
      return refuse_for(created.error());
    } else if (!find(driver)) {
      return;
    }
  }
  if (!account_) return refuse(kStoreUnavailable);
  if (may_enter()) admit();
}

bool Authenticator::Attempt::may_enter() {
  if (store::banned_at(*account_, now_s())) {
    refuse(account_->status == store::AccountStatus::kClosed ? kAccountClosed : kBanned);
    return false;
  }
  if (server_lets_in(account_->staff)) return true;
  refuse(closed_server());
  return false;
}

bool Authenticator::Attempt::server_lets_in(bool staff) const {
  return server_open_ || (maintenance_ && (staff || request_.trusted));
}

const Refusal& Authenticator::Attempt::closed_server() const {
  return maintenance_ ? kMaintenance : kServerClosed;
}

void Authenticator::Attempt::admit() {
  if (!request_.trusted)
    owner_.parts_.throttle.succeeded(request_.address, request_.name, monotonic_ns());
  Admitted admitted{account_->id, capacity_, account_->staff || request_.trusted, std::nullopt};
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
  if (!request_.trusted)
    owner_.parts_.throttle.failed(request_.address, request_.name, monotonic_ns());
  refuse(refusal);
}

void Authenticator::Attempt::refuse_after_burn(const Refusal& refusal) {
  crypto::burn_password_time(request_.password, owner_.options_.cost);
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
