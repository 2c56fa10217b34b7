// Stored passwords. New ones are argon2id (RFC 9106) as PHC strings; imported ones are verified
// in the format they came in. Each call takes milliseconds and memory by design: run it on the
// hash pool, never on a worker.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace gatehouse::crypto {

// The defaults are OWASP's second recommendation for argon2id.
struct Argon2Cost {
  std::uint32_t memory_kib = 19'456;
  std::uint32_t passes = 2;
  std::uint32_t lanes = 1;
};

// Costs read from a stored string above these are kCorrupt: a row of the database must not be
// able to stop the hash pool.
inline constexpr std::uint32_t kArgon2MemoryKibMax = 1u << 20;
inline constexpr std::uint32_t kArgon2PassesMax = 16;
inline constexpr std::uint32_t kArgon2LanesMax = 16;
inline constexpr std::uint32_t kBcryptCostMax = 14;
inline constexpr std::uint32_t kSha512RoundsMax = 1'000'000;
// 128 * N * r * p of scrypt, 128 * N * r of yescrypt.
inline constexpr std::uint64_t kScryptBytesMax = std::uint64_t{1} << 30;

// "$argon2id$v=19$m=..,t=..,p=..$salt$hash" with a fresh salt of 16 bytes and a hash of 32.
// kInvalid when the cost is out of bounds, kUnavailable when memory is short.
[[nodiscard]] Result<std::string> hash_password(const Secret& password, const Argon2Cost& cost);

// True when the password is the one stored. Formats: argon2id, bcrypt ($2a$ $2b$ $2y$), yescrypt
// ($y$ with default flags), scrypt ($7$), sha512crypt ($6$). kCorrupt for any other text and for
// costs above the bounds, kUnavailable when memory is short. Formats other than argon2id hold no
// password with a NUL byte or of more than 511 bytes: those are false.
[[nodiscard]] Result<bool> verify_password(const Secret& password, std::string_view stored);

// True when a good login should replace `stored`: not argon2id, or not of this cost.
[[nodiscard]] bool needs_rehash(std::string_view stored, const Argon2Cost& cost);

// Takes as long as a verify_password of an argon2id hash of this cost; for users that do not
// exist. A cost out of bounds takes no time.
void burn_password_time(const Secret& password, const Argon2Cost& cost);

}  // namespace gatehouse::crypto
