#include "login/outcome_log.hpp"

#include <utility>

#include "base/json_text.hpp"
#include "base/log.hpp"

namespace gatehouse::login {

OutcomeLog::OutcomeLog(actor::Worker& worker, MetricSet& metrics)
    : worker_(worker), metrics_(metrics) {}

void OutcomeLog::count(std::string_view result) {
  Metric*& counter = counters_[result];
  if (counter == nullptr) {
    counter = &metrics_.counter("login_total", fmt::format("result=\"{}\"", result),
                                "Logins by how they ended");
  }
  counter->add();
}

void OutcomeLog::refused(const net::Address& peer, const Refusal& refusal, std::string_view user,
                         std::string_view server) {
  count(refusal.reason);
  if (!log::enabled(log::Level::kInfo) || !may_log()) return;
  std::string line = "login " + peer.to_string();
  line += refusal.code == 0 ? " closed: " : fmt::format(" refused {}: ", refusal.code);
  line += refusal.reason;
  if (!user.empty()) {
    line += ", user ";
    append_json_string(line, user);
  }
  if (!server.empty()) {
    line += ", server ";
    append_json_string(line, server);
  }
  log::write(log::Level::kInfo, {}, line);
}

bool OutcomeLog::may_log() {
  const MonotonicMs now = monotonic_ms();
  if (now - second_began_ms_ >= 1'000 && !waiting()) {
    second_began_ms_ = now;
    lines_ = 0;
  }
  if (lines_ < kLinesPerSecond) {
    ++lines_;
    return true;
  }
  ++unlogged_;
  if (!waiting()) worker_.timers().add(*this, second_began_ms_ + 1'000);
  return false;
}

void OutcomeLog::fire() {
  log::info({}, "login: {} more refusals, not logged one by one", std::exchange(unlogged_, 0));
}

}  // namespace gatehouse::login
