#include "login/audit.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"

namespace gatehouse::login {
namespace {

constexpr std::size_t kWaitingMax = 4'096;
constexpr std::size_t kRowsAtOnce = 64;    // so many do not wait for flush()
constexpr MonotonicMs kLogPauseMs = 10'000;  // between two lines about rows that are lost
constexpr std::size_t kRowsPerJob = 256;   // then the store's other jobs have their turn

}  // namespace

struct Audit::State {
  State(store::Store& s, Metric& d) : store(s), dropped(d) {}

  store::Store& store;
  Metric& dropped;
  std::mutex mutex;
  std::deque<store::LoginAudit> waiting;  // under mutex, like the flag
  bool job_waits = false;
  MonotonicMs next_log_ms = 0;  // of the one job
};

Audit::Audit(store::Store& store, MetricSet& metrics, bool enabled) {
  if (!enabled) return;
  state_ = std::make_shared<State>(
      store, metrics.counter("login_audit_dropped", "", "Logins that login_audit does not have"));
}

void Audit::record(store::LoginAudit row) {
  if (state_ == nullptr) return;
  row.at_s = wall_ms() / 1000;
  {
    std::lock_guard lock(state_->mutex);
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
    if (state_->waiting.empty() || std::exchange(state_->job_waits, true)) return;
  }
  submit(state_);
}

void Audit::submit(const std::shared_ptr<State>& state) {
  auto taken = state->store.submit([state](store::Driver& driver) { write_some(state, driver); });
  if (taken) return;
  std::lock_guard lock(state->mutex);
  state->dropped.add(static_cast<std::int64_t>(state->waiting.size()));
  state->waiting.clear();
  state->job_waits = false;
}

void Audit::write_some(const std::shared_ptr<State>& state, store::Driver& driver) {
  std::vector<store::LoginAudit> rows;
  {
    std::lock_guard lock(state->mutex);
    const std::size_t count = std::min(kRowsPerJob, state->waiting.size());
    for (std::size_t i = 0; i < count; ++i) {
      rows.push_back(std::move(state->waiting.front()));
      state->waiting.pop_front();
    }
  }
  if (const auto written = driver.record_logins(rows); !written) {
    state->dropped.add(static_cast<std::int64_t>(rows.size()));
    if (const MonotonicMs now_ms = monotonic_ms(); now_ms >= state->next_log_ms) {
      state->next_log_ms = now_ms + kLogPauseMs;
      log::error({}, "login_audit: {} logins are not recorded: {}", rows.size(),
                 written.error().message);
    }
  }
  {
    std::lock_guard lock(state->mutex);
    state->job_waits = !state->waiting.empty();
    if (!state->job_waits) return;
  }
  submit(state);
}

}  // namespace gatehouse::login
