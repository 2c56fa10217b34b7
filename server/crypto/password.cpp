#include "crypto/password.hpp"

#include <algorithm>
#include <array>

#include "crypto/argon2_hash.hpp"
#include "crypto/imported_digest.hpp"
#include "crypto/pbkdf2_hash.hpp"
#include "crypto/scrypt_hash.hpp"
#include "crypto/unix_hash.hpp"
#include "crypto/wow_hash.hpp"

namespace gatehouse::crypto {

namespace {

constexpr std::uint32_t kVersion = 19;
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;

// The formats of stored passwords: which texts a file reads, and its two functions.
struct Family {
  bool (*owns)(std::string_view stored);
  Result<VerifyNs> (*check)(std::string_view stored);
  Result<bool> (*verify)(const Secret& password, std::string_view stored);
};
constexpr std::array<Family, 6> kFamilies = {{
    {is_argon2, check_argon2, verify_argon2},
    {is_scrypt_phc, check_scrypt_phc, verify_scrypt_phc},
    {is_pbkdf2, check_pbkdf2, verify_pbkdf2},
    {is_imported_digest, check_imported_digest, verify_imported_digest},
    {is_wow_hash, check_wow_hash, verify_wow_hash},
    {[](std::string_view) { return true; }, check_unix_hash, verify_unix_hash},
}};

const Family& family_of(std::string_view stored) {
  return *std::find_if(kFamilies.begin(), kFamilies.end(),
                       [stored](const Family& family) { return family.owns(stored); });
}

}  // namespace

Result<std::string> hash_password(Random& random, const Secret& password, const Argon2Cost& cost) {
  if (!valid_argon2_cost(cost)) return fail(Errc::kInvalid, "argon2id cost out of bounds");
  Argon2Hash form{Argon2Type::kId, kVersion, cost, random.bytes(kSaltBytes),
                  std::string(kHashBytes, '\0')};
  auto hash = argon2_compute(password.reveal(), form);
  if (!hash) return tl::unexpected(hash.error());
  form.hash = std::move(*hash);
  return format_argon2(form);
}

Result<bool> verify_password(const Secret& password, std::string_view stored) {
  return family_of(stored).verify(password, stored);
}

Result<> check_stored_password(std::string_view stored) {
  const auto checked = family_of(stored).check(stored);
  if (!checked) return tl::unexpected(checked.error());
  return {};
}

Result<std::uint64_t> estimate_verify_ns(std::string_view stored) {
  return family_of(stored).check(stored);
}

std::uint64_t estimate_verify_ns(const Argon2Cost& cost) {
  return argon2_verify_ns(cost);
}

bool cheap_to_verify(std::string_view stored, const Argon2Cost& cost) {
  const auto takes = family_of(stored).check(stored);
  return !takes || *takes < argon2_verify_ns(cost) / 2;
}

bool needs_rehash(std::string_view stored, const Argon2Cost& cost) {
  const auto form = parse_argon2(stored);
  return !form || form->type != Argon2Type::kId || form->version != kVersion ||
         form->cost.memory_kib != cost.memory_kib || form->cost.passes != cost.passes ||
         form->cost.lanes != cost.lanes || form->salt.size() < kSaltBytes ||
         form->hash.size() < kHashBytes;
}

void burn_password_time(const Secret& password, const Argon2Cost& cost) {
  if (!valid_argon2_cost(cost)) return;
  const Argon2Hash form{Argon2Type::kId, kVersion, cost, std::string(kSaltBytes, '\0'),
                        std::string(kHashBytes, '\0')};
  const auto hash = argon2_compute(password.reveal(), form);
  static_cast<void>(hash);
}

}  // namespace gatehouse::crypto
