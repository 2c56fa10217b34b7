// argon2id, argon2i and their PHC strings: the layer's wrapper of libargon2. Other layers use
// password.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/password.hpp"
#include "crypto/stored_text.hpp"

namespace gatehouse::crypto {

enum class Argon2Type { kId, kI };

// A parsed "$argon2id$v=19$m=..,t=..,p=..$salt$hash"; "$argon2i$" and v=16 are read too.
struct Argon2Hash {
  Argon2Type type = Argon2Type::kId;
  std::uint32_t version = 0;
  Argon2Cost cost;
  std::string salt;
  std::string hash;
};

// True for the texts that are this file's to read.
[[nodiscard]] bool is_argon2(std::string_view stored);

// kCorrupt when the text is no such string or its cost is above the bounds of password.hpp.
[[nodiscard]] Result<Argon2Hash> parse_argon2(std::string_view stored);

// The same check, and what verify_argon2() takes.
[[nodiscard]] Result<VerifyNs> check_argon2(std::string_view stored);

// verify_password() for such a string.
[[nodiscard]] Result<bool> verify_argon2(const Secret& password, std::string_view stored);

[[nodiscard]] VerifyNs argon2_verify_ns(const Argon2Cost& cost);

// True when libargon2 accepts the cost and it is within the bounds.
[[nodiscard]] bool valid_argon2_cost(const Argon2Cost& cost);

// The hash of `password` with the type, version, cost and salt of `form`, as long as form.hash.
// Runs on the calling thread, whatever the lanes. `form.cost` is valid; kUnavailable when memory is
// short.
[[nodiscard]] Result<std::string> argon2_compute(std::string_view password, const Argon2Hash& form);

// The PHC string of a hash.
[[nodiscard]] std::string format_argon2(const Argon2Hash& form);

}  // namespace gatehouse::crypto
