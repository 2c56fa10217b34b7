#include "app/gatectl_admin.hpp"

#include <nlohmann/json.hpp>
#include <ostream>

#include "ops/admin_client.hpp"

namespace gatehouse::app {
namespace {

using nlohmann::json;
using ops::AdminAnswer;
using ops::AdminMethod;

Error refused(const AdminAnswer& answer) {
  std::string text = answer.body.substr(0, answer.body.find('\n'));
  return Error{Errc::kIo,
               "the server answers " + std::to_string(answer.status) + ": " + std::move(text)};
}

// The form of Admin's status (admin.cpp).
void print(const json& status, std::ostream& out) {
  out << "pid " << status.at("pid") << ", " << status.at("state").get<std::string>() << ", up "
      << status.at("uptime_s") << " s, " << status.at("workers") << " workers, "
      << status.at("services") << " services\n"
      << "players online: " << status.at("players") << "\n";
  if (const auto& login = status.at("login"); !login.is_null()) {
    out << "login: " << login.at("connections") << " connections\n";
  }
  for (const json& gate : status.at("gates")) {
    out << "gate " << gate.at("server").get<std::string>() << " at "
        << gate.at("address").get<std::string>() << ": " << gate.at("sessions") << " sessions, "
        << gate.at("connections") << " connections\n";
  }
}

}  // namespace

Result<AdminTool> AdminTool::open(const Config& config) {
  if (!config.admin_listen) {
    return fail(Errc::kInvalid, "admin.listen: is not set, so the server cannot be asked");
  }
  if (config.admin_listen->port == 0) {
    return fail(Errc::kInvalid,
                "admin.listen: has port 0; give the port of the ready file by "
                "--set admin.listen=ADDRESS:PORT");
  }
  return AdminTool(*config.admin_listen);
}

Result<> AdminTool::kick(const std::string& uid, const std::string& reason) {
  const auto answer = ops::ask_admin(server_.host, server_.port, AdminMethod::kPost, "/kick",
                                     {{"uid", uid}, {"reason", reason}});
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (answer->status == 404) return fail(Errc::kNotFound, uid + " is not online");
  if (answer->status != 200) return tl::unexpected<Error>(refused(*answer));
  return {};
}

Result<> AdminTool::drain() {
  const auto answer = ops::ask_admin(server_.host, server_.port, AdminMethod::kPost, "/drain", {});
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (answer->status != 202) return tl::unexpected<Error>(refused(*answer));
  return {};
}

Result<> AdminTool::status(OutputForm form, std::ostream& out) {
  const auto answer = ops::ask_admin(server_.host, server_.port, AdminMethod::kGet, "/status", {});
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (answer->status != 200) return tl::unexpected<Error>(refused(*answer));
  try {
    const json status = json::parse(answer->body);
    if (form == OutputForm::kJson) {
      out << status.dump() << "\n";
    } else {
      print(status, out);
    }
    return {};
  } catch (const json::exception&) {
    return fail(Errc::kCorrupt, "what answers at " + server_.to_string() + " is no gatehouse");
  }
}

}  // namespace gatehouse::app
