#include "config/config.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "base/file_trust.hpp"
#include "base/http_guard.hpp"
#include "base/user_name.hpp"
#include "config/exposure.hpp"
#include "config/file.hpp"
#include "config/identity.hpp"
#include "config/limits.hpp"
#include "config/paths.hpp"
#include "config/program_root.hpp"
#include "config/reader.hpp"
#include "config/store.hpp"
#include "config/tls.hpp"
#include "crypto/encoding.hpp"
#include "net/unix_socket.hpp"
#include "protocol/origins.hpp"

namespace gatehouse::config {
namespace {

using nlohmann::json;

constexpr std::size_t kPasswordBytesMin = 12;  // of who may run any code
constexpr unsigned kWorkersMax = 128;  // leaves room for exclusive ones (actor::kWorkersMax)

void read_endpoint(ConfigReader& reader, const char* key, net::Endpoint& endpoint) {
  std::string text;
  if (!reader.read(key, text)) {
    if (!reader.has(key)) reader.reject(key, "is missing");
    return;
  }
  auto parsed = net::Endpoint::parse(text);
  if (parsed) {
    endpoint = std::move(*parsed);
  } else {
    reader.reject(key, parsed.error().message);
  }
}

void read_transport(ConfigReader& reader, edge::ListenerTransport& transport) {
  const auto& names = edge::kListenerTransports;
  auto index = static_cast<std::size_t>(transport);
  reader.read_choice("transport", {names.begin(), names.end()}, index);
  transport = static_cast<edge::ListenerTransport>(index);
}

void read_websocket(ConfigReader& reader, Config& config) {
  edge::WsOptions& websocket = config.websocket;
  std::vector<std::string> origins;
  reader.read("origins", origins);
  if (auto parsed = protocol::Origins::parse(origins)) {
    websocket.origins = std::move(*parsed);
  } else {
    reader.reject("origins", parsed.error().message);
  }
  reader.read("ping_s", websocket.ping_s, 0, 3'600);
  reader.read("other_frames_per_s_max", websocket.other_frames_per_s_max);
  if (config.without_limits) websocket.other_frames_per_s_max = 0;
}

// Of networks; a connection from one of them is believed to say whose it is.
void read_net(ConfigReader& reader, Config& config) {
  std::vector<std::string> networks;
  reader.read("trusted_proxies", networks);
  for (const std::string& network : networks)
    if (auto added = config.trusted_proxies.add(network); !added)
      reader.reject("trusted_proxies", added.error().message);
  reader.section("websocket", [&](ConfigReader& r) { read_websocket(r, config); });
}

void read_listener(ConfigReader& reader, Config& config) {
  login::ListenerOptions listener;
  read_transport(reader, listener.transport);
  read_endpoint(reader, "address", listener.address);
  std::vector<std::string> suites;
  reader.read("suites", suites);
  for (const std::string& suite : suites) {
    if (suite == "x25519") {
      listener.x25519 = true;
    } else if (suite == "plain") {
      listener.plain = true;
    } else if (suite == "skynet") {
      listener.skynet = true;
    } else {
      reader.reject("suites", suite + " is not one of x25519, plain, skynet");
    }
  }
  if (suites.empty()) reader.reject("suites", "names no suite");
  if (listener.x25519 && config.identity_file.empty())
    reader.reject("suites", "x25519 needs login.identity_key_file: `gatectl identity` makes one");
  reader.read("insecure", listener.insecure);
  judge_exposure(reader, listener, config);
  config.login.listeners.push_back(std::move(listener));
}

constexpr const char* kLoginPolicy = "lua/game/login_policy.lua";

void read_login(ConfigReader& reader, Config& config) {
  read_identity(reader, config);
  reader.each("listen", [&](ConfigReader& entry) { read_listener(entry, config); });
  reader.read("sniff_ms", config.login.sniff_ms, 1, 5'000);
  reader.read("policy", config.login_policy);
  // What the policy that comes with the program was called before.
  if (config.login_policy.ends_with("lua/service/logind.lua") && !is_file(config.login_policy)) {
    config.warnings.push_back(
        "login.policy: lua/service/logind.lua is lua/game/login_policy.lua now; the next release "
        "does not know the old name");
    config.login_policy = path_in(config.program_root, kLoginPolicy);
  }
  reader.read("policy_timeout_ms", config.login.policy_timeout_ms, 1);
  reader.read("policy_calls_max", config.login_policy_calls_max, 1);
  reader.read("handshake_timeout_ms", config.limits.login_handshake_timeout_ms, 1);
  reader.read("audit", config.login.audit);
  reader.read("audit_keep_days", config.watch.audit.keep_days, 0, 36'500);
  reader.read("audit_rows_max", config.watch.audit.rows_max, 0, 1'000'000'000);
  reader.read("audit_bytes_max", config.watch.audit.bytes_max);
  reader.read("audit_addresses_max", config.login.audit_addresses_max, 1, 1'000'000);
}

// What clients are told of a gate, and the store notes in a session.
bool is_gate_name(std::string_view name) {
  constexpr std::size_t kGateNameBytesMax = 64;
  return name.size() <= kGateNameBytesMax &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; });
}

void read_gate(ConfigReader& reader, Config& config) {
  std::uint32_t count = 128, bytes = 256 * 1024;
  reader.read("reply_cache_count", count, 1, gate::GateOptions::kReplyCacheCountMax);
  reader.read("reply_cache_bytes", bytes, 1);
  std::set<std::string> servers;
  reader.each("gates", [&](ConfigReader& entry) {
    gate::GateOptions gate;
    if (!entry.read("server", gate.server)) {
      if (!entry.has("server")) entry.reject("server", "is missing");
    } else if (auto name = normalise_server_name(gate.server)) {
      gate.server = std::move(*name);
    } else {
      entry.reject("server", name.error().message);
    }
    if (!servers.insert(gate.server).second) entry.reject("server", "is served by another gate");
    read_transport(entry, gate.transport);
    read_endpoint(entry, "listen", gate.listen);
    entry.read("advertise", gate.advertise);
    if (!is_gate_name(gate.advertise)) {
      entry.reject("advertise", "must be a host:port of at most 64 characters without blanks");
    }
    gate.maxclient = 0;  // as many as the machine holds: fit_to_machine()
    entry.read("maxclient", gate.maxclient, 1);
    gate.reply_cache_count = count;
    gate.reply_cache_bytes = bytes;
    config.gates.push_back(std::move(gate));
  });
}

void read_agent(ConfigReader& reader, Config& config) {
  reader.read("module", config.agent.module);
  if (config.agent.module.ends_with(".lua")) check_file(reader, "module", config.agent.module);
  reader.read("per_vm", config.agent.per_vm, 1, 100'000);
  reader.read("afk_timeout_ms", config.agent.afk_timeout_ms);
  reader.read("save_interval_ms", config.agent.save_interval_ms);
  reader.read("save_failures_max", config.agent.save_failures_max);
  reader.read("load_timeout_ms", config.agent.load_timeout_ms, 1);
  reader.read("request_timeout_ms", config.agent.request_timeout_ms);
  reader.read("hook_timeout_ms", config.agent.hook_timeout_ms, 1);
  reader.read("logout_timeout_ms", config.agent.logout_timeout_ms, 1);
  reader.read("save_timeout_ms", config.agent.save_timeout_ms, 1);
  reader.read("rescue_after_ms", config.agent.rescue_after_ms);
  reader.read("rescue_folder", config.agent.rescue.folder);
  if (config.agent.rescue.folder.empty()) reader.reject("rescue_folder", "is empty");
  reader.read("rescue_bytes_max", config.agent.rescue.bytes_max);
}

// Keys in base64; the first seals.
void read_keys(ConfigReader& reader, crypto::SealRing& ring) {
  std::vector<std::string> texts;
  reader.read("keys", texts);
  std::vector<Secret> keys;
  for (std::string& text : texts) {
    auto key = crypto::base64_decode(text);
    wipe(text.data(), text.size());
    if (!key || key->size() != crypto::kSealKeyBytes)
      return reader.reject("keys", "a key is the base64 of 32 bytes: openssl rand -base64 32");
    keys.emplace_back(std::move(*key));
  }
  auto made = crypto::SealRing::make(std::move(keys));
  if (!made) return reader.reject("keys", made.error().message);
  ring = std::move(*made);
}

void read_auth(ConfigReader& reader, Config& config) {
  using Registration = login::AuthenticatorOptions::Registration;
  std::size_t registration = 0;
  reader.read_choice("registration", {"closed", "auto"}, registration);
  config.login.auth.registration = registration == 0 ? Registration::kClosed : Registration::kAuto;
  std::size_t names = 0;
  reader.read_choice("names", {"strict", "any"}, names);
  config.login.auth.names = names == 0 ? NewNames::kStrict : NewNames::kAny;
  config.agent.names = config.login.auth.names;
  reader.section("argon2", [&](ConfigReader& r) {
    crypto::Argon2Cost& cost = config.login.auth.cost;
    r.read("memory_kib", cost.memory_kib, 8, crypto::kArgon2MemoryKibMax);
    r.read("passes", cost.passes, 1, crypto::kArgon2PassesMax);
    r.read("lanes", cost.lanes, 1, crypto::kArgon2LanesMax);
  });
  reader.section("tickets", [&](ConfigReader& r) {
    login::TicketOptions& tickets = config.login.auth.tickets;
    r.read("lifetime_s", tickets.lifetime_s);
    r.read("age_max_s", tickets.age_max_s);
    r.read("lost_answer_s", tickets.lost_answer_s, 0, 3'600);
    r.read("families_max", tickets.families_max, 1, 1'000);
    read_keys(r, config.auth_keys.tickets);
  });
  reader.section("totp", [&](ConfigReader& r) {
    r.read("issuer", config.totp_issuer);
    read_keys(r, config.auth_keys.totp);
  });
}

void read_admin(ConfigReader& reader, Config& config) {
  std::string text;
  reader.read("listen", text);
  reader.read("ready_timeout_ms", config.admin_ready_timeout_ms, 100, 60'000);
  if (text.empty()) return;
  auto parsed = net::Endpoint::parse(text);
  if (!parsed) return reader.reject("listen", parsed.error().message);
  if (!is_loopback(parsed->host)) {
    return reader.reject("listen", "must be a loopback address: the admin port has no password");
  }
  config.admin_listen = std::move(*parsed);
}

void read_console(ConfigReader& reader, Config& config) {
  std::string text, password;
  reader.read("listen", text);
  reader.read("password", password);
  reader.read("http", config.console_http);
  reader.read("start_timeout_ms", config.console_start_timeout_ms, 100);
  reader.read("idle_timeout_ms", config.console_idle_timeout_ms, 100);
  if (!password.empty() && password.size() < kPasswordBytesMin)
    reader.reject("password", fmt::format("has less than {} characters", kPasswordBytesMin));
  config.console_password = Secret(std::move(password));
  if (text.empty()) return;
  if (net::is_unix(text)) {
    if (text.size() == net::kUnixPrefix.size() ||
        text.size() > net::kUnixPrefix.size() + net::kUnixPathMax) {
      reader.reject("listen", fmt::format("a path of 1 to {} bytes", net::kUnixPathMax));
    }
    config.console_listen = net::Endpoint{text, 0};
    return;
  }
  auto parsed = net::Endpoint::parse(text);
  if (!parsed) return reader.reject("listen", parsed.error().message);
  if (!is_loopback(parsed->host)) {
    return reader.reject("listen",
                         "must be unix:PATH or a loopback address: the debug console has "
                         "no TLS");
  }
  config.console_listen = std::move(*parsed);
}

void read_log(ConfigReader& reader, Config& config) {
  std::size_t level = 1, format = 0;
  reader.read_choice("level", {"debug", "info", "warn", "error", "off"}, level);
  reader.read_choice("format", {"text", "json"}, format);
  config.log.level = static_cast<log::Level>(level);
  config.log.format = static_cast<log::Format>(format);
  reader.read("file", config.log.file);
  reader.read("player_errors_per_min", config.log.players.per_key);
  reader.read("all_player_errors_per_min", config.log.players.all);
  reader.read("queue_bytes_max", config.log.queue.bytes_max, 4'096);
  reader.read("queue_lines_max", config.log.queue.lines_max, 16);
  auto leave_ms = static_cast<std::uint32_t>(config.log.leave_timeout.count());
  reader.read("leave_timeout_ms", leave_ms, 0, 60'000);
  config.log.leave_timeout = std::chrono::milliseconds(leave_ms);
}

// What only a certificate makes possible.
void check_listeners(ConfigReader& reader, const Config& config) {
  using enum edge::ListenerTransport;
  if (!config.tls.certificates.empty()) return;
  const auto check = [&reader](const std::string& key, edge::ListenerTransport transport) {
    if (transport == kTls || transport == kWss)
      reader.reject(key.c_str(), fmt::format("{} needs tls.certificates", name(transport)));
  };
  for (std::size_t i = 0; i < config.login.listeners.size(); ++i)
    check(fmt::format("login.listen[{}].transport", i), config.login.listeners[i].transport);
  for (std::size_t i = 0; i < config.gates.size(); ++i)
    check(fmt::format("gate.gates[{}].transport", i), config.gates[i].transport);
}

void read_all(const json& root, Config& config, std::vector<std::string>& errors) {
  ConfigReader reader(root, "", errors);
  std::vector<std::string> roles = {"login", "gate"};
  reader.read("roles", roles);
  config.login_role = std::count(roles.begin(), roles.end(), "login") > 0;
  config.gate_role = std::count(roles.begin(), roles.end(), "gate") > 0;
  for (const std::string& role : roles) {
    if (role != "login" && role != "gate") reader.reject("roles", role + " is no role");
  }
  if (roles.empty()) reader.reject("roles", "names no role");
  reader.read("workers", config.workers, 0, kWorkersMax);
  // The limits first: login.handshake_timeout_ms wins over its double among them.
  reader.section("limits", [&](ConfigReader& r) { read_limits(r, config); });
  reader.section("net", [&](ConfigReader& r) { read_net(r, config); });
  reader.section("login", [&](ConfigReader& r) { read_login(r, config); });
  reader.section("gate", [&](ConfigReader& r) { read_gate(r, config); });
  reader.section("tls", [&](ConfigReader& r) { read_tls(r, config.tls); });
  check_listeners(reader, config);
  reader.section("agent", [&](ConfigReader& r) { read_agent(r, config); });
  reader.section("store", [&](ConfigReader& r) { read_store(r, config); });
  reader.section("auth", [&](ConfigReader& r) { read_auth(r, config); });
  reader.section("admin", [&](ConfigReader& r) { read_admin(r, config); });
  reader.section("console", [&](ConfigReader& r) { read_console(r, config); });
  reader.section("shutdown",
                 [&](ConfigReader& r) { r.read("timeout_ms", config.shutdown_timeout_ms); });
  config.agent.shutdown_timeout_ms = config.shutdown_timeout_ms;
  reader.section("log", [&](ConfigReader& r) { read_log(r, config); });
  if (config.login_role && config.login.listeners.empty()) {
    reader.reject("login.listen", "names no listener, but the roles hold login");
  }
  if (config.gate_role && config.gates.empty()) {
    reader.reject("gate.gates", "names no gate, but the roles hold gate");
  }
  if (config.login_role && !config.gate_role) {
    reader.reject("roles",
                  "login without gate needs gates in other processes, which this "
                  "version cannot reach");
  }
  if (!config.login_policy.empty()) check_file(reader, "login.policy", config.login_policy);
}

}  // namespace

namespace {

// Keys that a reload puts into force (Server::reload).
constexpr std::array kReloaded = {"auth.tickets.keys",          "auth.totp.keys",
                                  "limits.unauthenticated_max", "limits.address_connections_",
                                  "limits.connections_per_s",   "tls."};

ConfigValues values_of(const json& root) {
  ConfigValues values;
  const json flat = root.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    std::string path;
    std::size_t at = 1;
    while (at <= pointer.size()) {
      const std::size_t end = std::min(pointer.find('/', at), pointer.size());
      const std::string word = pointer.substr(at, end - at);
      const bool index = !word.empty() && word.find_first_not_of("0123456789") == word.npos;
      path += index ? "[" + word + "]" : (path.empty() ? "" : ".") + word;
      at = end + 1;
    }
    std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
    values[path] = std::hash<std::string>()(text);
    wipe(text.data(), text.size());
  }
  return values;
}

void read_parts(const json& root, unsigned parts, Config& config,
                std::vector<std::string>& errors) {
  ConfigReader reader(root, "", errors);
  reader.leave_rest();
  if (parts & kStorePart) reader.section("store", [&](ConfigReader& r) { read_store(r, config); });
  if (parts & kAuthPart) reader.section("auth", [&](ConfigReader& r) { read_auth(r, config); });
  if (parts & kAdminPart) reader.section("admin", [&](ConfigReader& r) { read_admin(r, config); });
  if (parts & kHashPart) {
    reader.section("limits", [&](ConfigReader& r) {
      r.leave_rest();
      r.read("hash_threads", config.limits.hash_threads, 1, 256);
    });
  }
  if (parts & kIdentityPart) {
    reader.section("login", [&](ConfigReader& r) {
      r.leave_rest();
      r.read("identity_key_file", config.identity_file);
    });
  }
  if (parts & kRescuePart) {
    reader.section("agent", [&](ConfigReader& r) {
      r.leave_rest();
      r.read("rescue_folder", config.agent.rescue.folder);
    });
  }
}

// What somebody types is judged even where it is not needed: the settings whose keys do not exist.
void judge_settings(const json& root, const std::vector<std::string>& settings,
                    std::vector<std::string>& errors) {
  constexpr std::string_view kUnknown = ": unknown key";
  Config scratch;
  std::vector<std::string> all;
  read_all(root, scratch, all);
  for (const std::string& error : all) {
    if (!error.ends_with(kUnknown) || std::ranges::find(errors, error) != errors.end()) continue;
    const std::string key = error.substr(0, error.size() - kUnknown.size());
    const bool typed = std::ranges::any_of(settings, [&key](const std::string& setting) {
      const std::string path = setting.substr(0, setting.find('='));
      return path == key || path.starts_with(key + ".");
    });
    if (typed) errors.push_back(error);
  }
}

std::string describe_store(const store::Options& driver) {
  if (driver.kind == store::Options::Kind::kSqlite)
    return fmt::format("store: sqlite {}\n", driver.sqlite.path);
  const mysql::Options& mysql = driver.mysql;
  std::string where = fmt::format("{}:{}", mysql.host, mysql.port);
  if (!mysql.hosts.empty()) where.clear();
  for (const mysql::Host& host : mysql.hosts)
    where += fmt::format("{}{}:{}", where.empty() ? "" : ",", host.host, host.port);
  if (!mysql.socket.empty()) where = mysql.socket;
  constexpr const char* kModes[] = {"without TLS", "TLS, server not verified",
                                    "TLS, server verified"};
  return fmt::format("store: mysql {}@{}/{} ({})\n", mysql.user, where, mysql.database,
                     kModes[static_cast<std::size_t>(mysql.tls.mode)]);
}

}  // namespace

Result<Config> load_config(const std::string& file, const std::vector<std::string>& settings,
                           const std::string& program_folder, unsigned parts) {
  auto own_files = program_root(program_folder);
  if (!own_files) return fail(Errc::kInvalid, own_files.error().message);
  const auto root = read_config_file(file, settings, *own_files);
  if (!root) return tl::unexpected<Error>(root.error());
  const std::string folder = folder_of(file);
  Config config;
  config.program_root = std::move(*own_files);
  config.values = values_of(*root);
  config.login_policy = path_in(config.program_root, kLoginPolicy);
  config.agent.module = path_in(config.program_root, "lua/game/player.lua");
  config.agent.rescue.folder = path_in(folder, config.agent.rescue.folder);
  config.workers = 0;
  config.login.auth.registration = login::AuthenticatorOptions::Registration::kClosed;
  config.store.driver.sqlite.path = path_in(folder, "var/gatehouse.db");
  config.store.driver.migrations_dir = config.program_root + "/sql";
  std::vector<std::string> errors;
  if (parts == kAllParts) {
    read_all(*root, config, errors);
  } else {
    read_parts(*root, parts, config, errors);
    if (!settings.empty()) judge_settings(*root, settings, errors);
  }
  if (!errors.empty()) {
    std::string text;
    for (const std::string& error : errors) text += (text.empty() ? "" : "\n") + error;
    return fail(Errc::kInvalid, text);
  }
  if (config.workers == 0) {
    config.workers = static_cast<std::uint16_t>(
        std::clamp(std::thread::hardware_concurrency(), 1u, kWorkersMax));
  }
  for (gate::GateOptions& gate : config.gates) gate.limits = config.limits;
  return config;
}

std::vector<std::string> restart_keys(const ConfigValues& running, const ConfigValues& fresh) {
  std::vector<std::string> keys;
  const auto look = [&keys](const ConfigValues& from, const ConfigValues& to, bool both) {
    for (const auto& [key, hash] : from) {
      const auto other = to.find(key);
      const bool differs = other == to.end() || (both && other->second != hash);
      const auto reloaded = [&key = key](const char* prefix) { return key.starts_with(prefix); };
      if (differs && std::ranges::none_of(kReloaded, reloaded)) keys.push_back(key);
    }
  };
  look(running, fresh, true);
  look(fresh, running, false);
  std::ranges::sort(keys);
  return keys;
}

std::string describe(const Config& config) {
  std::string text = fmt::format("workers: {}\n", config.workers);
  for (const auto& listener : config.login.listeners) {
    std::string suites;
    const auto add = [&suites](bool allowed, const char* suite) {
      if (allowed) suites += (suites.empty() ? "" : ", ") + std::string(suite);
    };
    add(listener.x25519, "x25519");
    add(listener.plain, "plain");
    add(listener.skynet, "skynet");
    text +=
        fmt::format("login: {} {} ({}){}\n", name(listener.transport), listener.address.to_string(),
                    suites, listener.insecure ? ", insecure" : "");
  }
  if (!config.identity_file.empty()) {
    const std::string key = identity_public(config);
    text += fmt::format("identity: {}, {}\n", config.identity_file,
                        key.empty() ? "made at the start" : "clients pin " + key);
  }
  for (const auto& gate : config.gates) {
    text += fmt::format("gate {}: {} {}, at most {} clients\n", gate.server, name(gate.transport),
                        gate.listen.to_string(), gate.maxclient);
  }
  if (!config.tls.certificates.empty()) text += describe_tls(config.tls);
  if (config.admin_listen) text += fmt::format("admin: {}\n", config.admin_listen->to_string());
  if (config.console_listen) {
    text += fmt::format("console: {}{}\n", config.console_listen->to_string(),
                        config.console_password.empty() ? "" : " with a password");
  }
  text += describe_store(config.store.driver);
  for (const std::string& warning : config.warnings) text += "warning: " + warning + "\n";
  return text;
}

}  // namespace gatehouse::config
