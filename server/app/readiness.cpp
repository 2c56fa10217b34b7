#include "app/readiness.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/printable.hpp"

namespace gatehouse::app {

using nlohmann::json;

namespace {

json part(const std::string& why) {
  if (why.empty()) return {{"ok", true}};
  return {{"ok", false}, {"why", why}};
}

std::string over(std::size_t count, std::size_t max, const char* what) {
  return count < max ? std::string() : fmt::format("{} of {} {}", count, max, what);
}

}  // namespace

json Readiness::servers(bool& room) const {
  json list = json::array();
  const std::vector<store::GameServer> rows = parts_.watch.game_servers();
  for (const gate::Gate* gate : parts_.gates) {
    const auto row = std::ranges::find(rows, gate->server(), &store::GameServer::name);
    const bool known = row != rows.end();
    std::string login = "200";
    if (known && row->state != store::ServerState::kOpen) {
      login = fmt::format("403 {}", name(row->state));
    } else if (gate->connection_count() >= gate->maxclient()) {
      login = fmt::format("503 {} of {} connections", gate->connection_count(), gate->maxclient());
    } else if (known && row->capacity != 0 && gate->session_count() >= row->capacity) {
      login = "102 full, logins wait";
    }
    room = room || !login.starts_with("503");
    list.push_back({{"server", gate->server()}, {"login", login}});
  }
  return list;
}

ops::Readiness Readiness::answer(bool draining, const json& stuck) const {
  bool room = parts_.gates.empty();
  const json by_server = servers(room);
  json parts = {{"store", part(parts_.store.ask())},
                {"workers", part(stuck.empty() ? "" : "a worker does not come out of a handler")},
                {"gates", part(room ? "" : "every gate is full")},
                {"passwords", part(over(parts_.hash_pool.queue_length(), parts_.hash_queue_max,
                                        "password checks wait"))}};
  if (parts_.login != nullptr) {
    parts["logins"] = part(over(parts_.login->connection_count(), parts_.login_connections_max,
                                "connections to the login"));
  }
  std::string why = draining ? "the server stops" : "";
  for (const auto& [key, value] : parts.items()) {
    if (!why.empty() || value["ok"].get<bool>()) continue;
    why = key + ": " + value["why"].get<std::string>();
  }
  const bool only_stuck = !stuck.empty() && why.starts_with("workers");
  const char* state = draining      ? "draining"
                      : why.empty() ? "ready"
                      : only_stuck  ? "degraded"
                                    : "unready";
  json answer = {{"ready", why.empty()},
                 {"state", state},
                 {"login", why.empty() ? "200" : "503 " + why},
                 {"parts", std::move(parts)},
                 {"servers", by_server}};
  if (!stuck.empty()) answer["stuck"] = stuck;
  return {why.empty(), printable_json(answer.dump(-1, ' ', false, json::error_handler_t::replace))};
}

}  // namespace gatehouse::app
