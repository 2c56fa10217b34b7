// The admin port of a running server: what ops::AdminServer answers, out of the parts that the
// wiring built.
#pragma once

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "actor/system.hpp"
#include "app/events.hpp"
#include "app/readiness.hpp"
#include "app/watch.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "game/agent_manager.hpp"
#include "gate/gate.hpp"
#include "login/login_server.hpp"
#include "net/address.hpp"
#include "ops/admin_server.hpp"
#include "store/store.hpp"

namespace gatehouse::app {

// All of it outlives the Admin; login may be nullptr.
struct AdminParts {
  actor::System& system;
  MetricSet& metrics;
  game::AgentManager& agents;
  const store::Store& store;
  std::vector<gate::Gate*> gates;
  login::LoginServer* login;
  const Readiness& readiness;
  Events& events;
  const Watch& watch;
};

class Admin {
 public:
  // Every listener is up by now. Errors as ops::AdminServer::start().
  [[nodiscard]] static Result<std::unique_ptr<Admin>> start(const net::Endpoint& listen,
                                                            AdminParts parts);
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  // From now on the server is not ready for players. Any thread.
  void set_draining() { draining_.store(true); }
  // "127.0.0.1:8080", with the real port.
  [[nodiscard]] std::string address() const;

 private:
  Admin(std::string host, AdminParts parts);
  [[nodiscard]] ops::AdminHandlers handlers();
  [[nodiscard]] std::string status() const;
  [[nodiscard]] nlohmann::json unsaved() const;
  [[nodiscard]] nlohmann::json stuck_workers() const;
  [[nodiscard]] nlohmann::json bad_rows() const;

  const std::string host_;
  const AdminParts parts_;
  std::vector<std::string> login_addresses_;
  Metric& services_metric_;
  Metric& workers_metric_;
  Metric& lines_lost_;
  Metric& write_errors_;
  Metric& lines_left_out_;
  std::atomic<bool> draining_{false};
  std::unique_ptr<ops::AdminServer> server_;  // last: its threads use the members above
};

}  // namespace gatehouse::app
