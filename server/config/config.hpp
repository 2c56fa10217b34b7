// The configuration of a process (config/README.md): a JSON file, changed by
// --set, checked as a whole before anything starts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "config/watch_options.hpp"
#include "edge/options.hpp"
#include "edge/tls_options.hpp"
#include "game/options.hpp"
#include "gate/options.hpp"
#include "login/options.hpp"
#include "net/address.hpp"
#include "net/network_set.hpp"
#include "store/options.hpp"

namespace gatehouse::config {

// A hash of each value by its key's path, "login.listen[0].address": no secret is in it.
using ConfigValues = std::map<std::string, std::size_t>;

struct Config {
  std::string program_root;  // holds lua/ and sql/
  bool login_role = true;
  bool gate_role = true;
  std::uint16_t workers = 1;  // resolved: never 0
  login::LoginOptions login;
  std::string identity_file;   // holds login.identity_key; empty: there is no identity
  bool identity_make = false;  // a start makes the file when there is none (config/identity.hpp)
  std::string login_policy;
  std::uint32_t login_policy_calls_max = 2'048;
  net::NetworkSet trusted_proxies;  // their connections begin with a PROXY header
  edge::WsOptions websocket;
  std::vector<gate::GateOptions> gates;  // maxclient 0: not given (app/capacity.hpp)
  game::AgentOptions agent;
  store::StoreOptions store;
  login::AuthKeys auth_keys;  // empty rings: none are given
  std::string totp_issuer = "gatehouse";
  WatchOptions watch;
  edge::TlsOptions tls;
  std::optional<net::Endpoint> admin_listen;        // nothing: no admin port
  std::uint32_t admin_ready_timeout_ms = 2'000;     // a store that is silent for longer is away
  std::optional<net::Endpoint> console_listen;      // nothing: no debug console
  Secret console_password;                          // empty: none is asked for
  bool console_http = false;                        // HTTP requests, too
  std::uint32_t console_start_timeout_ms = 30'000;  // until the first command
  std::uint32_t console_idle_timeout_ms = 600'000;  // between two
  std::uint32_t shutdown_timeout_ms = 10'000;
  log::Options log;
  Limits limits;
  bool without_limits = false;        // limits.profile is "off"
  std::vector<std::string> warnings;  // legal but worth a line in the log
  ConfigValues values;                // what was read, to find what a later reading changes
};

// Which parts of a configuration are read. A tool that needs the store is not kept from it by what
// the game's part says, nor by keys of a later version.
enum ConfigParts : unsigned {
  kStorePart = 1,
  kAuthPart = 2,
  kAdminPart = 4,
  kRescuePart = 8,     // agent.rescue_folder
  kHashPart = 16,      // limits.hash_threads
  kIdentityPart = 32,  // login.identity_key_file, whether the file is there or not
  kAllParts = ~0u,
};

// Reads the file and applies the settings "a.b=value" in order (config/file.hpp).
// `program_folder` is --root, empty when it is not given (config/program_root.hpp). kInvalid with
// one line for each error, the key's path first; kIo when the file cannot be read.
[[nodiscard]] Result<Config> load_config(const std::string& file,
                                         const std::vector<std::string>& settings,
                                         const std::string& program_folder = {},
                                         unsigned parts = kAllParts);

// The keys whose values differ and that only a restart puts into force, in order.
[[nodiscard]] std::vector<std::string> restart_keys(const ConfigValues& running,
                                                    const ConfigValues& fresh);

// The file as `check` explains it: one line for each thing that will run.
[[nodiscard]] std::string describe(const Config& config);

}  // namespace gatehouse::config
