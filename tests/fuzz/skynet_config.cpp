// A skynet configuration: every setting becomes a text, $NAME is the environment, and nothing else
// gets in. An input is a Lua chunk; one with a loop or a function, which may take for ever by
// right, is left out.
#include "skynet/config.hpp"

#include <cstdlib>

#include "actor/system.hpp"
#include "fuzz.hpp"
#include "temp_folder.hpp"

namespace gatehouse::skynet {

FUZZ_TARGET(skynet_config) {
  for (const char* word : {"while", "repeat", "for", "goto", "function", ":", "include"})
    if (input.find(word) != std::string_view::npos) return;
  static const test::TempFolder folder;
  static const std::string file = folder / "config.lua";
  ::setenv("FUZZ", "the environment's", 1);
  test::write_file(file, std::string(input));
  const auto config = load_skynet_config(file);
  if (!config) {
    GATEHOUSE_ASSERT(config.error().code == Errc::kInvalid);
    return;
  }
  GATEHOUSE_ASSERT(config->workers >= 1 && config->workers < actor::kWorkersMax);
  GATEHOUSE_ASSERT(!config->value("start").empty() || config->values.contains("start"));
}

}  // namespace gatehouse::skynet
