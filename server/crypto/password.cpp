#include "crypto/password.hpp"

#include "crypto/argon2_hash.hpp"
#include "crypto/digest.hpp"
#include "crypto/random.hpp"
#include "crypto/unix_hash.hpp"

namespace gatehouse::crypto {

namespace {

constexpr std::uint32_t kVersion = 19;
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;

}  // namespace

Result<std::string> hash_password(const Secret& password, const Argon2Cost& cost) {
  if (!valid_argon2_cost(cost)) return fail(Errc::kInvalid, "argon2id cost out of bounds");
  Argon2Hash form{kVersion, cost, random_bytes(kSaltBytes), std::string(kHashBytes, '\0')};
  auto hash = argon2_compute(password.reveal(), form);
  if (!hash) return tl::unexpected(hash.error());
  form.hash = std::move(*hash);
  return format_argon2(form);
}

Result<bool> verify_password(const Secret& password, std::string_view stored) {
  if (!stored.starts_with(kArgon2Prefix)) return verify_unix_hash(password, stored);
  const auto form = parse_argon2(stored);
  if (!form) return tl::unexpected(form.error());
  const auto hash = argon2_compute(password.reveal(), *form);
  if (!hash) return tl::unexpected(hash.error());
  return constant_time_equal(*hash, form->hash);
}

bool needs_rehash(std::string_view stored, const Argon2Cost& cost) {
  const auto form = parse_argon2(stored);
  return !form || form->version != kVersion || form->cost.memory_kib != cost.memory_kib ||
         form->cost.passes != cost.passes || form->cost.lanes != cost.lanes ||
         form->salt.size() < kSaltBytes || form->hash.size() < kHashBytes;
}

void burn_password_time(const Secret& password, const Argon2Cost& cost) {
  if (!valid_argon2_cost(cost)) return;
  const Argon2Hash form{kVersion, cost, std::string(kSaltBytes, '\0'),
                        std::string(kHashBytes, '\0')};
  const auto hash = argon2_compute(password.reveal(), form);
  static_cast<void>(hash);
}

}  // namespace gatehouse::crypto
