// The commands of gatectl (docs/gatectl.1). Each is one function, in the file named beside it;
// command_line.cpp says what each is called and which arguments it takes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/world.hpp"
#include "config/config.hpp"
#include "gatectl/output.hpp"

namespace gatehouse::gatectl {

// What the command line says, for all commands; a command reads what it takes.
struct Arguments {
  explicit Arguments(const World& mains) : world(mains) {}

  const World& world;  // main's
  std::string config_file;
  std::vector<std::string> settings;
  std::string program_folder;  // --root
  bool json = false;

  std::string name;  // of an account, normalised; kick: a uid
  bool off = false;
  bool yes = false;
  bool with_hash = false;
  std::string reason;
  std::string note;
  std::string ban_for;
  std::uint64_t ban_until_s = 0;
  std::string after;
  std::uint32_t limit = 100;

  std::string file;    // "-": standard input
  std::string format;  // empty: the command's default
  std::string on_exists = "skip";
  bool dry_run = false;
  bool force = false;
  bool show = false;
};

// What was asked for, or what was done, goes to the output; the caller prints the error. No
// output and no error holds a password, and a hash only where it is asked for. Errors, besides
// those of store::Driver:
//   kInvalid, kClosed  arguments, configuration or input are wrong; nothing was changed
//   kNotFound          there is no such account, no such player online
//   kUnavailable       the store is away or was never migrated; no server answers
using Command = Result<> (*)(const config::Config&, const Arguments&, Output&);

// account.cpp
Result<> account_add(const config::Config& config, const Arguments& arguments, Output& output);
Result<> account_passwd(const config::Config& config, const Arguments& arguments, Output& output);
Result<> account_ban(const config::Config& config, const Arguments& arguments, Output& output);
Result<> account_unban(const config::Config& config, const Arguments& arguments, Output& output);
Result<> account_revoke(const config::Config& config, const Arguments& arguments, Output& output);
Result<> account_totp(const config::Config& config, const Arguments& arguments, Output& output);
Result<> account_staff(const config::Config& config, const Arguments& arguments, Output& output);
Result<> account_delete(const config::Config& config, const Arguments& arguments, Output& output);
// account_show.cpp
Result<> account_show(const config::Config& config, const Arguments& arguments, Output& output);
Result<> account_list(const config::Config& config, const Arguments& arguments, Output& output);
// export.cpp
Result<> account_export(const config::Config& config, const Arguments& arguments, Output& output);
// import.cpp. kCorrupt when rows were refused; the others are imported then.
Result<> account_import(const config::Config& config, const Arguments& arguments, Output& output);
// network.cpp. kCorrupt, after the list, when rows of it have no effect.
Result<> network_list(const config::Config& config, const Arguments& arguments, Output& output);
// store.cpp
Result<> migrate(const config::Config& config, const Arguments& arguments, Output& output);
// restore.cpp. kFenced when a later session has the player, kExists when the store has the
// data.
Result<> restore(const config::Config& config, const Arguments& arguments, Output& output);
// past.cpp. restore_fixups: kExists while a server of this machine runs on the database.
Result<> promote(const config::Config& config, const Arguments& arguments, Output& output);
Result<> restore_fixups(const config::Config& config, const Arguments& arguments, Output& output);
Result<> online(const config::Config& config, const Arguments& arguments, Output& output);
// identity.cpp. kExists: the file is there already.
Result<> identity(const config::Config& config, const Arguments& arguments, Output& output);
// server.cpp
Result<> kick(const config::Config& config, const Arguments& arguments, Output& output);
Result<> rescue(const config::Config& config, const Arguments& arguments, Output& output);
Result<> drain(const config::Config& config, const Arguments& arguments, Output& output);
Result<> status(const config::Config& config, const Arguments& arguments, Output& output);

}  // namespace gatehouse::gatectl
