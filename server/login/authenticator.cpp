#include "login/authenticator.hpp"

#include <optional>
#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"

namespace gatehouse::login {
namespace {

// What an account without a password holds: no format of crypto/password.hpp.
constexpr std::string_view kUnusableHash = "!";
constexpr MonotonicMs kStoreLogPauseMs = 1'000;

}  // namespace

// One request on its way through the pools. Its jobs share it; at any moment one thread at most
// works on it.
class Authenticator::Attempt : public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(Authenticator& owner, AuthRequest request, Done done)
      : owner_(owner), request_(std::move(request)), done_(std::move(done)) {
    std::lock_guard lock(owner_.mutex_);
    ++owner_.attempts_;
  }
  ~Attempt() {
    std::lock_guard lock(owner_.mutex_);
    if (--owner_.attempts_ == 0) owner_.idle_.notify_all();
  }

  void verify() { in_store(&Attempt::look_up); }
  void find_or_create() { in_store(&Attempt::adopt); }

 private:
  using StoreStep = void (Attempt::*)(store::Driver& driver);

  // Store jobs.
  void look_up(store::Driver& driver);
  void create(store::Driver& driver);
  void adopt(store::Driver& driver);
  void replace_hash(store::Driver& driver);
  // Hash pool jobs.
  void judge(const store::WorkContext& context);
  void judge_account();
  void judge_stranger();
  void rehash();

  void in_store(StoreStep step);
  // After a step in the store: what it decided, unless its writes were undone.
  void settle(const Result<>& durable);
  void in_hash_pool();
  bool find(store::Driver& driver);
  bool read_server(store::Driver& driver);
  // Admits unless the account or the server may not be entered now; true when it did.
  bool admit();
  void refuse_for(const Error& error);
  void refuse(const Refusal& refusal) { finish(tl::unexpected(refusal)); }
  void refuse_after_burn(const Refusal& refusal);
  void finish(Admission admission);
  void tell();
  [[nodiscard]] bool cancelled() const {
    return request_.cancelled != nullptr && request_.cancelled->load(std::memory_order_relaxed);
  }

  Authenticator& owner_;
  AuthRequest request_;
  Done done_;  // empty once told
  // What a step in the store came to; it counts when the step's writes are durable.
  bool in_step_ = false;
  bool to_be_hashed_ = false;
  std::optional<Admission> verdict_;
  std::optional<store::Account> account_;
  bool server_open_ = true;
  bool raced_ = false;  // another login made the account between our look-up and our insert
  std::string new_hash_;
};

void Authenticator::Attempt::in_store(StoreStep step) {
  auto taken = owner_.store_.submit(
      [self = shared_from_this(), step](store::Driver& driver) -> store::Store::Reply {
        self->in_step_ = true;
        ((*self).*step)(driver);
        self->in_step_ = false;
        return [self](const Result<>& durable) { self->settle(durable); };
      });
  if (taken || !done_) return;  // without done_ it was the new hash: the next login tries again
  refuse(taken.error().code == Errc::kFull ? kStoreQueueFull : kStopping);
}

void Authenticator::Attempt::settle(const Result<>& durable) {
  if (!done_) {
    if (!durable) owner_.log_store_error(durable.error());
    return;
  }
  if (!durable) return refuse_for(durable.error());
  if (verdict_) return tell();
  GATEHOUSE_ASSERT(to_be_hashed_);
  in_hash_pool();
}

void Authenticator::Attempt::in_hash_pool() {
  auto taken = owner_.hash_pool_.submit(
      [self = shared_from_this()](const store::WorkContext& context) { self->judge(context); });
  if (!taken) refuse(taken.error().code == Errc::kFull ? kHashQueueFull : kStopping);
}

void Authenticator::Attempt::look_up(store::Driver& driver) {
  if (cancelled()) return refuse(kClientLeft);
  to_be_hashed_ = find(driver) && read_server(driver);
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
  server_open_ = !*server || (*server)->state == store::ServerState::kOpen;
  return true;
}

void Authenticator::Attempt::judge(const store::WorkContext& context) {
  if (context.discarded) return refuse(kStopping);
  if (cancelled()) return refuse(kClientLeft);
  account_ ? judge_account() : judge_stranger();
}

void Authenticator::Attempt::judge_account() {
  const auto right = crypto::verify_password(request_.password, account_->password_hash);
  if (!right) {
    if (right.error().code == Errc::kUnavailable) return refuse(kHashUnavailable);
    return refuse_after_burn(kPasswordUnusable);
  }
  if (!*right) return refuse(kWrongPassword);
  if (admit() && crypto::needs_rehash(account_->password_hash, owner_.options_.cost)) rehash();
}

void Authenticator::Attempt::judge_stranger() {
  if (owner_.options_.registration == AuthenticatorOptions::Registration::kClosed)
    return refuse_after_burn(kUnknownUser);
  if (!server_open_) return refuse_after_burn(kServerClosed);
  auto hash = crypto::hash_password(request_.password, owner_.options_.cost);
  if (!hash) return refuse(kHashUnavailable);
  new_hash_ = std::move(*hash);
  in_store(&Attempt::create);
}

void Authenticator::Attempt::create(store::Driver& driver) {
  if (cancelled()) return refuse(kClientLeft);
  auto created = driver.create_account(request_.name, new_hash_);
  if (created) {
    account_ = std::move(*created);
    admit();
    return;
  }
  if (created.error().code != Errc::kExists || raced_) return refuse_for(created.error());
  raced_ = true;
  if (!find(driver)) return;
  if (!account_) return refuse(kStoreUnavailable);  // made and removed since
  to_be_hashed_ = true;
}

void Authenticator::Attempt::adopt(store::Driver& driver) {
  if (cancelled()) return refuse(kClientLeft);
  if (!find(driver) || !read_server(driver)) return;
  if (!account_ && !server_open_) return refuse(kServerClosed);
  if (!account_) {
    auto created = driver.create_account(request_.name, kUnusableHash);
    if (created) {
      account_ = std::move(*created);
    } else if (created.error().code != Errc::kExists) {
      return refuse_for(created.error());
    } else if (!find(driver)) {
      return;
    }
  }
  if (!account_) return refuse(kStoreUnavailable);
  admit();
}

bool Authenticator::Attempt::admit() {
  if (store::banned_at(*account_, wall_ms() / 1000)) {
    refuse(account_->status == store::AccountStatus::kClosed ? kAccountClosed : kBanned);
    return false;
  }
  if (!server_open_) {
    refuse(kServerClosed);
    return false;
  }
  finish(account_->id);
  return true;
}

// The player is told already; whatever fails here, the old hash stays good.
void Authenticator::Attempt::rehash() {
  auto hash = crypto::hash_password(request_.password, owner_.options_.cost);
  if (!hash) return;
  new_hash_ = std::move(*hash);
  in_store(&Attempt::replace_hash);
}

// Only when the hash is still the one that was verified: a password changed meanwhile stays.
void Authenticator::Attempt::replace_hash(store::Driver& driver) {
  const auto now = driver.find_account(request_.name);
  if (!now || !*now || (*now)->id != account_->id ||
      (*now)->password_hash != account_->password_hash) {
    return;
  }
  if (auto set = driver.set_password_hash(account_->id, new_hash_); !set)
    owner_.log_store_error(set.error());
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
  owner_.log_store_error(error);
  refuse(kStoreUnavailable);
}

void Authenticator::Attempt::refuse_after_burn(const Refusal& refusal) {
  crypto::burn_password_time(request_.password, owner_.options_.cost);
  refuse(refusal);
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

Authenticator::Authenticator(store::Store& store, store::WorkPool& hash_pool,
                             const AuthenticatorOptions& options)
    : store_(store), hash_pool_(hash_pool), options_(options) {}

Authenticator::~Authenticator() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return attempts_ == 0; });
}

void Authenticator::verify(AuthRequest request, Done done) {
  std::make_shared<Attempt>(*this, std::move(request), std::move(done))->verify();
}

void Authenticator::find_or_create(AuthRequest request, Done done) {
  std::make_shared<Attempt>(*this, std::move(request), std::move(done))->find_or_create();
}

// At most one line a second: while a store is away every login fails alike.
void Authenticator::log_store_error(const Error& error) {
  const MonotonicMs now = monotonic_ms();
  MonotonicMs next = next_store_log_ms_.load(std::memory_order_relaxed);
  if (now < next || !next_store_log_ms_.compare_exchange_strong(next, now + kStoreLogPauseMs))
    return;
  log::warn({}, "login: store: {}: {}", name(error.code), error.message);
}

}  // namespace gatehouse::login
