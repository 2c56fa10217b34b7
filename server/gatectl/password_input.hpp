// Reads a password for gatectl.
#pragma once

#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace gatehouse::gatectl {

// Longer ones do not fit into a login line (kLoginLineBytesMax, base64 within base64).
inline constexpr std::size_t kPasswordBytesMax = 1'024;

// On a terminal: asks on standard error, without echo, and once more to be sure. Otherwise: the
// first line of standard input. kInvalid when it is empty, too long, holds a NUL byte, or the two
// differ; kClosed when the input ends or a signal interrupts it.
[[nodiscard]] Result<Secret> read_password(const std::string& account);

}  // namespace gatehouse::gatectl
