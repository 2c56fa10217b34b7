// gatectl: accounts in the store, and the running server by its admin port (DESIGN section 8).
// Exit codes: 0 done; 1 it could not be done; 2 wrong arguments, configuration or input.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "app/config.hpp"
#include "app/gatectl_account.hpp"
#include "app/gatectl_admin.hpp"
#include "app/password_input.hpp"
#include "app/server.hpp"
#include "base/clock.hpp"
#include "protocol/user_name.hpp"

namespace {

using namespace gatehouse;  // NOLINT: main's own file

constexpr const char* kQuickstart = "config/quickstart.json";

struct Arguments {
  std::string config_file;
  std::vector<std::string> settings;
  std::string name;  // or uid
  std::string reason;
  std::string ban_for;
  std::uint64_t ban_until_s = 0;
  std::string after;
  std::uint32_t limit = 100;
  bool json = false;

  [[nodiscard]] app::OutputForm form() const {
    return json ? app::OutputForm::kJson : app::OutputForm::kText;
  }
};

using Command = Result<> (*)(const app::Config&, Arguments&);

// Errors of the input, told apart from those of the store.
template <class T>
T required(Result<T> result) {
  if (!result) throw CLI::ValidationError(result.error().message);
  return std::move(*result);
}

app::AccountTool account_tool(const app::Config& config) {
  return required(app::AccountTool::open(config));
}

Result<> add(const app::Config& config, Arguments& a) {
  const Secret password = required(app::read_password(a.name));
  if (auto added = account_tool(config).add(a.name, password); !added) return added;
  std::cout << "account " << a.name << " is made\n";
  return {};
}

Result<> passwd(const app::Config& config, Arguments& a) {
  const Secret password = required(app::read_password(a.name));
  if (auto set = account_tool(config).set_password(a.name, password); !set) return set;
  std::cout << "account " << a.name << " has a new password\n";
  return {};
}

Result<> ban(const app::Config& config, Arguments& a) {
  const std::int64_t now_s = wall_ms() / 1'000;
  auto until_s = static_cast<std::int64_t>(a.ban_until_s);
  if (!a.ban_for.empty()) until_s = now_s + required(app::parse_duration_s(a.ban_for));
  if (until_s != 0 && until_s <= now_s) throw CLI::ValidationError("--until", "is in the past");
  if (auto done = account_tool(config).ban(a.name, until_s, a.reason); !done) return done;
  std::cout << "account " << a.name << " is banned; an open session stays until `gatectl kick`\n";
  return {};
}

Result<> unban(const app::Config& config, Arguments& a) {
  if (auto done = account_tool(config).unban(a.name); !done) return done;
  std::cout << "account " << a.name << " is not banned\n";
  return {};
}

Result<> show(const app::Config& config, Arguments& a) {
  return account_tool(config).show(a.name, a.form(), std::cout);
}

Result<> list(const app::Config& config, Arguments& a) {
  return account_tool(config).list(a.after, a.limit, a.form(), std::cout);
}

Result<> migrate(const app::Config& config, Arguments&) {
  return account_tool(config).migrate(std::cout);
}

Result<> kick(const app::Config& config, Arguments& a) {
  if (auto done = required(app::AdminTool::open(config)).kick(a.name, a.reason); !done) return done;
  std::cout << a.name << " is kicked\n";
  return {};
}

Result<> status(const app::Config& config, Arguments& a) {
  return required(app::AdminTool::open(config)).status(a.form(), std::cout);
}

Result<> drain(const app::Config& config, Arguments&) {
  if (auto done = required(app::AdminTool::open(config)).drain(); !done) return done;
  std::cout << "the server drains and ends\n";
  return {};
}

std::string normalise(const std::string& name) {
  return required(protocol::normalise_user_name(name));
}

class CommandLine {
 public:
  CommandLine() : cli_("gatectl, the tool for gatehouse's accounts and a running server") {
    cli_.add_option("--config", arguments_.config_file,
                    std::string("JSON configuration file; default: ") + kQuickstart);
    cli_.add_option("--set", arguments_.settings, "a.b=value, changes one key; may be repeated")
        ->allow_extra_args(false);
    cli_.require_subcommand(1)->fallthrough();
    CLI::App* account = cli_.add_subcommand("account", "accounts, in the store");
    account->require_subcommand(1)->fallthrough();
    add_named(account, "add", "make an account; password on standard input", add);
    add_named(account, "passwd", "set a password, from standard input", passwd);
    CLI::App* ban_command = add_named(account, "ban", "refuse logins, for ever by default", ban);
    CLI::Option* until =
        ban_command->add_option("--until", arguments_.ban_until_s, "Unix time of the ban's end")
            ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{253'402'300'799}));
    ban_command->add_option("--for", arguments_.ban_for, "how long: 90s, 30m, 2h, 7d, 1w")
        ->excludes(until);
    ban_command->add_option("--reason", arguments_.reason, "kept with the account");
    add_named(account, "unban", "lift a ban", unban);
    with_json(add_named(account, "show", "one account", show));
    CLI::App* list_command = with_json(add_plain(account, "list", "accounts by name", list));
    list_command->add_option("--after", arguments_.after, "only names after this one");
    list_command->add_option("--limit", arguments_.limit, "how many at most, default 100")
        ->check(CLI::Range(1u, 100'000u));
    add_plain(&cli_, "migrate", "bring the store's schema up to date", migrate);
    CLI::App* kick_command = add_plain(&cli_, "kick", "end a player's session", kick);
    kick_command->add_option("UID", arguments_.name, "the player's uid")->required();
    kick_command->add_option("--reason", arguments_.reason, "told to the client");
    with_json(add_plain(&cli_, "status", "what a running server does", status));
    add_plain(&cli_, "drain", "end a running server as SIGTERM does", drain);
  }

  int run(int argc, char** argv) {
    try {
      cli_.parse(argc, argv);
      const auto config = load();
      const auto done = command_(config, arguments_);
      if (done) return app::kExitOk;
      std::cerr << "gatectl: " << done.error().message << "\n";
      return app::kExitFailed;
    } catch (const CLI::CallForHelp& help) {
      return cli_.exit(help);
    } catch (const CLI::ValidationError& error) {
      std::cerr << "gatectl: " << error.what() << "\n";
      return app::kExitUsage;
    } catch (const CLI::ParseError& error) {
      return cli_.exit(error) == 0 ? app::kExitOk : app::kExitUsage;
    }
  }

 private:
  CLI::App* add_plain(CLI::App* parent, const char* name, const char* help, Command command) {
    CLI::App* added = parent->add_subcommand(name, help);
    added->fallthrough();
    added->callback([this, command] { command_ = command; });
    return added;
  }

  CLI::App* add_named(CLI::App* parent, const char* name, const char* help, Command command) {
    CLI::App* added = parent->add_subcommand(name, help);
    added->fallthrough();
    added->add_option("NAME", arguments_.name, "the account's name")->required();
    added->callback([this, command] {
      arguments_.name = normalise(arguments_.name);
      command_ = command;
    });
    return added;
  }

  CLI::App* with_json(CLI::App* command) {
    command->add_flag("--json", arguments_.json, "JSON instead of text");
    return command;
  }

  [[nodiscard]] app::Config load() {
    std::string file = arguments_.config_file;
    if (file.empty()) file = kQuickstart;
    if (arguments_.config_file.empty() && !std::filesystem::exists(file)) {
      throw CLI::ValidationError("--config", "is not given, and there is no " + file);
    }
    return required(app::load_config(file, arguments_.settings));
  }

  CLI::App cli_;
  Arguments arguments_;
  Command command_ = nullptr;
};

}  // namespace

int main(int argc, char** argv) {
  return CommandLine().run(argc, argv);
}
