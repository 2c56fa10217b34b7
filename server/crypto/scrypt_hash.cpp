#include "crypto/scrypt_hash.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <string>

#include "crypto/digest.hpp"
#include "crypto/password.hpp"

namespace gatehouse::crypto {

namespace {

constexpr std::string_view kPrefix = "$scrypt$";
constexpr std::size_t kScryptSaltBytesMax = 64;

struct ScryptHash {
  std::uint32_t n_log2 = 0;
  std::uint32_t r = 0;
  std::uint32_t p = 0;
  std::string salt;
  std::string hash;
};

Result<ScryptHash> parse_scrypt(std::string_view stored) {
  ScryptHash form;
  std::string_view text = stored;
  const bool head = take(text, kPrefix) && take(text, "ln=") && take_number(text, form.n_log2) &&
                    take(text, ",r=") && take_number(text, form.r) && take(text, ",p=") &&
                    take_number(text, form.p) && take(text, "$");
  if (!head) return corrupt_hash("scrypt", "malformed");
  if (!valid_scrypt_cost(form.n_log2, form.r, form.p)) {
    return corrupt_hash("scrypt", "cost out of bounds");
  }
  const auto salt_text = take_field(text);
  if (!salt_text) return corrupt_hash("scrypt", "malformed");
  auto salt = bytes_of_base64_unpadded(*salt_text);
  auto hash = bytes_of_base64_unpadded(text);
  if (!salt || !hash) return corrupt_hash("scrypt", "malformed");
  if (salt->empty() || salt->size() > kScryptSaltBytesMax) {
    return corrupt_hash("scrypt", "salt of a wrong size");
  }
  if (hash->size() != 32 && hash->size() != 64) {
    return corrupt_hash("scrypt", "hash of a wrong size");
  }
  form.salt = std::move(*salt);
  form.hash = std::move(*hash);
  return form;
}

}  // namespace

bool valid_scrypt_cost(unsigned n_log2, std::uint64_t r, std::uint64_t p) {
  return n_log2 >= 1 && n_log2 < 32 && n_log2 < 16 * r && r >= 1 && p >= 1 &&
         r <= kScryptBlocksMax && p <= kScryptBlocksMax / r &&
         128 * r * p << n_log2 <= kScryptBytesMax;
}

VerifyNs scrypt_verify_ns(unsigned n_log2, std::uint64_t r, std::uint64_t p) {
  return 350 * r * p << n_log2;
}

bool is_scrypt_phc(std::string_view stored) {
  return stored.starts_with(kPrefix);
}

Result<VerifyNs> check_scrypt_phc(std::string_view stored) {
  const auto form = parse_scrypt(stored);
  if (!form) return tl::unexpected(form.error());
  return scrypt_verify_ns(form->n_log2, form->r, form->p);
}

Result<bool> verify_scrypt_phc(const Secret& password, std::string_view stored) {
  const auto form = parse_scrypt(stored);
  if (!form) return tl::unexpected(form.error());
  const std::string_view phrase = password.reveal();
  std::string made(form->hash.size(), '\0');
  // OpenSSL takes 128 * r * (N + p + 2) bytes, little above the bounded product.
  constexpr std::uint64_t kMemoryMax = 2 * kScryptBytesMax;
  const int done = EVP_PBE_scrypt(
      phrase.data(), phrase.size(), reinterpret_cast<const unsigned char*>(form->salt.data()),
      form->salt.size(), std::uint64_t{1} << form->n_log2, form->r, form->p, kMemoryMax,
      reinterpret_cast<unsigned char*>(made.data()), made.size());
  if (done != 1) {
    ERR_clear_error();
    return fail(Errc::kUnavailable, "no memory to verify a password");
  }
  // HMAC fills its key up with NUL bytes: one more at the end of a password changes nothing.
  return constant_time_equal(made, form->hash) && !phrase.ends_with('\0');
}

}  // namespace gatehouse::crypto
