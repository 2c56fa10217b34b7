// JSON (RFC 8259) that a person wrote and the program obeys: read so that what stands in the text
// and what is understood cannot differ.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/result.hpp"

namespace gatehouse::config {

// One value of UTF-8 and nothing behind it. kInvalid, with line and column: no JSON, a NUL
// anywhere in the text or, as \u0000, in a string, a number that no type holds, more than
// kJsonDepthMax levels. With the path: a key that an object has twice. No value is in the message.
[[nodiscard]] Result<nlohmann::json> parse_strictly(std::string_view text);

inline constexpr int kJsonDepthMax = 32;

}  // namespace gatehouse::config
