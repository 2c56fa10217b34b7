// argon2id and its PHC strings: the layer's wrapper of libargon2. Other layers use password.hpp.
#pragma once

#include <string>
#include <string_view>

#include "crypto/password.hpp"

namespace gatehouse::crypto {

inline constexpr std::string_view kArgon2Prefix = "$argon2id$";

// A parsed "$argon2id$v=19$m=..,t=..,p=..$salt$hash"; v=16 is read too.
struct Argon2Hash {
  std::uint32_t version = 0;
  Argon2Cost cost;
  std::string salt;
  std::string hash;
};

// kCorrupt when the text is no such string or its cost is above the bounds of password.hpp.
[[nodiscard]] Result<Argon2Hash> parse_argon2(std::string_view stored);

// True when libargon2 accepts the cost and it is within the bounds.
[[nodiscard]] bool valid_argon2_cost(const Argon2Cost& cost);

// The hash of `password` with the version, cost and salt of `form`, as long as form.hash. Runs
// on the calling thread, whatever the lanes. `form.cost` is valid; kUnavailable when memory is
// short.
[[nodiscard]] Result<std::string> argon2_compute(std::string_view password, const Argon2Hash& form);

// The PHC string of a hash; version 19.
[[nodiscard]] std::string format_argon2(const Argon2Hash& form);

}  // namespace gatehouse::crypto
