#include "app/admin.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/log.hpp"
#include "base/printable.hpp"
#include "base/process_output.hpp"

namespace gatehouse::app {

using nlohmann::json;

namespace {

// The connections that are known, by how they come; what does not hold for them is left out.
json transports(const std::vector<edge::Census::Line>& census) {
  json list = json::array();
  for (const auto& [kind, connections] : census) {
    json line = {{"transport", kind.carriage.transport}, {"connections", connections}};
    if (!kind.carriage.tls.empty()) line["tls"] = kind.carriage.tls;
    if (!kind.carriage.proxy.empty()) line["proxy"] = kind.carriage.proxy;
    if (!kind.suite.empty()) line["suite"] = kind.suite;
    list.push_back(std::move(line));
  }
  return list;
}

}  // namespace

Admin::Admin(std::string host, AdminParts parts)
    : host_(std::move(host)),
      parts_(std::move(parts)),
      services_metric_(parts_.metrics.gauge("services", "", "Services alive")),
      workers_metric_(parts_.metrics.gauge("workers", "", "Worker threads")),
      lines_lost_(parts_.metrics.counter("log_lines_lost_total", "",
                                         "Lines of the log and of scripts' output that found no "
                                         "room or could not be written")),
      write_errors_(parts_.metrics.counter("log_write_errors_total", "",
                                           "Writes of the log and of what scripts print that "
                                           "failed")),
      lines_left_out_(parts_.metrics.counter("log_lines_left_out_total", "",
                                             "Lines about players' errors that were not logged "
                                             "one by one")) {
  if (parts_.login == nullptr) return;
  for (const net::Address& address : parts_.login->addresses()) {
    login_addresses_.push_back(address.to_string());
  }
}

Result<std::unique_ptr<Admin>> Admin::start(const net::Endpoint& listen, AdminParts parts) {
  std::unique_ptr<Admin> admin(new Admin(listen.host, std::move(parts)));
  auto server = ops::AdminServer::start(admin->parts_.system.world().executor, listen.host,
                                        listen.port, admin->parts_.metrics, admin->handlers());
  if (!server) return tl::unexpected<Error>(server.error());
  admin->server_ = std::move(*server);
  return admin;
}

std::string Admin::address() const {
  return net::Endpoint{host_, server_->port()}.to_string();
}

ops::AdminHandlers Admin::handlers() {
  ops::AdminHandlers handlers;
  handlers.readiness = [this] {
    return parts_.readiness.answer(draining_.load(), stuck_workers());
  };
  handlers.status = [this] { return status(); };
  handlers.sample = [this] {
    services_metric_.set(static_cast<std::int64_t>(parts_.system.registry().count()));
    workers_metric_.set(parts_.system.worker_count());
    const process_output::Losses losses = process_output::losses();
    lines_lost_.set(static_cast<std::int64_t>(losses.lines));
    write_errors_.set(static_cast<std::int64_t>(losses.write_errors));
    lines_left_out_.set(static_cast<std::int64_t>(log::left_out()));
  };
  handlers.kick = [this](const std::string& uid, const std::string& reason) {
    const bool online = parts_.agents.kick(uid, game::LogoutCode::kRemoved, reason);
    log::info({}, "admin: kick {} ({}): {}", uid, reason, online ? "done" : "not online");
    return online;
  };
  handlers.rescue = [this](const std::string& uid) {
    const bool online = parts_.agents.rescue(uid);
    log::info({}, "admin: rescue {}: {}", uid, online ? "asked" : "not online");
    return online;
  };
  handlers.drain = [this] {
    log::info({}, "admin: drain");
    set_draining();
    parts_.events.stop();
  };
  return handlers;
}

// Players whose newest data the store has not taken, the first kUnsavedMax by name.
json Admin::unsaved() const {
  constexpr std::size_t kUnsavedMax = 1'000;
  json players = json::array();
  for (const game::UnsavedPlayer& player : parts_.agents.unsaved()) {
    if (players.size() == kUnsavedMax) break;
    players.push_back(
        {{"uid", player.uid},
         {"server", player.server},
         {"code", player.code},
         {"why", player.why},
         {"for_s", (parts_.system.world().clock.monotonic_ms() - player.since_ms) / 1'000},
         {"tries", player.failures},
         {"leaving", player.leaving}});
  }
  return players;
}

json Admin::stuck_workers() const {
  json list = json::array();
  for (const auto& stuck : parts_.system.stuck_workers()) {
    list.push_back({{"worker", stuck.worker},
                    {"service", fmt::format(":{:08x}", stuck.service.value)},
                    {"for_ms", parts_.system.world().clock.monotonic_ms() - stuck.since}});
  }
  return list;
}

// Rows of ops that have no effect, the first kBadRowsMax.
json Admin::bad_rows() const {
  constexpr std::size_t kBadRowsMax = 100;
  json rows = json::array();
  for (const config::BadRow& row : parts_.watch.bad_rows()) {
    if (rows.size() == kBadRowsMax) break;
    rows.push_back({{"table", row.table}, {"network", row.network}, {"why", row.why}});
  }
  return rows;
}

std::string Admin::status() const {
  json gates = json::array();
  for (const gate::Gate* gate : parts_.gates) {
    gates.push_back({{"server", gate->server()},
                     {"address", gate->address().to_string()},
                     {"advertise", gate->advertise()},
                     {"transport", name(gate->transport())},
                     {"transports", transports(gate->census())},
                     {"sessions", gate->session_count()},
                     {"connections", gate->connection_count()}});
  }
  json login;
  if (parts_.login != nullptr) {
    login = {{"addresses", login_addresses_},
             {"transports", transports(parts_.login->census())},
             {"connections", parts_.login->connection_count()},
             {"waiting", parts_.login->waiting_count()}};
  }
  const json status = {{"pid", getpid()},
                       {"state", draining_.load() ? "draining" : "up"},
                       {"uptime_s", parts_.system.now_cs() / 100},
                       {"workers", parts_.system.worker_count()},
                       {"stuck", stuck_workers()},
                       {"services", parts_.system.registry().count()},
                       {"players", parts_.agents.online()},
                       {"players_unsaved", parts_.agents.unsaved().size()},
                       {"store", parts_.store.complaint()},
                       {"unsaved", unsaved()},
                       {"bad_rows", bad_rows()},
                       {"login", std::move(login)},
                       {"gates", std::move(gates)}};
  return printable_json(status.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace gatehouse::app
