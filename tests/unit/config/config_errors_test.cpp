// Every wrong type, unknown key and impossible value is an error that begins with its path.
#include "config_fixture.hpp"

namespace gatehouse::config {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

class ConfigErrors : public ConfigFixture {
 protected:
  // "/gate/gates/0/server" is "gate.gates[0].server" to an operator.
  static std::string path_of(const std::string& pointer) {
    std::string path;
    for (std::size_t at = 1; at < pointer.size();) {
      const std::size_t end = std::min(pointer.find('/', at), pointer.size());
      const std::string part = pointer.substr(at, end - at);
      const bool index = part.find_first_not_of("0123456789") == std::string::npos;
      path += index ? "[" + part + "]" : (path.empty() ? "" : ".") + part;
      at = end + 1;
    }
    return path;
  }
  // One line of the error begins with the path.
  void expect_error_at(const std::string& pointer, const json& value) {
    const std::string error = "\n" + error_of(load_with(pointer, value));
    EXPECT_THAT(error, HasSubstr("\n" + path_of(pointer) + ": ")) << pointer << " = " << value;
  }
};

const char* const kNumbers[] = {
    "/workers",
    "/login/handshake_timeout_ms",
    "/login/policy_timeout_ms",
    "/login/policy_calls_max",
    "/gate/reply_cache_count",
    "/gate/reply_cache_bytes",
    "/gate/gates/0/maxclient",
    "/agent/per_vm",
    "/agent/afk_timeout_ms",
    "/agent/save_interval_ms",
    "/agent/save_failures_max",
    "/agent/load_timeout_ms",
    "/agent/request_timeout_ms",
    "/agent/hook_timeout_ms",
    "/agent/logout_timeout_ms",
    "/agent/save_timeout_ms",
    "/store/connections",
    "/store/queue_max",
    "/store/account_queue_max",
    "/store/session_lease_ms",
    "/store/timeout_ms",
    "/store/lock_timeout_ms",
    "/store/mysql/port",
    "/auth/argon2/memory_kib",
    "/auth/argon2/passes",
    "/auth/argon2/lanes",
    "/shutdown/timeout_ms",
    "/login/sniff_ms",
    "/net/websocket/ping_s",
    "/net/websocket/other_frames_per_s_max",
    "/tls/ticket_lifetime_s",
    "/limits/tls_handshakes_per_s",
    "/limits/tls_handshakes_waiting_max",
    "/limits/tls_handshake_threads",
    "/admin/ready_timeout_ms",
    "/log/player_errors_per_min",
    "/log/all_player_errors_per_min",
    "/log/queue_bytes_max",
    "/log/queue_lines_max",
    "/log/leave_timeout_ms",
    "/limits/login_connections_max",
    "/limits/login_handshake_timeout_ms",
    "/limits/login_queue_max",
    "/limits/hash_threads",
    "/limits/gate_handshake_timeout_ms",
    "/limits/gate_handshake_frame_bytes_max",
    "/limits/unauthenticated_max",
    "/limits/address_connections_max",
    "/limits/address_connections_per_s",
    "/limits/address_connections_burst",
    "/limits/connections_per_s",
    "/limits/handshake_progress_ms",
    "/limits/memory_bytes",
    "/limits/gate_unsent_bytes_max",
    "/limits/gate_idle_timeout_ms",
    "/limits/gate_frames_per_s_max",
    "/limits/gate_bytes_per_s_max",
    "/limits/gate_pending_requests_max",
    "/limits/gate_push_log_count_max",
    "/limits/gate_push_log_bytes_max",
    "/limits/mailbox_bytes_max",
    "/limits/vm_memory_bytes_max",
    "/limits/vm_memory_reserve_bytes",
    "/limits/endless_loop_report_ms",
    "/limits/endless_loop_break_ms",
    "/limits/endless_loop_close_ms",
    "/limits/worker_stuck_ms",
    "/limits/sockets_max",
};
const char* const kStrings[] = {
    "/login/listen/0/transport",
    "/login/listen/0/address",
    "/login/policy",
    "/gate/gates/0/server",
    "/gate/gates/0/listen",
    "/gate/gates/0/advertise",
    "/agent/module",
    "/store/driver",
    "/store/sqlite/path",
    "/store/mysql/host",
    "/login/identity_key_file",
    "/store/mysql/socket",
    "/store/mysql/user",
    "/store/mysql/password",
    "/store/mysql/database",
    "/auth/registration",
    "/log/level",
    "/log/format",
    "/log/file",
    "/limits/profile",
    "/admin/listen",
    "/store/migrate",
    "/store/mysql/tls/mode",
    "/store/mysql/tls/ca",
    "/store/mysql/tls/cert",
    "/store/mysql/tls/key",
};
const char* const kLists[] = {"/roles", "/login/listen", "/login/listen/0/suites", "/gate/gates",
                              "/store/mysql/hosts"};
const char* const kObjects[] = {
    "/login",       "/gate",        "/agent",        "/store",          "/store/sqlite",
    "/store/mysql", "/auth",        "/log",          "/admin",          "/shutdown",
    "/limits",      "/auth/argon2", "/gate/gates/0", "/login/listen/0", "/store/mysql/tls",
};

TEST_F(ConfigErrors, WrongTypesOfNumbers) {
  for (const char* pointer : kNumbers) {
    for (const json& value : {json("5"), json(true), json(nullptr), json(json::array({5})),
                              json(json::object()), json(5.0), json(-1)}) {
      expect_error_at(pointer, value);
    }
  }
}

TEST_F(ConfigErrors, WrongTypesOfStrings) {
  for (const char* pointer : kStrings) {
    for (const json& value :
         {json(5), json(true), json(nullptr), json(json::array({"x"})), json(json::object())}) {
      expect_error_at(pointer, value);
    }
  }
}

TEST_F(ConfigErrors, WrongTypesOfListsAndObjects) {
  for (const char* pointer : kLists) {
    for (const json& value : {json("login"), json(5), json(nullptr), json(json::object())}) {
      expect_error_at(pointer, value);
    }
  }
  for (const char* pointer : kObjects) {
    for (const json& value : {json("x"), json(5), json(nullptr), json(json::array())}) {
      expect_error_at(pointer, value);
    }
  }
  expect_error_at("/roles", {"login", 5});
  expect_error_at("/login/listen/0/suites", {"plain", nullptr});
}

TEST_F(ConfigErrors, UnknownKeysEverywhere) {
  for (const char* object : kObjects) {
    const std::string pointer = std::string(object) + "/surprise";
    const std::string error = "\n" + error_of(load_with(pointer, 1));
    EXPECT_THAT(error, HasSubstr("\n" + path_of(pointer) + ": unknown key"));
  }
  EXPECT_EQ(error_of(load_with("/surprise", 1)), "surprise: unknown key");
}

TEST_F(ConfigErrors, ImpossibleNumbers) {
  const std::pair<const char*, std::uint64_t> cases[] = {
      {"/workers", 129},
      {"/workers", 65'537},  // would be 1 as 16 bits
      {"/login/handshake_timeout_ms", 0},
      {"/login/handshake_timeout_ms", 1ull << 32},
      {"/gate/reply_cache_count", 0},
      {"/gate/reply_cache_bytes", 0},
      {"/gate/gates/0/maxclient", 0},
      {"/agent/per_vm", 0},
      {"/agent/per_vm", 100'001},
      {"/login/policy_timeout_ms", 0},
      {"/login/policy_calls_max", 0},
      {"/agent/load_timeout_ms", 0},
      {"/agent/hook_timeout_ms", 0},
      {"/agent/logout_timeout_ms", 0},
      {"/agent/save_timeout_ms", 0},
      {"/store/connections", 0},
      {"/store/connections", 257},
      {"/store/queue_max", 0},
      {"/store/account_queue_max", 0},
      {"/store/lock_timeout_ms", 0},
      {"/store/timeout_ms", 0},
      {"/store/session_lease_ms", 9'999},
      {"/store/mysql/port", 0},
      {"/store/mysql/port", 65'536},
      {"/auth/argon2/memory_kib", 7},
      {"/auth/argon2/memory_kib", UINT64_MAX},
      {"/auth/argon2/passes", 0},
      {"/auth/argon2/lanes", 0},
      {"/admin/ready_timeout_ms", 99},
      {"/log/queue_bytes_max", 4095},
      {"/log/queue_lines_max", 15},
      {"/log/leave_timeout_ms", 60'001},
      {"/limits/login_connections_max", 0},
      {"/limits/address_connections_burst", 0},
      {"/limits/hash_threads", 0},
      {"/limits/hash_threads", 257},
      {"/limits/gate_handshake_frame_bytes_max", 63},
      {"/limits/gate_handshake_frame_bytes_max", 3'338},
      {"/login/sniff_ms", 0},
      {"/login/sniff_ms", 5'001},
      {"/limits/mailbox_bytes_max", 4095},
      {"/limits/endless_loop_report_ms", 9},
      {"/limits/endless_loop_close_ms", 0},
      {"/limits/sockets_max", 0},
      {"/limits/sockets_max", 1ull << 32},
  };
  for (const auto& [pointer, number] : cases) {
    const std::string error = error_of(load_with(pointer, number));
    EXPECT_THAT(error, StartsWith(path_of(pointer) + ": must be between "))
        << pointer << " = " << number;
  }
}

TEST_F(ConfigErrors, ImpossibleWords) {
  for (const char* pointer :
       {"/log/level", "/log/format", "/store/driver", "/auth/registration", "/limits/profile",
        "/login/listen/0/transport", "/gate/gates/0/transport", "/store/migrate",
        "/store/mysql/tls/mode"}) {
    EXPECT_THAT(error_of(load_with(pointer, "sideways")),
                StartsWith(path_of(pointer) + ": must be one of "));
    expect_error_at(pointer, "");
  }
  expect_error_at("/login/listen/0/suites", {"plain", "sideways"});
  expect_error_at("/login/listen/0/suites", json::array());
}

TEST_F(ConfigErrors, ImpossibleAddresses) {
  for (const char* pointer : {"/login/listen/0/address", "/gate/gates/0/listen"}) {
    for (const char* address : {"", "127.0.0.1", ":8001", "127.0.0.1:", "127.0.0.1:65536",
                                "127.0.0.1:x", "::1:8001", "[::1]8001"}) {
      expect_error_at(pointer, address);
    }
  }
  for (const char* network : {"", "proxy", "127.0.0.1:80", "127.0.0.0/33", "127.0.0.1/"})
    expect_error_at("/net/trusted_proxies", {"192.0.2.1", network});
  for (const char* origin : {"", "*", "example.com", "https://", "https://example.com/path"})
    expect_error_at("/net/websocket/origins", {"https://play.example.com", origin});
  expect_error_at("/admin/listen", "127.0.0.1");
  expect_error_at("/admin/listen", "0.0.0.0:8080");  // the admin port has no password
}

TEST_F(ConfigErrors, ImpossibleDatabaseServers) {
  for (const char* host : {"", "127.0.0.1", ":3306", "127.0.0.1:0", "127.0.0.1:65536"})
    expect_error_at("/store/mysql/hosts", {"127.0.0.1:3306", host});
  EXPECT_THAT(error_of(load_with("/store/mysql",
                                 {{"tls", {{"mode", "verify"}}}, {"socket", "/run/db.sock"}})),
              StartsWith("store.mysql.tls: "));
}

TEST_F(ConfigErrors, TlsFilesThatDoNotFit) {
  const std::string file = folder_ / "any.pem";  // that exists and is private
  test::write_file(file, "");
  std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  const auto expect = [this](const json& tls, const char* where) {
    EXPECT_THAT(error_of(load_with("/store/mysql/tls", tls)),
                StartsWith(std::string("store.mysql.tls.") + where + ": "))
        << tls;
  };
  expect({{"ca", "none.pem"}}, "ca");
  expect({{"ca", file}, {"mode", "required"}}, "ca");
  expect({{"ca", file}, {"mode", "off"}}, "ca");
  expect({{"ca", file}, {"cert", file}}, "cert");
  expect({{"mode", "required"}, {"key", file}}, "cert");
  expect({{"cert", file}, {"key", file}}, "cert");
}

TEST_F(ConfigErrors, MissingValues) {
  for (const std::string pointer : {"/login/listen/0/address", "/login/listen/0/suites",
                                    "/gate/gates/0/server", "/gate/gates/0/listen"}) {
    json root = smallest();
    const std::size_t slash = pointer.rfind('/');
    root[json::json_pointer(pointer.substr(0, slash))].erase(pointer.substr(slash + 1));
    EXPECT_THAT(error_of(load(root)), StartsWith(path_of(pointer) + ": ")) << pointer;
  }
}

TEST_F(ConfigErrors, OneServerHasOneGate) {
  json root = smallest();
  root["gate"]["gates"].push_back({{"server", "sample"}, {"listen", "127.0.0.1:1"}});
  EXPECT_THAT(error_of(load(root)), StartsWith("gate.gates[1].server: is served by another"));
}

TEST_F(ConfigErrors, FilesThatDoNotExist) {
  const std::string path = folder_ / "lua/none.lua";
  EXPECT_THAT(error_of(load_with("/login/policy", "lua/none.lua")),
              StartsWith("login.policy: " + path + " does not exist"));
  EXPECT_THAT(error_of(load_with("/agent/module", "lua/none.lua")),
              StartsWith("agent.module: " + path + " does not exist"));
}

TEST_F(ConfigErrors, AllAreReportedALineEach) {
  json root = smallest();
  root["workers"] = "two";
  root["log"] = {{"level", 1}};
  root["surprise"] = 1;
  const std::string error = error_of(load(root));
  EXPECT_EQ(std::count(error.begin(), error.end(), '\n'), 2) << error;
  for (const char* path : {"workers: ", "log.level: ", "surprise: "}) {
    EXPECT_THAT(error, HasSubstr(path));
  }
}

// A line of the error is for a terminal and a log; the value that is wrong may be a password.
TEST_F(ConfigErrors, NoErrorPrintsAPassword) {
  EXPECT_THAT(error_of(load_with("/store/mysql/password", json::array({"not to be seen"}))),
              Not(HasSubstr("not to be seen")));
}

TEST_F(ConfigErrors, Tls) {
  const auto certificates = [this](const char* list) {
    return error_of(load_with("/tls/certificates", json::parse(list)));
  };
  EXPECT_THAT(certificates(R"([{"key_file": "k.pem"}])"),
              StartsWith("tls.certificates[0].certificate_file: names no file"));
  EXPECT_THAT(certificates(R"([{"certificate_file": "c.pem", "key_file": ""}])"),
              StartsWith("tls.certificates[0].key_file: names no file"));
  EXPECT_THAT(certificates(R"(["c.pem"])"), StartsWith("tls.certificates[0]: must be an object"));
  expect_error_at("/tls/min_version", "1.1");
  expect_error_at("/tls/ciphers", "");
  expect_error_at("/tls/ticket_lifetime_s", 604'801);
  expect_error_at("/limits/tls_handshake_threads", 257);
  for (const char* transport : {"tls", "wss"}) {
    EXPECT_THAT(error_of(load_with("/login/listen/0/transport", transport)),
                StartsWith(std::string("login.listen[0].transport: ") + transport + " needs"));
    EXPECT_THAT(error_of(load_with("/gate/gates/0/transport", transport)),
                StartsWith(std::string("gate.gates[0].transport: ") + transport + " needs"));
  }
}

}  // namespace
}  // namespace gatehouse::config
