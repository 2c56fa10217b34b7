// What a login would get now, part by part: the answer of /readyz.
#pragma once

#include <atomic>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "actor/system.hpp"
#include "actor/work_pool.hpp"
#include "app/store_probe.hpp"
#include "app/watch.hpp"
#include "gate/gate.hpp"
#include "login/login_server.hpp"
#include "ops/admin_server.hpp"

namespace gatehouse::app {

class Readiness {
 public:
  // All of it outlives it; login may be nullptr.
  struct Parts {
    actor::System& system;
    StoreProbe& store;
    const actor::WorkPool& hash_pool;
    const std::vector<gate::Gate*>& gates;
    const login::LoginServer* login;
    const Watch& watch;
    std::uint32_t hash_queue_max;
    std::uint32_t login_connections_max;
  };
  explicit Readiness(const Parts& parts) : parts_(parts) {}

  // {"ready":bool, "state":"ready|degraded|unready|draining", "login":"200" or "503 why",
  //  "parts":{"store":{"ok":bool,"why":text}, "workers":..., "passwords":..., "logins":...,
  //  "gates":...}, "servers":[{"server":name,"login":"200|102|403|503 why"}]}; with stuck workers
  // "stuck" as in /status. Not ready when the next login would be answered 503 for a reason that
  // is the server's; a game server that is closed on purpose is none. Any thread; waits for the
  // store a moment.
  [[nodiscard]] ops::Readiness answer(bool draining, const nlohmann::json& stuck) const;

 private:
  [[nodiscard]] nlohmann::json servers(bool& room) const;

  const Parts parts_;
};

}  // namespace gatehouse::app
