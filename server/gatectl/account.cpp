// Commands that make, change and remove one account.
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "crypto/encoding.hpp"
#include "crypto/password.hpp"
#include "crypto/totp.hpp"
#include "gatectl/command.hpp"
#include "gatectl/duration.hpp"
#include "gatectl/password_input.hpp"
#include "gatectl/server.hpp"
#include "gatectl/store.hpp"
#include "store/new_account.hpp"
#include "store/second_factor.hpp"
#include "store/write_error.hpp"

namespace gatehouse::gatectl {
namespace {

using nlohmann::json;

// What a change of the credentials does besides.
constexpr const char* kOlderEnd = "; a session and resume tickets from before end within 5 s";

// What became of a failed write, with the name where there is no such account.
Result<> named(const Result<>& done, const std::string& name) {
  if (done.error().code != Errc::kNotFound) return tl::unexpected<Error>(store::told(done.error()));
  return fail(Errc::kNotFound, "there is no account " + name);
}

void say_done(Output& output, const Arguments& arguments, const std::string& text, const char* done,
              json more = json::object()) {
  more["account"] = arguments.name;
  more["done"] = done;
  output.say("account " + arguments.name + " " + text, more);
}

// Unix time of the end of a ban; 0: never.
Result<std::int64_t> end_of_ban(const Arguments& arguments) {
  const std::int64_t now_s = arguments.world.clock.wall_s();
  auto until_s = static_cast<std::int64_t>(arguments.ban_until_s);
  if (!arguments.ban_for.empty()) {
    auto span_s = parse_duration_s(arguments.ban_for);
    if (!span_s) return span_s;
    until_s = now_s + *span_s;
  }
  if (until_s != 0 && until_s <= now_s) return fail(Errc::kInvalid, "--until: is in the past");
  return until_s;
}

// Asks on a terminal; without one, --yes must say it.
Result<> confirm_deletion(const Arguments& arguments) {
  if (arguments.yes) return {};
  if (isatty(STDIN_FILENO) != 1) {
    return fail(Errc::kInvalid, "without a terminal, deleting an account needs --yes");
  }
  std::cerr << "Account " << arguments.name
            << " and its players' data will be gone. Its name, to delete it: " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  if (answer != arguments.name) return fail(Errc::kInvalid, "nothing was deleted");
  return {};
}

}  // namespace

Result<> account_add(const config::Config& config, const Arguments& arguments, Output& output) {
  const NewNames names = config.login.auth.names;
  if (auto allowed = check_new_user_name(arguments.name, names); !allowed)
    return fail(Errc::kInvalid, allowed.error().message + " (see auth.names)");
  const auto password = read_password(arguments.name);
  if (!password) return tl::unexpected<Error>(password.error());
  const auto driver = open_or_make_store(arguments.world, config);
  if (!driver) return tl::unexpected<Error>(driver.error());
  const auto hash =
      crypto::hash_password(arguments.world.random, *password, config.login.auth.cost);
  if (!hash) return tl::unexpected<Error>(hash.error());
  const auto created = store::make_account(**driver, arguments.name, *hash, names);
  if (!created && created.error().code == Errc::kExists) {
    return fail(Errc::kExists, "there is an account " + arguments.name + " already");
  }
  if (!created) return tl::unexpected<Error>(store::told(created.error()));
  say_done(output, arguments, "is made", "added");
  return {};
}

Result<> account_passwd(const config::Config& config, const Arguments& arguments, Output& output) {
  const auto password = read_password(arguments.name);
  if (!password) return tl::unexpected<Error>(password.error());
  const auto driver = open_store(arguments.world, config);
  if (!driver) return tl::unexpected<Error>(driver.error());
  const auto account = find_account(**driver, arguments.name);
  if (!account) return tl::unexpected<Error>(account.error());
  const auto hash =
      crypto::hash_password(arguments.world.random, *password, config.login.auth.cost);
  if (!hash) return tl::unexpected<Error>(hash.error());
  if (auto set = (*driver)->set_password_hash(account->id, *hash); !set) {
    return named(set, arguments.name);
  }
  say_done(output, arguments, std::string("has a new password") + kOlderEnd, "password_set");
  return {};
}

Result<> account_ban(const config::Config& config, const Arguments& arguments, Output& output) {
  const auto until_s = end_of_ban(arguments);
  if (!until_s) return tl::unexpected<Error>(until_s.error());
  const auto driver = open_store(arguments.world, config);
  if (!driver) return tl::unexpected<Error>(driver.error());
  auto banned =
      (*driver)->set_ban(arguments.name, true, *until_s, arguments.reason, arguments.note);
  if (!banned) return named(banned, arguments.name);
  say_done(output, arguments, "is banned; the server ends an open session within 5 s", "banned",
           {{"until", *until_s}});
  return {};
}

Result<> account_unban(const config::Config& config, const Arguments& arguments, Output& output) {
  const auto driver = open_store(arguments.world, config);
  if (!driver) return tl::unexpected<Error>(driver.error());
  auto lifted = (*driver)->set_ban(arguments.name, false, 0, "");
  if (!lifted) return named(lifted, arguments.name);
  say_done(output, arguments, "is not banned", "unbanned");
  return {};
}

Result<> account_revoke(const config::Config& config, const Arguments& arguments, Output& output) {
  const auto driver = open_store(arguments.world, config);
  if (!driver) return tl::unexpected<Error>(driver.error());
  auto revoked = (*driver)->revoke_tickets(arguments.name);
  if (!revoked) return named(revoked, arguments.name);
  say_done(output, arguments,
           "has no valid resume ticket any more; the server ends an open session within 5 s",
           "tickets_revoked");
  return {};
}

Result<> account_totp(const config::Config& config, const Arguments& arguments, Output& output) {
  const crypto::SealRing& keys = config.auth_keys.totp;
  if (keys.empty() && !arguments.off) {
    return fail(Errc::kInvalid,
                "auth.totp.keys: holds no key to seal the secret with; `openssl rand -base64 32` "
                "makes one, for the configuration of gatectl and of the server");
  }
  const auto driver = open_store(arguments.world, config);
  if (!driver) return tl::unexpected<Error>(driver.error());
  const auto account = find_account(**driver, arguments.name);
  if (!account) return tl::unexpected<Error>(account.error());
  if (arguments.off) {
    auto taken = (*driver)->set_totp(arguments.name, "");
    if (!taken) return named(taken, arguments.name);
    say_done(output, arguments, std::string("has no second factor") + kOlderEnd,
             "second_factor_removed");
    return {};
  }
  const Secret key = crypto::new_totp_key(arguments.world.random);
  auto set = (*driver)->set_totp(
      arguments.name, store::seal_totp_key(arguments.world.random, keys, arguments.name, key));
  if (!set) return named(set, arguments.name);
  const std::string text = crypto::base32_encode(key.reveal());
  const Secret uri = crypto::totp_uri(config.totp_issuer, arguments.name, key);
  say_done(output, arguments,
           std::string("has a second factor") + kOlderEnd + "; its key is shown this once\nkey  " +
               text + "\nuri  " + std::string(uri.reveal()),
           "second_factor_set",
           {{"key", text}, {"uri", uri.reveal()}, {"replaced", !account->totp_secret.empty()}});
  return {};
}

Result<> account_staff(const config::Config& config, const Arguments& arguments, Output& output) {
  const auto driver = open_store(arguments.world, config);
  if (!driver) return tl::unexpected<Error>(driver.error());
  auto set = (*driver)->set_staff(arguments.name, !arguments.off);
  if (!set) return named(set, arguments.name);
  say_done(output, arguments,
           arguments.off ? "is no staff" : "is staff: may enter a game server in maintenance",
           arguments.off ? "staff_removed" : "staff_set");
  return {};
}

// The player goes first: otherwise the session runs on until its next save is refused.
Result<> account_delete(const config::Config& config, const Arguments& arguments, Output& output) {
  const auto driver = open_store(arguments.world, config);
  if (!driver) return tl::unexpected<Error>(driver.error());
  const auto account = find_account(**driver, arguments.name);
  if (!account) return tl::unexpected<Error>(account.error());
  if (auto confirmed = confirm_deletion(arguments); !confirmed) return confirmed;
  const auto kicked = kick_player(config, arguments.name, "the account is deleted");
  auto deleted = (*driver)->delete_account(arguments.name);
  if (!deleted) return named(deleted, arguments.name);
  const bool unasked = !kicked && !account->session_gate.empty();
  const std::string text = kicked && *kicked ? "is deleted, its player was kicked"
                           : unasked         ? "is deleted; no server was asked to kick its player"
                                             : "is deleted";
  say_done(output, arguments, text, "deleted", {{"kicked", kicked && *kicked}});
  return {};
}

}  // namespace gatehouse::gatectl
