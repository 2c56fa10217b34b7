// What the readers of stored passwords share. Internal to the layer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace gatehouse::crypto {

// Roughly how long a verification takes, in nanoseconds of one core of a server of about 2020.
// Good for comparing one form with another, for nothing else.
using VerifyNs = std::uint64_t;

// kCorrupt: "stored <form> hash: <why>". `form` and `why` are words of ours.
[[nodiscard]] tl::unexpected<Error> corrupt_hash(std::string_view form, std::string_view why);

// Takes `prefix` off the front of `text`; false when it is not there.
[[nodiscard]] bool take(std::string_view& text, std::string_view prefix);

// Takes a decimal number without sign or leading zero off the front of `text`; false when there
// is none or it has more than 32 bits.
[[nodiscard]] bool take_number(std::string_view& text, std::uint32_t& number);

// Takes what is before the next '$', and the '$', off the front of `text`; nothing without one.
[[nodiscard]] std::optional<std::string_view> take_field(std::string_view& text);

// `size` bytes from hexadecimal of either case; nothing for any other text.
[[nodiscard]] std::optional<std::string> bytes_of_hex(std::string_view text, std::size_t size);

// The bytes of base64 without padding; nothing for any other text.
[[nodiscard]] std::optional<std::string> bytes_of_base64_unpadded(std::string_view text);

// True for one or more printable ASCII characters, none of them '$': a salt or a name.
[[nodiscard]] bool is_printable_field(std::string_view text);

// `a` and then `b`; only the result holds a copy.
[[nodiscard]] Secret joined(std::string_view a, std::string_view b);

// `text` with the ASCII letters in upper case.
[[nodiscard]] Secret upper_ascii(std::string_view text);

}  // namespace gatehouse::crypto
