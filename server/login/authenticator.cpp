#include "login/authenticator.hpp"

#include <utility>

#include "base/assert.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "login/attempt.hpp"
#include "login/ticket_renewal.hpp"
#include "net/network_set.hpp"

namespace gatehouse::login {
namespace {

// Hash jobs a thread of the pool: one that runs and the next, so that no thread waits.
constexpr std::size_t kHashSlotsAThread = 2;

}  // namespace

Authenticator::Authenticator(const AuthenticatorParts& parts, const Limits& limits,
                             const AuthenticatorOptions& options)
    : parts_(parts),
      options_(options),
      hash_slots_(parts.hash_pool.threads() * kHashSlotsAThread),
      totp_budget_(store::TotpBudget::per_day(limits.login_totp_failures_day_max)),
      floor_(limits.login_answer_floor_ms_max, parts.metrics),
      tickets_(parts.world.random, options.tickets),
      waiting_(
          parts.metrics.gauge("login_waiting", "room=\"hash\"", "Logins that wait for their turn")),
      room_(
          {limits.login_queue_max, limits.waiting_keep_ms, limits.waiting_update_ms},
          [this] { return take_hash_slot(); }, waiting_),
      survey_(parts.world.clock, parts.store, parts.hash_pool, floor_, options.cost) {}

Authenticator::~Authenticator() {
  room_.close();
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return underway_ == 0; });
}

Authenticator::Underway::Underway(Authenticator& owner) : owner_(&owner) {
  std::lock_guard lock(owner_->mutex_);
  ++owner_->underway_;
}

Authenticator::Underway::~Underway() {
  if (owner_ == nullptr) return;
  std::lock_guard lock(owner_->mutex_);
  GATEHOUSE_ASSERT(owner_->underway_ > 0);
  if (--owner_->underway_ == 0) owner_->idle_.notify_all();
}

bool Authenticator::take_hash_slot() {
  std::size_t hashing = hashing_.load();
  while (hashing < hash_slots_) {
    if (hashing_.compare_exchange_weak(hashing, hashing + 1)) return true;
  }
  return false;
}

void Authenticator::give_hash_slot_back() {
  const std::size_t before = hashing_.fetch_sub(1);
  GATEHOUSE_ASSERT(before > 0 && before <= hash_slots_);
}

void Authenticator::verify(AuthRequest request, Done done) {
  std::make_shared<Attempt>(*this, std::move(request), std::move(done))->verify();
}

void Authenticator::find_or_create(AuthRequest request, Done done) {
  std::make_shared<Attempt>(*this, std::move(request), std::move(done))->find_or_create();
}

// One job in the store. What it and its answer share: a job that the store refuses is destroyed
// uncalled.
struct Authenticator::Renewing {
  const Underway underway;
  Authenticator& owner;
  const TicketSpend spend;
  RenewalDone done;
  Result<TicketUse> use = TicketUse::kNone;

  void run(store::Driver& driver) {
    const MonotonicMs waited_ms = owner.parts_.world.clock.monotonic_ms() - spend.looked_at_ms;
    use = spend_ticket(driver, spend.holder.account, spend.claim, spend.address,
                       owner.tickets_.options(), static_cast<std::uint32_t>(waited_ms / 1'000 + 1));
  }
  void settle(const Result<>& durable) {
    if (!durable) use = tl::unexpected<Error>(durable.error());
    if (!use) {
      if (owner.may_log())
        log::error({}, "a resume ticket of {} is not renewed: the store is {}: {}",
                   spend.holder.name, name(use.error().code), use.error().message);
      return done(std::nullopt);
    }
    if (*use == TicketUse::kReused) return done(tl::unexpected(kTicketReused));
    if (*use == TicketUse::kNone) return done(tl::unexpected(kBadTicket));
    if (!spend.wants_ticket) return done(std::nullopt);
    TicketClaim next = spend.claim;
    ++next.sequence;
    done(owner.tickets_.issue(spend.holder, next, owner.parts_.world.clock.wall_s()));
  }
};

void Authenticator::renew(TicketSpend spend, RenewalDone done) {
  const std::shared_ptr<Renewing> renewing(
      new Renewing{Underway(*this), *this, std::move(spend), std::move(done)});
  const auto taken = parts_.store.submit([renewing](store::Driver& driver) -> store::Store::Reply {
    renewing->run(driver);
    return [renewing](const Result<>& durable) { renewing->settle(durable); };
  });
  if (!taken) renewing->done(std::nullopt);
}

void Authenticator::set_keys(AuthKeys keys) {
  tickets_.set_keys(std::move(keys.tickets));
  totp_keys_.set(std::move(keys.totp));
}

std::string Authenticator::room_key(const std::string& name, const net::Address& address) {
  const auto bytes = net::subscriber_bytes(address);
  return name + std::string(1, '\0') +
         std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void Authenticator::drop(const std::string& name, const net::Address& address) {
  room_.drop(room_key(name, address), parts_.world.clock.monotonic_ms());
}

// At most one line a second: while a store is away every login fails alike.
bool Authenticator::may_log() {
  return outage_lines_.admit(parts_.world.clock.monotonic_ms()).has_value();
}

void Authenticator::log_store_error(const AuthRequest& request, const Error& error) {
  if (may_log())
    log::error({}, "login of {}@{} is answered 503: the store is {}: {}", request.name,
               request.server, name(error.code), error.message);
}

void Authenticator::log_totp_error(const Error& error) {
  if (may_log())
    log::error({}, "login: a second factor cannot be read, see auth.totp.keys: {}", error.message);
}

}  // namespace gatehouse::login
