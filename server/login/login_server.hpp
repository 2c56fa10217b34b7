// The login daemon: listeners, their connections, and the way of a login through password
// check, placement and answer (docs/protocol.md 2).
//
// A login connection lives on the worker that accepted it. Its login:
//   token -> address over its rate? -> server served? -> Policy::auth or Authenticator, each
//            behind Throttle::ask
//         -> uid in progress? -> Policy::login, or ServerRooms and Placer::place -> answer -> close
// With Policy::auth the server and the uid are known after it, and looked at then.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "actor/system.hpp"
#include "actor/work_pool.hpp"
#include "base/limits.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "edge/census.hpp"
#include "edge/entrance.hpp"
#include "edge/guard.hpp"
#include "login/authenticator.hpp"
#include "login/options.hpp"
#include "login/placer.hpp"
#include "login/policy.hpp"
#include "net/address.hpp"
#include "net/network.hpp"
#include "protocol/login_handshake.hpp"
#include "store/records.hpp"
#include "store/store.hpp"

namespace gatehouse::login {

class LoginWorker;
struct LoginContext;

// What the server is built on; all of it outlives it.
struct LoginDependencies {
  actor::System& system;
  net::Network& network;
  store::Store& store;
  actor::WorkPool& hash_pool;
  Placer& placer;
  Policy& policy;
  MetricSet& metrics;
  edge::Guard& guard;
  edge::Surroundings surroundings{};
};

// Metrics: gauges `login_connections`, `login_waiting` by room, `login_throttle_entries` and
// `login_answer_floor_ms`, counters `login_total` by result ("ok" or the reason of a refusal; what
// ends a connection before its login begins is in `refused_total`), `login_lockouts`,
// `login_throttle_full` and `login_audit_dropped`.
class LoginServer {
 public:
  LoginServer(const LoginDependencies& dependencies, const Limits& limits, LoginOptions options);
  LoginServer(const LoginServer&) = delete;
  LoginServer& operator=(const LoginServer&) = delete;
  // After System::stop(), so that no worker calls it; waits for the logins in the pools.
  ~LoginServer();

  // Opens the listeners, all or none. The System runs. Errors as Network::listen; kInvalid for a
  // listener without a suite or without the key that x25519 needs. Once.
  [[nodiscard]] Result<> start();
  // The bound addresses, in the order of the options. After start().
  [[nodiscard]] std::vector<net::Address> addresses() const;

  // What is read from the store and the configuration again and again. Any thread, from the
  // constructor on.
  void set_keys(AuthKeys keys);
  void set_game_servers(const std::vector<store::GameServer>& servers);

  // Any thread, after start().
  void stop_accepting();
  // Stops accepting and answers 503 to every open connection; returns at once. Logins that run
  // go on without their clients. connection_count() falls to 0 as the connections close.
  void stop();
  [[nodiscard]] std::size_t connection_count() const;
  // The connections by how they come.
  [[nodiscard]] std::vector<edge::Census::Line> census() const;
  // Logins in the waiting rooms.
  [[nodiscard]] std::size_t waiting_count() const;

 private:
  class Upkeep;
  class Door;

  void close_rooms();
  [[nodiscard]] Result<> open(const ListenerOptions& listener, Door& door);

  const LoginDependencies dependencies_;
  const LoginOptions options_;
  std::unique_ptr<LoginContext> context_;
  std::unique_ptr<Upkeep> upkeep_;
  std::vector<std::unique_ptr<LoginWorker>> workers_;  // by index of the worker
  std::vector<std::unique_ptr<Door>> doors_;           // by listener, like the next
  std::vector<std::unique_ptr<edge::Entrance>> entrances_;
};

}  // namespace gatehouse::login
