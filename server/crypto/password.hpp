// Stored passwords. New ones are argon2id (RFC 9106) as PHC strings; imported ones are verified
// in the format they came in. Each call takes milliseconds and memory by design: run it on the
// hash pool, never on a worker.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.hpp"
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
// sha256crypt and sha512crypt.
inline constexpr std::uint32_t kShaCryptRoundsMax = 1'000'000;
// 128 * N * r * p of scrypt, 128 * N * r of yescrypt.
inline constexpr std::uint64_t kScryptBytesMax = std::uint64_t{1} << 30;
// r * p of scrypt, each of which makes and digests 128 bytes by PBKDF2 whatever N is.
inline constexpr std::uint64_t kScryptBlocksMax = std::uint64_t{1} << 16;
inline constexpr std::uint32_t kPbkdf2IterationsMax = 10'000'000;

// "$argon2id$v=19$m=..,t=..,p=..$salt$hash" with a fresh salt of 16 bytes and a hash of 32.
// kInvalid when the cost is out of bounds, kUnavailable when memory is short.
[[nodiscard]] Result<std::string> hash_password(Random& random, const Secret& password,
                                                const Argon2Cost& cost);

// True when the password is the one stored. kCorrupt for what check_stored_password() refuses,
// kUnavailable when memory is short. Formats, all but argon2id to be replaced at a good login:
//   $argon2id$ $argon2i$ $scrypt$          PHC strings (argon2_hash.hpp, scrypt_hash.hpp)
//   $2a$ $2b$ $2y$ $y$ $gy$ $7$ $6$ $5$ $1$ those of crypt(5) (unix_hash.hpp)
//   $pbkdf2...$ pbkdf2_...$                passlib's and Django's (pbkdf2_hash.hpp)
//   {md5} {sha1-ps} {SSHA} *HEX $SHA$ ...  bare digests (imported_digest.hpp)
//   {wow-sha1} {srp6}                      World of Warcraft servers (wow_hash.hpp)
// The forms of crypt(5) hold no password with a NUL byte or of more than 511 bytes, PBKDF2 and
// $scrypt$ none that ends in a NUL byte: those are false.
[[nodiscard]] Result<bool> verify_password(const Secret& password, std::string_view stored);

// kCorrupt, with the reason, when verify_password() could accept no password: malformed, of an
// unknown format, a cost above the bounds. Computes nothing.
[[nodiscard]] Result<> check_stored_password(std::string_view stored);

// Roughly how many nanoseconds verify_password() takes for this text, or for an argon2id hash of
// this cost: good for comparing one with another. Computes nothing; kCorrupt as
// check_stored_password().
[[nodiscard]] Result<std::uint64_t> estimate_verify_ns(std::string_view stored);
[[nodiscard]] std::uint64_t estimate_verify_ns(const Argon2Cost& cost);

// True when verify_password() takes far less time than burn_password_time() of `cost`, told from
// the text alone. After a wrong password the caller then burns that time as well, so that it is
// not told from an unknown user; a text that check_stored_password() refuses takes none at all.
[[nodiscard]] bool cheap_to_verify(std::string_view stored, const Argon2Cost& cost = {});

// True when a good login should replace `stored`: not argon2id, or not of this cost.
[[nodiscard]] bool needs_rehash(std::string_view stored, const Argon2Cost& cost);

// Takes as long as a verify_password of an argon2id hash of this cost; for users that do not
// exist. A cost out of bounds takes no time.
void burn_password_time(const Secret& password, const Argon2Cost& cost);

}  // namespace gatehouse::crypto
