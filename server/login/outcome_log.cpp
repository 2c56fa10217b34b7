#include "login/outcome_log.hpp"

#include "base/json_text.hpp"
#include "base/log.hpp"
#include "edge/carriage.hpp"
#include "login/login.hpp"

namespace gatehouse::login {
namespace {

void append_reason(std::string& line, const Refusal& refusal) {
  line += refusal.code == 0 ? " closed: " : fmt::format(" refused {}: ", refusal.code);
  line += refusal.reason;
}

}  // namespace

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

void OutcomeLog::refused(const net::Transport& transport, const Refusal& refusal,
                         const Login* login) {
  count(refusal.reason);
  if (!log::enabled(log::Level::kInfo) || !may_log()) return;
  std::string line =
      fmt::format("login {} over {}", transport.peer().to_string(), edge::describe(transport));
  if (login != nullptr) line += fmt::format(", suite {},", name(login->suite()));
  append_reason(line, refusal);
  if (login != nullptr && !login->uid().empty()) {
    line += ", user ";
    append_json_string(line, login->uid());
  }
  if (login != nullptr && !login->server().empty()) {
    line += ", server ";
    append_json_string(line, login->server());
  }
  log::write(log::Level::kInfo, {}, line);
}

void OutcomeLog::refused(const net::Address& peer, const Refusal& refusal) {
  count(refusal.reason);
  if (!log::enabled(log::Level::kInfo) || !may_log()) return;
  std::string line = "login " + peer.to_string();
  append_reason(line, refusal);
  log::write(log::Level::kInfo, {}, line);
}

bool OutcomeLog::may_log() {
  const MonotonicMs now_ms = worker_.clock().monotonic_ms();
  const auto left_out = limit_.admit(now_ms);
  if (left_out) {
    tell(*left_out);
    return true;
  }
  if (!waiting()) worker_.timers().add(*this, now_ms + kWindowMs);
  return false;
}

void OutcomeLog::fire() {
  tell(limit_.end());
}

void OutcomeLog::tell(std::uint64_t left_out) {
  if (left_out != 0) log::info({}, "login: {} more refusals, not logged one by one", left_out);
}

}  // namespace gatehouse::login
