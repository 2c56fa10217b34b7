#include "crypto/pbkdf2_hash.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "base/assert.hpp"
#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"
#include "crypto/evp.hpp"
#include "crypto/password.hpp"

namespace gatehouse::crypto {

namespace {

constexpr std::size_t kPbkdf2SaltBytesMax = 128;

struct Variant {
  std::string_view prefix;
  bool django;
  EvpHash hash;
  const EVP_MD* (*openssl_hash)();
  VerifyNs iteration_ns;
};
constexpr std::array<Variant, 5> kVariants = {{
    {"$pbkdf2-sha256$", false, EvpHash::kSha256, EVP_sha256, 300},
    {"$pbkdf2-sha512$", false, EvpHash::kSha512, EVP_sha512, 800},
    {"$pbkdf2$", false, EvpHash::kSha1, EVP_sha1, 300},
    {"pbkdf2_sha256$", true, EvpHash::kSha256, EVP_sha256, 300},
    {"pbkdf2_sha1$", true, EvpHash::kSha1, EVP_sha1, 300},
}};

struct Pbkdf2Hash {
  const Variant* variant = nullptr;
  std::uint32_t iterations = 0;
  std::string salt;
  std::string hash;
};

const Variant* variant_of(std::string_view stored) {
  const auto* const found =
      std::find_if(kVariants.begin(), kVariants.end(),
                   [stored](const Variant& variant) { return stored.starts_with(variant.prefix); });
  return found == kVariants.end() ? nullptr : found;
}

std::optional<std::string> passlib_bytes(std::string_view text) {
  std::string base64(text);
  std::replace(base64.begin(), base64.end(), '.', '+');
  return bytes_of_base64_unpadded(base64);
}

std::optional<std::string> django_hash(std::string_view text) {
  auto bytes = base64_decode(text);
  if (!bytes) return std::nullopt;
  return std::move(*bytes);
}

std::optional<std::string> django_salt(std::string_view text) {
  if (!is_printable_field(text)) return std::nullopt;
  return std::string(text);
}

Result<Pbkdf2Hash> parse_pbkdf2(std::string_view stored) {
  Pbkdf2Hash form;
  std::string_view text = stored;
  form.variant = variant_of(stored);
  if (form.variant == nullptr || !take(text, form.variant->prefix) ||
      !take_number(text, form.iterations) || !take(text, "$")) {
    return corrupt_hash("pbkdf2", "malformed");
  }
  if (form.iterations < 1 || form.iterations > kPbkdf2IterationsMax) {
    return corrupt_hash("pbkdf2", "cost out of bounds");
  }
  const auto salt_text = take_field(text);
  if (!salt_text) return corrupt_hash("pbkdf2", "malformed");
  auto salt = form.variant->django ? django_salt(*salt_text) : passlib_bytes(*salt_text);
  auto hash = form.variant->django ? django_hash(text) : passlib_bytes(text);
  if (!salt || !hash) return corrupt_hash("pbkdf2", "malformed");
  if (salt->empty() || salt->size() > kPbkdf2SaltBytesMax) {
    return corrupt_hash("pbkdf2", "salt of a wrong size");
  }
  if (hash->size() != evp_digest_bytes(form.variant->hash)) {
    return corrupt_hash("pbkdf2", "hash of a wrong size");
  }
  form.salt = std::move(*salt);
  form.hash = std::move(*hash);
  return form;
}

}  // namespace

bool is_pbkdf2(std::string_view stored) {
  return variant_of(stored) != nullptr;
}

Result<VerifyNs> check_pbkdf2(std::string_view stored) {
  const auto form = parse_pbkdf2(stored);
  if (!form) return tl::unexpected(form.error());
  return form->variant->iteration_ns * form->iterations;
}

Result<bool> verify_pbkdf2(const Secret& password, std::string_view stored) {
  const auto form = parse_pbkdf2(stored);
  if (!form) return tl::unexpected(form.error());
  const std::string_view phrase = password.reveal();
  // OpenSSL counts in int.
  if (phrase.size() > std::numeric_limits<int>::max()) return false;
  std::string made(form->hash.size(), '\0');
  GATEHOUSE_ASSERT(PKCS5_PBKDF2_HMAC(phrase.data(), static_cast<int>(phrase.size()),
                                     reinterpret_cast<const unsigned char*>(form->salt.data()),
                                     static_cast<int>(form->salt.size()),
                                     static_cast<int>(form->iterations),
                                     form->variant->openssl_hash(), static_cast<int>(made.size()),
                                     reinterpret_cast<unsigned char*>(made.data())) == 1);
  // HMAC fills its key up with NUL bytes: one more at the end of a password changes nothing.
  return constant_time_equal(made, form->hash) && !phrase.ends_with('\0');
}

}  // namespace gatehouse::crypto
