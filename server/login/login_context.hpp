// What all login connections of the process share. Built by LoginServer.
#pragma once

#include <atomic>
#include <cstdint>

#include "admission/in_progress.hpp"
#include "admission/server_rooms.hpp"
#include "admission/throttle.hpp"
#include "base/limits.hpp"
#include "base/metrics.hpp"
#include "edge/census.hpp"
#include "edge/guard.hpp"
#include "login/audit.hpp"
#include "login/authenticator.hpp"
#include "login/login_server.hpp"
#include "login/placer.hpp"
#include "login/policy.hpp"

namespace gatehouse::login {

// Any thread; each part says what it allows.
struct LoginContext {
  LoginContext(const LoginDependencies& d, const Limits& configured, const LoginOptions& options)
      : world(d.system.world()),
        placer(d.placer),
        policy(d.policy),
        metrics(d.metrics),
        guard(d.guard),
        limits(configured),
        answer_timeout_ms(options.answer_timeout_ms),
        policy_timeout_ms(options.policy_timeout_ms),
        throttle(world.clock, limits, metrics),
        rooms(world.clock, limits, metrics,
              [&placer = d.placer](std::string_view server) { return placer.players(server); }),
        audit(world.clock, d.store, metrics, options.audit, options.audit_addresses_max),
        authenticator({world, d.store, d.hash_pool, throttle, d.metrics}, limits, options.auth),
        connections_gauge(metrics.gauge("login_connections", "", "Open login connections")),
        census("login", metrics) {}

  const World& world;
  Placer& placer;
  Policy& policy;
  MetricSet& metrics;
  edge::Guard& guard;
  const Limits limits;
  const std::uint32_t answer_timeout_ms;
  const std::uint32_t policy_timeout_ms;
  admission::Throttle throttle;
  admission::ServerRooms rooms;
  Audit audit;
  admission::InProgress in_progress;
  // Behind what logins use on its threads: it ends first, after the last of them.
  Authenticator authenticator;
  // Connections from their accept to their close, in the process; bounded by
  // limits.login_connections_max.
  std::atomic<std::uint32_t> connections{0};
  Metric& connections_gauge;
  edge::Census census;  // of connections that are known
};

}  // namespace gatehouse::login
