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
    : metrics_(metrics), window_(worker, kLinesPerSecond, [](std::uint64_t left_out) {
        log::info({}, "login: {} more refusals, not logged one by one", left_out);
      }) {}

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
  if (!log::enabled(log::Level::kInfo) || !window_.admit()) return;
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
  if (!log::enabled(log::Level::kInfo) || !window_.admit()) return;
  std::string line = "login " + peer.to_string();
  append_reason(line, refusal);
  log::write(log::Level::kInfo, {}, line);
}

}  // namespace gatehouse::login
