// The program: its command line and nothing else.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "app/capacity.hpp"
#include "app/code_check.hpp"
#include "app/server.hpp"
#include "base/process_output.hpp"
#include "base/signals.hpp"
#include "base/system_world.hpp"
#include "config/config.hpp"
#include "config/program_root.hpp"
#include "edge/certificates.hpp"

namespace {

using namespace gatehouse;  // NOLINT: main's own file

int check(const std::string& file, const std::vector<std::string>& settings,
          const std::string& program_folder) {
  auto config = config::load_config(file, settings, program_folder);
  auto usable = config ? app::check_game_code(*config) : tl::unexpected<Error>(config.error());
  if (usable) usable = app::fit_to_machine(*config, app::Machine::here());
  if (usable) {
    SystemWorld system;
    const World& world = system;
    auto certificates = edge::Certificates::check(config->tls, world.clock.wall_s());
    usable = certificates.usable;
    std::ranges::move(certificates.warnings, std::back_inserter(config->warnings));
  }
  if (!usable) {
    std::cerr << usable.error().message << "\n";
    return gatehouse::kExitUsage;
  }
  std::cout << file << " is valid.\n" << config::describe(*config);
  return gatehouse::kExitOk;
}

}  // namespace

// Signals are kept back from the first instruction of the program itself on: static objects are
// made after that. The sanitizers' own start comes first in their builds.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
__attribute__((section(".preinit_array"), used)) void (*hold_signals_first)() = hold_signals;
#endif

int main(int argc, char** argv) {
  hold_signals();
  process_output::open_missing_descriptors();
  CLI::App cli("gatehouse, a game login and gateway server");
  std::string config_file, ready_file, skynet_file, program_folder;
  std::vector<std::string> settings;
  cli.add_option("--config", config_file, "JSON configuration file");
  cli.add_option("--set", settings, "a.b=value, changes one key; may be repeated")
      ->allow_extra_args(false);
  cli.add_option("--ready-file", ready_file, "written as JSON when every listener is up");
  cli.add_option("--root", program_folder, gatehouse::config::kRootHelp);
  cli.set_version_flag("--version", "gatehouse 0.1.0");
  CLI::App* check_command = cli.add_subcommand("check", "validate a configuration and explain it");
  check_command->add_option("--config", config_file, "JSON configuration file")->required();
  check_command->add_option("--set", settings, "a.b=value")->allow_extra_args(false);
  check_command->add_option("--root", program_folder, gatehouse::config::kRootHelp);
  CLI::App* skynet_command = cli.add_subcommand("skynet", "run a skynet configuration file");
  skynet_command->add_option("file", skynet_file, "skynet configuration (Lua)")->required();
  skynet_command->add_option("--root", program_folder, gatehouse::config::kRootHelp);
  cli.require_subcommand(0, 1);
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    let_signals_through();
    return cli.exit(e) == 0 ? gatehouse::kExitOk : kExitUsage;
  }
  if (check_command->parsed()) {
    let_signals_through();
    return check(config_file, settings, program_folder);
  }
  process_output::take_standard_streams();
  process_output::flush_at_crash();
  take_signals();
  SystemWorld world;
  if (skynet_command->parsed()) return app::run_skynet(world, skynet_file, program_folder);
  if (config_file.empty()) {
    std::fputs("no --config FILE given; see gatehouse --help\n", stderr);
    return gatehouse::kExitUsage;
  }
  return app::run_server(
      world, [&] { return config::load_config(config_file, settings, program_folder); },
      ready_file);
}
