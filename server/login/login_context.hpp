// What all login connections of the process share. Built by LoginServer.
#pragma once

#include <cstdint>

#include "base/limits.hpp"
#include "base/metrics.hpp"
#include "login/audit.hpp"
#include "login/authenticator.hpp"
#include "login/in_progress.hpp"
#include "login/placer.hpp"
#include "login/policy.hpp"

namespace gatehouse::login {

// Any thread; each part says what it allows.
struct LoginContext {
  Placer& placer;
  Policy& policy;
  MetricSet& metrics;
  const Limits limits;
  const std::uint32_t answer_timeout_ms;
  Authenticator authenticator;
  Audit audit;
  InProgress in_progress;
  // Connections from their accept to their close, in the process; bounded by
  // limits.login_connections_max.
  std::atomic<std::uint32_t> connections{0};
  Metric& connections_gauge;
};

}  // namespace gatehouse::login
