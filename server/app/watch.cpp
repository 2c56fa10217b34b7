#include "app/watch.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "app/store_needs.hpp"
#include "base/log.hpp"

namespace gatehouse::app {
namespace {

// The end of the process waits for the look that is under way.
constexpr std::uint32_t kTimeoutMs = 2'000;
constexpr std::uint32_t kStaleRowsMax = 500;   // of one statement
constexpr std::uint32_t kTrimRowsMax = 5'000;  // a look, so that no delete locks for long

}  // namespace

Result<std::unique_ptr<Watch>> Watch::make(const Parts& parts,
                                           const config::WatchOptions& options) {
  store::Options store = parts.store;
  store.io_timeout_ms = std::min(store.io_timeout_ms, kTimeoutMs);
  std::unique_ptr<Watch> watch(new Watch(parts, options));
  auto driver = drivers::open(parts.world, store, {.connects = &watch->connects_});
  if (!driver) return tl::unexpected<Error>(driver.error());
  watch->driver_ = std::move(*driver);
  return watch;
}

Watch::Watch(const Parts& parts, const config::WatchOptions& options)
    : parts_(parts),
      options_(options),
      keeper_(parts.agents,
              {.node = parts.node,
               .lease_ms = options.session_lease_ms,
               .alone = parts.store.kind == store::Options::Kind::kSqlite},
              parts.metrics),
      errors_(parts.metrics.counter("watch_errors", "", "Looks into the store that failed")),
      enforced_(parts.metrics.counter("bans_enforced", "", "Players kicked because of a ban")),
      stale_(parts.metrics.counter("sessions_revoked", "",
                                   "Players kicked because their credentials changed")),
      addresses_(parts.metrics),
      audit_(options.audit, parts.metrics) {}

Watch::~Watch() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_) thread_->join();
  // A store that is away keeps the marks until the next process looks.
  if (!driver_ || !complaint_.empty()) return;
  if (auto left = keeper_.leave(*driver_); !left)
    log::warn({}, "who was online stays marked as such: {}", left.error().message);
}

void Watch::start() {
  look();
  thread_ = parts_.world.executor.start({.name = "watch"}, [this] { run(); });
}

void Watch::look_now() {
  {
    std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  changed_.notify_all();
}

std::vector<store::GameServer> Watch::game_servers() const {
  std::lock_guard lock(mutex_);
  return game_servers_;
}

void Watch::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait_for(lock, std::chrono::milliseconds(options_.interval_ms),
                      [this] { return stopping_ || wanted_; });
    if (stopping_) return;
    wanted_ = false;
    lock.unlock();
    look();
    log::say_left_out();
    lock.lock();
  }
}

void Watch::look() {
  const std::int64_t now_s = parts_.world.clock.wall_s();
  const auto kept = keeper_.keep(*driver_);
  // A store that is away is asked once: the end of the process waits for this look.
  const bool away = !kept && kept.error().code == Errc::kUnavailable;
  auto done = away ? kept : enforce_bans(now_s);
  if (done) done = enforce_credentials();
  if (done) done = read_addresses(now_s);
  if (done && parts_.login) done = read_game_servers();
  if (done) done = trim_tickets(now_s);
  if (done) done = audit_.look(*driver_, now_s, parts_.world.clock.monotonic_ms());
  // The first connection was looked at when the server started; another may be to another server.
  const std::int64_t connects = connects_.value();
  if (done && std::exchange(seen_connects_, connects) < connects && connects > 1)
    static_cast<void>(report_needs(parts_.store));
  if (done) done = kept;
  if (!done) {
    errors_.add();
    const bool news = done.error().message != complaint_;
    complaint_ = done.error().message;
    if (complaints_.admit(parts_.world.clock.monotonic_ms(), news))
      log::error({}, "bans and game servers cannot be read, the last ones stay in force: {}",
                 complaint_);
  } else if (!complaint_.empty()) {
    complaint_.clear();
    log::info({}, "bans and game servers are read again");
  }
}

Result<> Watch::enforce_bans(std::int64_t now_s) {
  const auto barred = driver_->list_barred_online(now_s);
  if (!barred) return tl::unexpected<Error>(barred.error());
  for (const store::Account& account : *barred) {
    const bool closed = account.status == store::AccountStatus::kClosed;
    std::string reason = account.ban_reason;
    if (reason.empty()) reason = closed ? "the account is closed" : "banned";
    if (!parts_.agents.end_barred(account.name, UINT64_MAX, game::LogoutCode::kBanned, reason))
      continue;
    enforced_.add();
    log::info({}, "{} is {} and kicked", account.name, store::name(account.status));
  }
  return {};
}

// Sessions of all processes on the database are listed, the own ones kicked. What is not here yet,
// an agent that is being made, is found by the next look.
Result<> Watch::enforce_credentials() {
  AccountId after;
  while (true) {
    const auto stale = driver_->list_stale_online(after, kStaleRowsMax);
    if (!stale) return tl::unexpected<Error>(stale.error());
    for (const store::StaleSession& session : *stale) {
      after = session.account;
      if (!parts_.agents.end_barred(session.name, session.epoch, game::LogoutCode::kCredentials,
                                    "log in again with the password"))
        continue;
      stale_.add();
      log::info({}, "{} is kicked: the credentials of the account changed", session.name);
    }
    if (stale->size() < kStaleRowsMax) return {};
  }
}

Result<> Watch::read_addresses(std::int64_t now_s) {
  auto rules = addresses_.read(*driver_, now_s);
  if (!rules) return tl::unexpected<Error>(rules.error());
  if (*rules == nullptr) return {};
  parts_.guard.set_address_rules(*rules);
  parts_.agents.set_address_rules(std::move(*rules));
  return {};
}

Result<> Watch::read_game_servers() {
  const auto servers = driver_->list_game_servers();
  if (!servers) return tl::unexpected<Error>(servers.error());
  parts_.login->set_game_servers(*servers);
  std::lock_guard lock(mutex_);
  game_servers_ = *servers;
  return {};
}

Result<> Watch::trim_tickets(std::int64_t now_s) {
  const auto trimmed = driver_->trim_ticket_families(now_s, kTrimRowsMax);
  if (!trimmed) return tl::unexpected<Error>(trimmed.error());
  return {};
}

}  // namespace gatehouse::app
