#include "gatectl/server.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

#include "base/printable.hpp"
#include "gatectl/command.hpp"
#include "ops/admin_client.hpp"

namespace gatehouse::gatectl {
namespace {

using nlohmann::json;
using ops::AdminAnswer;
using ops::AdminMethod;

Result<AdminAnswer> ask(const config::Config& config, AdminMethod method, const std::string& path,
                        const std::map<std::string, std::string>& parameters) {
  if (!config.admin_listen) {
    return fail(Errc::kInvalid, "admin.listen: is not set, so the server cannot be asked");
  }
  const net::Endpoint& server = *config.admin_listen;
  if (server.port == 0) {
    return fail(Errc::kInvalid,
                "admin.listen: has port 0; give the port of the ready file by "
                "--set admin.listen=ADDRESS:PORT");
  }
  return ops::ask_admin(server.host, server.port, method, path, parameters);
}

Error refused(const AdminAnswer& answer) {
  std::string text = answer.body.substr(0, answer.body.find('\n'));
  return Error{Errc::kIo,
               "the server answers " + std::to_string(answer.status) + ": " + std::move(text)};
}

// A text of the server: it cannot forge a line.
std::string word(const json& value) {
  return printable(value.get<std::string>());
}

// " (tcp 2, wss 1)", of connections by how they come.
std::string by_transport(const json& owner) {
  std::map<std::string, std::uint64_t> counts;
  for (const json& line : owner.value("transports", json::array()))
    counts[word(line.at("transport"))] += line.at("connections").get<std::uint64_t>();
  std::string text;
  for (const auto& [transport, count] : counts)
    text += fmt::format("{}{} {}", text.empty() ? " (" : ", ", transport, count);
  return text.empty() ? text : text + ")";
}

// The form of Admin's status (admin.cpp).
std::string text_of(const json& status) {
  std::ostringstream out;
  out << "pid " << status.at("pid") << ", " << status.at("state").get<std::string>() << ", up "
      << status.at("uptime_s") << " s, " << status.at("workers") << " workers, "
      << status.at("services") << " services\n"
      << "players online: " << status.at("players");
  if (const auto& login = status.at("login"); !login.is_null()) {
    out << "\nlogin: " << login.at("connections") << " connections" << by_transport(login);
    if (login.contains("waiting")) out << ", " << login.at("waiting") << " waiting";
  }
  if (const std::string store = status.value("store", ""); !store.empty()) {
    out << "\nthe store cannot be used: " << printable(store);
  }
  for (const json& player : status.value("unsaved", json::array())) {
    out << "\nunsaved: " << word(player.at("uid")) << "@" << word(player.at("server")) << " for "
        << player.at("for_s") << " s"
        << (player.at("leaving").get<bool>() ? ", logged out: " : ": ") << word(player.at("code"))
        << ": " << word(player.at("why"));
  }
  for (const json& row : status.value("bad_rows", json::array())) {
    out << "\n"
        << row.at("table").get<std::string>()
        << ": a row has no effect: " << row.at("why").get<std::string>();
  }
  for (const json& gate : status.at("gates")) {
    out << "\ngate " << word(gate.at("server")) << " at " << word(gate.at("address")) << ": "
        << gate.at("sessions") << " sessions, " << gate.at("connections") << " connections"
        << by_transport(gate);
  }
  return out.str();
}

}  // namespace

Result<bool> kick_player(const config::Config& config, const std::string& uid,
                         const std::string& reason) {
  const auto answer = ask(config, AdminMethod::kPost, "/kick", {{"uid", uid}, {"reason", reason}});
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (answer->status == 404) return false;
  if (answer->status != 200) return tl::unexpected<Error>(refused(*answer));
  return true;
}

Result<> kick(const config::Config& config, const Arguments& arguments, Output& output) {
  const auto kicked = kick_player(config, arguments.name, arguments.reason);
  if (!kicked) return tl::unexpected<Error>(kicked.error());
  if (!*kicked) return fail(Errc::kNotFound, arguments.name + " is not online");
  output.say(arguments.name + " is kicked", {{"uid", arguments.name}, {"done", "kicked"}});
  return {};
}

Result<> rescue(const config::Config& config, const Arguments& arguments, Output& output) {
  const auto answer = ask(config, AdminMethod::kPost, "/rescue", {{"uid", arguments.name}});
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (answer->status == 404) return fail(Errc::kNotFound, arguments.name + " is not online");
  if (answer->status != 202) return tl::unexpected<Error>(refused(*answer));
  output.say(arguments.name + " leaves; what the store does not take goes to a file in " +
                 config.agent.rescue.folder,
             {{"uid", arguments.name}, {"done", "leaving"}});
  return {};
}

Result<> drain(const config::Config& config, const Arguments&, Output& output) {
  const auto answer = ask(config, AdminMethod::kPost, "/drain", {});
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (answer->status != 202) return tl::unexpected<Error>(refused(*answer));
  output.say("the server drains and ends", {{"done", "draining"}});
  return {};
}

Result<> status(const config::Config& config, const Arguments&, Output& output) {
  const auto answer = ask(config, AdminMethod::kGet, "/status", {});
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (answer->status != 200) return tl::unexpected<Error>(refused(*answer));
  try {
    const json status = json::parse(answer->body);
    output.say(text_of(status), status);
    return {};
  } catch (const json::exception&) {
    return fail(Errc::kCorrupt,
                "what answers at " + config.admin_listen->to_string() + " is no gatehouse");
  }
}

}  // namespace gatehouse::gatectl
