// The configuration: whatever stands in its file and in --set, it is refused with a text for people
// or understood within the bounds of its keys. An input is settings, a line each, an empty line,
// and the file.
#include "config/config.hpp"

#include <sys/stat.h>

#include "fuzz.hpp"
#include "temp_folder.hpp"

namespace gatehouse::config {

namespace {

// A file of a folder of its own that only its owner reads.
const std::string& write_config(std::string_view text) {
  static const test::TempFolder folder;
  static const std::string file = folder / "config.json";
  test::write_file(file, std::string(text));
  GATEHOUSE_ASSERT(::chmod(file.c_str(), 0600) == 0);
  return file;
}

}  // namespace

FUZZ_TARGET(config) {
  fuzz::Input choices(input);
  std::vector<std::string> settings;
  while (!choices.empty()) {
    const std::string_view line = choices.line();
    if (line.empty()) break;
    settings.emplace_back(line);
  }
  const auto config = load_config(write_config(choices.rest()), settings, GATEHOUSE_SOURCE_DIR);
  if (!config) {
    const Errc code = config.error().code;
    GATEHOUSE_ASSERT(code == Errc::kInvalid || code == Errc::kIo);
    GATEHOUSE_ASSERT(!config.error().message.empty());
    return;
  }
  GATEHOUSE_ASSERT(config->workers >= 1 && config->workers <= 128);
  GATEHOUSE_ASSERT(config->limits.gate_handshake_frame_bytes_max <= kFrameBytesMax);
  GATEHOUSE_ASSERT(!config->login_role || !config->login.listeners.empty());
  GATEHOUSE_ASSERT(!config->gate_role || !config->gates.empty());
  for (const auto& listener : config->login.listeners)
    GATEHOUSE_ASSERT(listener.plain || listener.skynet || listener.x25519);
  GATEHOUSE_ASSERT(!describe(*config).empty());
  GATEHOUSE_ASSERT(restart_keys(config->values, config->values).empty());
}

}  // namespace gatehouse::config
