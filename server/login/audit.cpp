#include "login/audit.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/log_limit.hpp"

namespace gatehouse::login {
namespace {

constexpr std::size_t kWaitingMax = 4'096;
constexpr std::size_t kRowsAtOnce = 64;   // so many do not wait for flush()
constexpr std::size_t kRowsPerJob = 256;  // then the store's other jobs have their turn
constexpr std::size_t kNamesMax = 100;    // of an address that are told apart
constexpr std::string_view kLetIn = "200";

// How many logins the rows stand for.
template <class Rows>
std::int64_t logins(const Rows& rows) {
  std::int64_t count = 0;
  for (const store::LoginAudit& row : rows) count += row.attempts;
  return count;
}

}  // namespace

// The refusals of an address in the minute that runs.
struct Audit::Refusals {
  store::LoginAudit row;           // the last of them; attempts: since it was written last
  std::vector<std::size_t> names;  // hashes of the names that were told apart

  void add(store::LoginAudit refused) {
    const std::size_t name = std::hash<std::string>{}(refused.name);
    if (names.size() < kNamesMax && std::ranges::find(names, name) == names.end())
      names.push_back(name);
    const std::uint32_t attempts = row.attempts;
    row = std::move(refused);
    row.attempts = attempts + 1;
    row.names = static_cast<std::uint32_t>(names.size());
  }
};

struct Audit::State {
  State(const Clock& c, store::Store& s, Metric& d, std::size_t addresses)
      : clock(c), store(s), dropped(d), addresses_max(addresses) {}

  // All under mutex.
  void refuse(store::LoginAudit row) {
    row.minute = static_cast<std::uint64_t>(row.at_s) / 60;
    if (row.minute != minute) {
      collect();
      for (const auto& [address, left] : refusals) dropped.add(left.row.attempts);
      refusals.clear();
      minute = row.minute;
    }
    if (refusals.size() >= addresses_max && !refusals.contains(row.address))
      row.address = kOtherAddresses;
    auto [entry, fresh] = refusals.try_emplace(row.address);
    if (fresh) entry->second.row.attempts = 0;
    entry->second.add(std::move(row));
  }
  // Has the refusals written that were not yet; what finds no room stays.
  void collect() {
    for (auto& [address, entry] : refusals) {
      if (waiting.size() >= kWaitingMax) return;
      if (entry.row.attempts == 0) continue;
      waiting.push_back(entry.row);
      entry.row.attempts = 0;
    }
  }

  const Clock& clock;
  store::Store& store;
  Metric& dropped;
  const std::size_t addresses_max;
  std::mutex mutex;
  std::deque<store::LoginAudit> waiting;               // under mutex, like the next three
  std::unordered_map<std::string, Refusals> refusals;  // by address, of one minute
  std::uint64_t minute = 0;
  bool job_waits = false;
  LogLimit lines{1, 10'000};  // about rows that are lost
};

Audit::Audit(const Clock& clock, store::Store& store, MetricSet& metrics, bool enabled,
             std::uint32_t addresses_max) {
  if (!enabled) return;
  state_ = std::make_shared<State>(
      clock, store,
      metrics.counter("login_audit_dropped", "", "Logins that login_audit does not have"),
      addresses_max);
}

void Audit::record(store::LoginAudit row) {
  if (state_ == nullptr) return;
  row.at_s = state_->clock.wall_s();
  {
    std::lock_guard lock(state_->mutex);
    if (row.result != kLetIn) return state_->refuse(std::move(row));
    if (state_->waiting.size() >= kWaitingMax) return state_->dropped.add();
    state_->waiting.push_back(std::move(row));
    if (state_->waiting.size() < kRowsAtOnce || std::exchange(state_->job_waits, true)) return;
  }
  submit(state_);
}

void Audit::flush() {
  if (state_ == nullptr) return;
  {
    std::lock_guard lock(state_->mutex);
    state_->collect();
    if (state_->waiting.empty() || std::exchange(state_->job_waits, true)) return;
  }
  submit(state_);
}

void Audit::submit(const std::shared_ptr<State>& state) {
  auto taken = state->store.submit([state](store::Driver& driver) { write_some(state, driver); });
  if (taken) return;
  std::lock_guard lock(state->mutex);
  state->dropped.add(logins(state->waiting));
  state->waiting.clear();
  state->job_waits = false;
}

void Audit::write_some(const std::shared_ptr<State>& state, store::Driver& driver) {
  std::vector<store::LoginAudit> rows;
  {
    std::lock_guard lock(state->mutex);
    GATEHOUSE_ASSERT(state->job_waits && state->waiting.size() <= kWaitingMax);
    const std::size_t count = std::min(kRowsPerJob, state->waiting.size());
    for (std::size_t i = 0; i < count; ++i) {
      rows.push_back(std::move(state->waiting.front()));
      state->waiting.pop_front();
    }
  }
  if (const auto written = driver.record_logins(rows); !written) {
    state->dropped.add(logins(rows));
    if (state->lines.admit(state->clock.monotonic_ms()))
      log::error({}, "login_audit: {} logins are not recorded: {}", logins(rows),
                 written.error().message);
  }
  {
    std::lock_guard lock(state->mutex);
    state->job_waits = !state->waiting.empty();
    if (!state->job_waits) return;
  }
  submit(state);
}

}  // namespace gatehouse::login
