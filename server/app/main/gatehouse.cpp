// The program: command line (DESIGN section 8) and nothing else.
#include <CLI/CLI.hpp>
#include <iostream>
#include <string>
#include <vector>

#include "app/config.hpp"
#include "app/server.hpp"

namespace {

using namespace gatehouse;  // NOLINT: main's own file

int check(const std::string& file, const std::vector<std::string>& settings) {
  const auto config = app::load_config(file, settings);
  if (!config) {
    std::cerr << config.error().message << "\n";
    return app::kExitUsage;
  }
  std::cout << file << " is valid.\n" << app::describe(*config);
  return app::kExitOk;
}

int serve(const std::string& file, const std::vector<std::string>& settings,
          const std::string& ready_file) {
  const auto config = app::load_config(file, settings);
  if (!config) {
    std::cerr << config.error().message << "\n";
    return app::kExitUsage;
  }
  return app::run_server(*config, ready_file,
                         [&] { return app::load_config(file, settings); });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App cli("gatehouse, a game login and gateway server");
  std::string config_file, ready_file, skynet_file;
  std::vector<std::string> settings;
  cli.add_option("--config", config_file, "JSON configuration file");
  cli.add_option("--set", settings, "a.b=value, changes one key; may be repeated")
      ->allow_extra_args(false);
  cli.add_option("--ready-file", ready_file, "written as JSON when every listener is up");
  cli.set_version_flag("--version", "gatehouse 0.1.0");
  CLI::App* check_command = cli.add_subcommand("check", "validate a configuration and explain it");
  check_command->add_option("--config", config_file, "JSON configuration file")->required();
  check_command->add_option("--set", settings, "a.b=value")->allow_extra_args(false);
  CLI::App* skynet_command = cli.add_subcommand("skynet", "run a skynet configuration file");
  skynet_command->add_option("file", skynet_file, "skynet configuration (Lua)")->required();
  cli.require_subcommand(0, 1);
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return cli.exit(e) == 0 ? app::kExitOk : app::kExitUsage;
  }
  if (check_command->parsed()) return check(config_file, settings);
  if (skynet_command->parsed()) return app::run_skynet(skynet_file);
  if (config_file.empty()) {
    std::cerr << "no --config FILE given; see gatehouse --help\n";
    return app::kExitUsage;
  }
  return serve(config_file, settings, ready_file);
}
