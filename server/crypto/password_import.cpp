#include "crypto/password_import.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/imported_digest.hpp"
#include "crypto/password.hpp"
#include "crypto/stored_text.hpp"

namespace gatehouse::crypto {

namespace {

// What a format's rows hold besides the hash, and how the stored text is made of them.
enum class Kind {
  kStored,         // the hash is the text
  kDigest,         // "{format}hash"
  kSaltedDigest,   // "{format}salt$hash"
  kMysql41,        // "*hash"
  kAuthMe,         // "$SHA$salt$hash"
  kNamedDigest,    // "{format}name$hash"
  kNamedVerifier,  // "{format}name$salt$hash"
};

struct Format {
  std::string_view name;
  Kind kind;
  // How a stored text of this format begins, one after the other with a blank between; empty for
  // all there are.
  std::string_view prefixes;
};
constexpr std::array<Format, kImportFormats.size()> kFormats = {{
    {"stored", Kind::kStored, ""},
    {"argon2", Kind::kStored, "$argon2id$ $argon2i$"},
    {"bcrypt", Kind::kStored, "$2a$ $2b$ $2y$"},
    {"yescrypt", Kind::kStored, "$y$ $gy$"},
    {"scrypt", Kind::kStored, "$scrypt$ $7$"},
    {"sha512crypt", Kind::kStored, "$6$"},
    {"sha256crypt", Kind::kStored, "$5$"},
    {"md5crypt", Kind::kStored, "$1$"},
    {"pbkdf2", Kind::kStored,
     "$pbkdf2-sha256$ $pbkdf2-sha512$ $pbkdf2$ pbkdf2_sha256$ pbkdf2_sha1$"},
    {"ldap", Kind::kStored, "{SSHA} {SHA} {SMD5} {MD5} {SSHA256} {SHA256} {SSHA512} {SHA512}"},
    {"md5", Kind::kDigest, "{md5}"},
    {"md5-ps", Kind::kSaltedDigest, "{md5-ps}"},
    {"md5-sp", Kind::kSaltedDigest, "{md5-sp}"},
    {"sha1", Kind::kDigest, "{sha1}"},
    {"sha1-ps", Kind::kSaltedDigest, "{sha1-ps}"},
    {"sha1-sp", Kind::kSaltedDigest, "{sha1-sp}"},
    {"sha256", Kind::kDigest, "{sha256}"},
    {"sha256-ps", Kind::kSaltedDigest, "{sha256-ps}"},
    {"sha256-sp", Kind::kSaltedDigest, "{sha256-sp}"},
    {"sha512", Kind::kDigest, "{sha512}"},
    {"sha512-ps", Kind::kSaltedDigest, "{sha512-ps}"},
    {"sha512-sp", Kind::kSaltedDigest, "{sha512-sp}"},
    {"mysql41", Kind::kMysql41, "*"},
    {"authme", Kind::kAuthMe, "$SHA$"},
    {"wow-sha1", Kind::kNamedDigest, "{wow-sha1}"},
    {"srp6", Kind::kNamedVerifier, "{srp6}"},
}};

constexpr bool same_names() {
  for (std::size_t i = 0; i < kFormats.size(); ++i) {
    if (kFormats[i].name != kImportFormats[i]) return false;
  }
  return true;
}
static_assert(same_names());

bool begins_as(std::string_view stored, std::string_view prefixes) {
  if (prefixes.empty()) return true;
  while (!prefixes.empty()) {
    const std::string_view prefix = prefixes.substr(0, prefixes.find(' '));
    if (stored.starts_with(prefix)) return true;
    prefixes.remove_prefix(std::min(prefix.size() + 1, prefixes.size()));
  }
  return false;
}

// True when the text of such a format has a salt of its own field in the row.
bool takes_salt(Kind kind, std::string_view hash, std::string_view prefix) {
  return kind == Kind::kSaltedDigest || kind == Kind::kNamedVerifier ||
         (kind == Kind::kAuthMe && !hash.starts_with(prefix));
}

std::string assemble(const Format& format, std::string_view name, std::string_view hash,
                     std::string_view salt) {
  switch (format.kind) {
    case Kind::kStored:
      break;
    case Kind::kDigest:
      return fmt::format("{}{}", format.prefixes, hash);
    case Kind::kMysql41:
      return fmt::format("{}{}", hash.starts_with('*') ? "" : format.prefixes, hash);
    case Kind::kAuthMe:
      if (hash.starts_with(format.prefixes)) break;
      [[fallthrough]];
    case Kind::kSaltedDigest:
      return fmt::format("{}{}${}", format.prefixes, salt, hash);
    case Kind::kNamedDigest:
      return fmt::format("{}{}${}", format.prefixes, name, hash);
    case Kind::kNamedVerifier:
      return fmt::format("{}{}${}${}", format.prefixes, name, salt, hash);
  }
  return std::string(hash);
}

tl::unexpected<Error> invalid(const Format& format, std::string_view why) {
  return fail(Errc::kInvalid, fmt::format("{}: {}", format.name, why));
}

}  // namespace

Result<std::string> stored_from_import(std::string_view format_name, std::string_view name,
                                       std::string_view hash, std::string_view salt) {
  const auto* const format =
      std::find_if(kFormats.begin(), kFormats.end(),
                   [format_name](const Format& one) { return one.name == format_name; });
  if (format == kFormats.end()) {
    return fail(Errc::kInvalid,
                "unknown format, known are " + fmt::format("{}", fmt::join(kImportFormats, " ")));
  }
  if (hash.empty()) return invalid(*format, "no hash");
  const bool named = format->kind == Kind::kNamedDigest || format->kind == Kind::kNamedVerifier;
  if (named && !is_printable_field(name)) {
    return invalid(*format, "the name is no ASCII text or has a '$'");
  }
  if (takes_salt(format->kind, hash, format->prefixes)) {
    if (!is_printable_field(salt)) {
      return invalid(*format, "the salt is missing, no ASCII text, or has a '$'");
    }
  } else if (!salt.empty()) {
    return invalid(*format, "takes no salt");
  }
  std::string stored = assemble(*format, name, hash, salt);
  if (!begins_as(stored, format->prefixes)) return invalid(*format, "a hash of another format");
  if (const auto checked = check_stored_password(stored); !checked) {
    return invalid(*format, checked.error().message);
  }
  if (stored.size() > kStoredPasswordCharactersMax) {
    return invalid(*format, "longer than the column password_hash");
  }
  return stored;
}

}  // namespace gatehouse::crypto
