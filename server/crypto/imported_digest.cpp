#include "crypto/imported_digest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"
#include "crypto/evp.hpp"

namespace gatehouse::crypto {

namespace {

constexpr std::size_t kLdapSaltBytesMax = 64;
constexpr VerifyNs kDigestNs = 2'000;

enum class Recipe { kPassword, kPasswordSalt, kSaltPassword, kMysql41, kAuthMe };
enum class Spelling { kHex, kLdap };

struct Form {
  std::string_view prefix;
  EvpHash hash;
  Recipe recipe;
  Spelling spelling = Spelling::kHex;
};
constexpr std::array<Form, 23> kForms = {{
    {"{md5}", EvpHash::kMd5, Recipe::kPassword},
    {"{md5-ps}", EvpHash::kMd5, Recipe::kPasswordSalt},
    {"{md5-sp}", EvpHash::kMd5, Recipe::kSaltPassword},
    {"{sha1}", EvpHash::kSha1, Recipe::kPassword},
    {"{sha1-ps}", EvpHash::kSha1, Recipe::kPasswordSalt},
    {"{sha1-sp}", EvpHash::kSha1, Recipe::kSaltPassword},
    {"{sha256}", EvpHash::kSha256, Recipe::kPassword},
    {"{sha256-ps}", EvpHash::kSha256, Recipe::kPasswordSalt},
    {"{sha256-sp}", EvpHash::kSha256, Recipe::kSaltPassword},
    {"{sha512}", EvpHash::kSha512, Recipe::kPassword},
    {"{sha512-ps}", EvpHash::kSha512, Recipe::kPasswordSalt},
    {"{sha512-sp}", EvpHash::kSha512, Recipe::kSaltPassword},
    {"{MD5}", EvpHash::kMd5, Recipe::kPassword, Spelling::kLdap},
    {"{SMD5}", EvpHash::kMd5, Recipe::kPasswordSalt, Spelling::kLdap},
    {"{SHA}", EvpHash::kSha1, Recipe::kPassword, Spelling::kLdap},
    {"{SSHA}", EvpHash::kSha1, Recipe::kPasswordSalt, Spelling::kLdap},
    {"{SHA256}", EvpHash::kSha256, Recipe::kPassword, Spelling::kLdap},
    {"{SSHA256}", EvpHash::kSha256, Recipe::kPasswordSalt, Spelling::kLdap},
    {"{SHA512}", EvpHash::kSha512, Recipe::kPassword, Spelling::kLdap},
    {"{SSHA512}", EvpHash::kSha512, Recipe::kPasswordSalt, Spelling::kLdap},
    {"*", EvpHash::kSha1, Recipe::kMysql41},
    {"{mysql41}*", EvpHash::kSha1, Recipe::kMysql41},
    {"$SHA$", EvpHash::kSha256, Recipe::kAuthMe},
}};

struct ImportedDigest {
  const Form* form;
  std::string salt;
  std::string digest;
};

const Form* form_of(std::string_view stored) {
  const auto* const found = std::find_if(kForms.begin(), kForms.end(), [stored](const Form& form) {
    return stored.starts_with(form.prefix);
  });
  return found == kForms.end() ? nullptr : found;
}

bool salted(const Form& form) {
  return form.recipe == Recipe::kPasswordSalt || form.recipe == Recipe::kSaltPassword ||
         form.recipe == Recipe::kAuthMe;
}

std::optional<ImportedDigest> parse_hex(const Form& form, std::string_view text) {
  std::string_view salt;
  if (salted(form)) {
    const auto field = take_field(text);
    if (!field || !is_printable_field(*field)) return std::nullopt;
    salt = *field;
  }
  auto digest = bytes_of_hex(text, evp_digest_bytes(form.hash));
  if (!digest) return std::nullopt;
  return ImportedDigest{&form, std::string(salt), std::move(*digest)};
}

std::optional<ImportedDigest> parse_ldap(const Form& form, std::string_view text) {
  const auto bytes = base64_decode(text);
  const std::size_t size = evp_digest_bytes(form.hash);
  if (!bytes || bytes->size() < size) return std::nullopt;
  const std::size_t salt_size = bytes->size() - size;
  if (salted(form) ? salt_size < 1 || salt_size > kLdapSaltBytesMax : salt_size != 0) {
    return std::nullopt;
  }
  return ImportedDigest{&form, bytes->substr(size), bytes->substr(0, size)};
}

Result<ImportedDigest> parse_imported(std::string_view stored) {
  const Form* const form = form_of(stored);
  if (form == nullptr) return fail(Errc::kCorrupt, "stored password of an unknown format");
  const std::string_view text = stored.substr(form->prefix.size());
  auto parsed =
      form->spelling == Spelling::kLdap ? parse_ldap(*form, text) : parse_hex(*form, text);
  if (!parsed) {
    return fail(Errc::kCorrupt, fmt::format("stored {} digest: malformed", form->prefix));
  }
  return std::move(*parsed);
}

// A digest of the password is as good as the password where the form digests twice.
Secret secret_digest(EvpHash hash, std::string_view text) {
  return Secret(evp_digest(hash, text));
}

std::string compute(const Form& form, std::string_view password, std::string_view salt) {
  switch (form.recipe) {
    case Recipe::kPassword:
      break;
    case Recipe::kPasswordSalt:
      return evp_digest(form.hash, joined(password, salt).reveal());
    case Recipe::kSaltPassword:
      return evp_digest(form.hash, joined(salt, password).reveal());
    case Recipe::kMysql41:
      return evp_digest(form.hash, secret_digest(form.hash, password).reveal());
    case Recipe::kAuthMe: {
      const Secret inner(hex_encode(secret_digest(form.hash, password).reveal()));
      return evp_digest(form.hash, joined(inner.reveal(), salt).reveal());
    }
  }
  return evp_digest(form.hash, password);
}

}  // namespace

bool is_imported_digest(std::string_view stored) {
  return form_of(stored) != nullptr;
}

Result<VerifyNs> check_imported_digest(std::string_view stored) {
  const auto parsed = parse_imported(stored);
  if (!parsed) return tl::unexpected(parsed.error());
  return kDigestNs;
}

Result<bool> verify_imported_digest(const Secret& password, std::string_view stored) {
  const auto parsed = parse_imported(stored);
  if (!parsed) return tl::unexpected(parsed.error());
  return constant_time_equal(compute(*parsed->form, password.reveal(), parsed->salt),
                             parsed->digest);
}

}  // namespace gatehouse::crypto
