// JSON that a person wrote and the program obeys: what is taken is JSON by every other reading too,
// means the same when it is written again, and is within its depth.
#include "config/strict_json.hpp"

#include "fuzz.hpp"

namespace gatehouse::config {

namespace {

int depth_of(const nlohmann::json& value) {
  int depth = 0;
  if (!value.is_structured()) return depth;
  for (const auto& inner : value) depth = std::max(depth, depth_of(inner));
  return depth + 1;
}

}  // namespace

FUZZ_TARGET(strict_json) {
  const auto value = parse_strictly(input);
  if (!value) {
    GATEHOUSE_ASSERT(value.error().code == Errc::kInvalid && !value.error().message.empty());
    return;
  }
  GATEHOUSE_ASSERT(nlohmann::json::accept(input));
  GATEHOUSE_ASSERT(depth_of(*value) <= kJsonDepthMax);
  const std::string text = value->dump();  // raises when a string is no UTF-8
  GATEHOUSE_ASSERT(text.find('\0') == std::string::npos);
  GATEHOUSE_ASSERT(parse_strictly(text).value() == *value);
}

}  // namespace gatehouse::config
