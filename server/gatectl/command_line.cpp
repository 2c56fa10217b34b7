#include "gatectl/command_line.hpp"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/exit_codes.hpp"
#include "base/user_name.hpp"
#include "config/config.hpp"
#include "config/program_root.hpp"
#include "crypto/password_import.hpp"
#include "gatectl/command.hpp"
#include "gatectl/import_row.hpp"

namespace gatehouse::gatectl {
namespace {

constexpr const char* kQuickstart = "config/quickstart.json";  // in the program's own folder

std::vector<std::string> import_formats() {
  std::vector<std::string> formats(crypto::kImportFormats.begin(), crypto::kImportFormats.end());
  formats.emplace_back(kPlainFormat);
  return formats;
}

// Whether errors of the command line itself are to be JSON: it was not understood then.
bool asks_for_json(int argc, char** argv) {
  for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i) {
    if (std::string_view(argv[i]) == "--json") return true;
  }
  return false;
}

// The table of commands: what each is called, what it takes and which function it is.
class CommandLine {
 public:
  explicit CommandLine(const World& world)
      : cli_("gatectl, the tool for gatehouse's accounts and a running server"), arguments_(world) {
    cli_.add_option("--config", arguments_.config_file,
                    std::string("JSON configuration file; default in the program's own folder: ") +
                        kQuickstart);
    cli_.add_option("--root", arguments_.program_folder, config::kRootHelp);
    cli_.add_option("--set", arguments_.settings, "a.b=value, changes one key; may be repeated")
        ->allow_extra_args(false);
    cli_.add_flag("--json", arguments_.json, "JSON instead of text, errors too");
    cli_.require_subcommand(1)->fallthrough();
    account_ = cli_.add_subcommand("account", "accounts, in the store");
    account_->require_subcommand(1)->fallthrough();
    add_account_commands();
    add_bulk_commands();
    CLI::App* network = cli_.add_subcommand("network", "banned and allowed networks, in the store");
    network->require_subcommand(1)->fallthrough();
    add(network, "list", "networks, and the rows that nobody can read", network_list,
        config::kStorePart);
    CLI::App* identity_key = add(&cli_, "identity", "make the key that clients know the server by",
                                 identity, config::kIdentityPart);
    identity_key->add_option("FILE", arguments_.file,
                             "its file; default login.identity_key_file of the configuration");
    identity_key->add_flag("--show", arguments_.show, "show the public half of the one there is");
    add(&cli_, "migrate", "bring the store's schema up to date", migrate, config::kStorePart);
    add(&cli_, "status", "what a running server does", status, config::kAdminPart);
    CLI::App* kicked = add(&cli_, "kick", "end a player's session", kick, config::kAdminPart);
    kicked->add_option("UID", arguments_.name, "the player's uid")->required();
    kicked->add_option("--reason", arguments_.reason, "told to the client");
    add(&cli_, "rescue", "have a player leave whose data the store does not take", rescue,
        config::kAdminPart | config::kRescuePart)
        ->add_option("UID", arguments_.name, "the player's uid")
        ->required();
    CLI::App* restored =
        add(&cli_, "restore", "bring a rescued player's data back", restore, config::kStorePart);
    restored->add_option("FILE", arguments_.file, "the file of the rescue")->required();
    restored->add_flag("--force", arguments_.force,
                       "over what a later session has saved; ends that session");
    add(&cli_, "online", "who is online, of all servers on the store", online, config::kStorePart)
        ->add_option("--limit", arguments_.limit, "how many are listed at most, default 100")
        ->check(CLI::Range(0u, 1'000'000u));
    add(&cli_, "promote", "after a failover: raise all epochs of the new primary", promote,
        config::kStorePart);
    add(&cli_, "restore-fixups",
        "after restoring a backup, before a server starts: end its sessions and tickets",
        restore_fixups, config::kStorePart);
    add(&cli_, "drain", "end a running server as SIGTERM does", drain, config::kAdminPart);
  }

  int run(int argc, char** argv) {
    Output output(asks_for_json(argc, argv) ? OutputForm::kJson : OutputForm::kText, std::cout,
                  std::cerr);
    try {
      cli_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) return cli_.exit(error);  // --help
      output.fail({Errc::kInvalid, std::string(error.what()) + " (see --help)"});
      return kExitUsage;
    }
    const auto config = load();
    if (!config) {
      output.fail(config.error());
      return kExitUsage;
    }
    const auto done = command_(*config, arguments_, output);
    if (done) return std::cout.flush() ? kExitOk : kExitFailed;
    output.fail(done.error());
    const bool usage = done.error().code == Errc::kInvalid || done.error().code == Errc::kClosed;
    return usage ? kExitUsage : kExitFailed;
  }

 private:
  void add_account_commands() {
    add_named("add", "make an account; password from a terminal or standard input", account_add,
              config::kStorePart | config::kAuthPart);
    add_named("passwd", "set a password, from a terminal or standard input", account_passwd,
              config::kStorePart | config::kAuthPart);
    CLI::App* ban = add_named("ban", "refuse logins, for ever by default", account_ban);
    CLI::Option* until =
        ban->add_option("--until", arguments_.ban_until_s, "Unix time of the ban's end")
            ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{253'402'300'799}));
    ban->add_option("--for", arguments_.ban_for, "how long: 90s, 30m, 2h, 7d, 1w")->excludes(until);
    ban->add_option("--reason", arguments_.reason, "told to the player");
    ban->add_option("--note", arguments_.note, "for staff; the player is not told");
    add_named("unban", "lift a ban", account_unban);
    add_named("show", "one account", account_show)
        ->add_flag("--with-hash", arguments_.with_hash, "show the password hash too");
    add_named("revoke", "end an account's session and its resume tickets", account_revoke);
    add_named("totp", "give an account a second factor, and show its key once", account_totp,
              config::kStorePart | config::kAuthPart)
        ->add_flag("--off", arguments_.off, "take the second factor away");
    add_named("staff", "let an account enter game servers in maintenance", account_staff)
        ->add_flag("--off", arguments_.off, "take that right away");
    add_named("delete", "kick the player, delete the account and its players' data", account_delete,
              config::kStorePart | config::kAdminPart)
        ->add_flag("--yes", arguments_.yes, "do not ask");
  }

  void add_bulk_commands() {
    CLI::App* list = add(account_, "list", "accounts by name", account_list, config::kStorePart);
    list->add_option("--after", arguments_.after, "only names after this one")
        ->transform(
            [](const std::string& given) { return normalise_user_name(given).value_or(given); });
    list->add_option("--limit", arguments_.limit, "how many at most, default 100")
        ->check(CLI::Range(1u, 100'000u));
    CLI::App* import = add(account_, "import", "make accounts out of a CSV file", account_import,
                           config::kStorePart | config::kAuthPart | config::kHashPart);
    import->add_option("FILE", arguments_.file, "the file, - for standard input")->required();
    import->add_option("--format", arguments_.format, "how its passwords are hashed")
        ->required()
        ->check(CLI::IsMember(import_formats()));
    import->add_flag("--dry-run", arguments_.dry_run, "check the file, change nothing");
    import
        ->add_option("--on-exists", arguments_.on_exists,
                     "what a name does that is taken; default skip: left as it is")
        ->check(CLI::IsMember({"skip", "fail"}));
    CLI::App* exported = add(account_, "export", "all accounts, to standard output", account_export,
                             config::kStorePart);
    exported->add_option("--format", arguments_.format, "default csv")
        ->check(CLI::IsMember({"csv", "jsonl"}));
    exported->add_flag("--with-hashes", arguments_.with_hash,
                       "with password hashes and sealed second factors");
  }

  // A command, and the parts of the configuration that it needs.
  CLI::App* add(CLI::App* parent, const char* name, const char* help, Command command,
                unsigned parts = config::kAllParts) {
    CLI::App* added = parent->add_subcommand(name, help);
    added->fallthrough();
    added->callback([this, command, parts] {
      command_ = command;
      parts_ = parts;
    });
    return added;
  }

  // A command of one account.
  CLI::App* add_named(const char* name, const char* help, Command command,
                      unsigned parts = config::kStorePart) {
    CLI::App* added = add(account_, name, help, command, parts);
    added->add_option("NAME", arguments_.name, "the account's name")
        ->required()
        ->transform([](const std::string& given) {
          auto normal = normalise_user_name(given);
          if (!normal) throw CLI::ValidationError(normal.error().message);
          return std::move(*normal);
        });
    return added;
  }

  [[nodiscard]] Result<config::Config> load() const {
    // Nothing of a configuration is needed where the command line says which file.
    if (parts_ == config::kIdentityPart && !arguments_.file.empty()) return config::Config{};
    std::string file = arguments_.config_file;
    if (file.empty()) {
      // In somebody else's folder it would be his.
      const auto root = config::program_root(arguments_.program_folder);
      if (!root) return fail(Errc::kInvalid, root.error().message);
      std::error_code error;
      if (*root != "." || !std::filesystem::exists(kQuickstart, error)) {
        return fail(Errc::kInvalid, std::string("--config: is not given, and only in ") + *root +
                                        " it is " + kQuickstart);
      }
      file = kQuickstart;
    }
    return config::load_config(file, arguments_.settings, arguments_.program_folder, parts_);
  }

  CLI::App cli_;
  CLI::App* account_ = nullptr;
  Arguments arguments_;
  Command command_ = nullptr;
  unsigned parts_ = config::kAllParts;
};

}  // namespace

int run_gatectl(const World& world, int argc, char** argv) {
  return CommandLine(world).run(argc, argv);
}

}  // namespace gatehouse::gatectl
