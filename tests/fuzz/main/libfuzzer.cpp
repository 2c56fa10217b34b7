// The entry that libFuzzer calls (https://llvm.org/docs/LibFuzzer.html): the one target of its
// program.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto& targets = gatehouse::fuzz::targets();
  GATEHOUSE_ASSERT(targets.size() == 1);
  targets.begin()->second({reinterpret_cast<const char*>(data), size});
  return 0;
}
