#include "crypto/wow_hash.hpp"

#include <openssl/bn.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "base/assert.hpp"
#include "crypto/digest.hpp"
#include "crypto/evp.hpp"

namespace gatehouse::crypto {

namespace {

constexpr std::string_view kSha1Prefix = "{wow-sha1}";
constexpr std::string_view kSrp6Prefix = "{srp6}";
constexpr std::size_t kNumberBytes = 32;
constexpr VerifyNs kSha1Ns = 2'000;
constexpr VerifyNs kSrp6Ns = 60'000;

// N, the highest byte first.
constexpr std::array<unsigned char, kNumberBytes> kModulus = {
    0x89, 0x4b, 0x64, 0x5e, 0x89, 0xe1, 0x53, 0x5b, 0xbd, 0xad, 0x5b, 0x8b, 0x29, 0x06, 0x50, 0x53,
    0x08, 0x01, 0xb1, 0x8e, 0xbf, 0xbf, 0x5e, 0x8f, 0xab, 0x3c, 0x82, 0x87, 0x2a, 0x3e, 0x9b, 0xb7};
constexpr BN_ULONG kGenerator = 7;

struct WowHash {
  std::string_view user;
  std::string salt;    // of SRP-6
  std::string answer;  // the digest, or the verifier
  bool srp6 = false;
};

// True for a little-endian number below N.
bool below_modulus(std::string_view number) {
  return std::lexicographical_compare(number.rbegin(), number.rend(), kModulus.begin(),
                                      kModulus.end(),
                                      [](unsigned char a, unsigned char b) { return a < b; });
}

Result<WowHash> parse_sha1(std::string_view text) {
  const auto user = take_field(text);
  auto digest = bytes_of_hex(text, evp_digest_bytes(EvpHash::kSha1));
  if (!user || !is_printable_field(*user) || !digest) return corrupt_hash(kSha1Prefix, "malformed");
  return WowHash{*user, "", std::move(*digest), false};
}

Result<WowHash> parse_srp6(std::string_view text) {
  const auto user = take_field(text);
  const auto salt_text = take_field(text);
  if (!user || !is_printable_field(*user) || !salt_text) {
    return corrupt_hash(kSrp6Prefix, "malformed");
  }
  auto salt = bytes_of_hex(*salt_text, kNumberBytes);
  auto verifier = bytes_of_hex(text, kNumberBytes);
  if (!salt || !verifier) return corrupt_hash(kSrp6Prefix, "malformed");
  if (!below_modulus(*verifier)) return corrupt_hash(kSrp6Prefix, "verifier out of bounds");
  return WowHash{*user, std::move(*salt), std::move(*verifier), true};
}

Result<WowHash> parse_wow(std::string_view stored) {
  if (take(stored, kSha1Prefix)) return parse_sha1(stored);
  if (take(stored, kSrp6Prefix)) return parse_srp6(stored);
  return fail(Errc::kCorrupt, "stored password of an unknown format");
}

// SHA1(UPPER(user) + ":" + UPPER(password)).
Secret identity_digest(std::string_view user, std::string_view password) {
  const std::string name = std::string(user) + ':';
  const Secret identity = joined(name, password);
  return Secret(evp_digest(EvpHash::kSha1, upper_ascii(identity.reveal()).reveal()));
}

struct FreeNumber {
  void operator()(BIGNUM* number) const { BN_clear_free(number); }
};
using Number = std::unique_ptr<BIGNUM, FreeNumber>;

struct FreeContext {
  void operator()(BN_CTX* context) const { BN_CTX_free(context); }
};

// 7 ^ exponent mod N, both little-endian. The time does not depend on the exponent.
std::string power(std::string_view exponent) {
  const Number modulus(BN_bin2bn(kModulus.data(), static_cast<int>(kModulus.size()), nullptr));
  const Number x(BN_lebin2bn(reinterpret_cast<const unsigned char*>(exponent.data()),
                             static_cast<int>(exponent.size()), nullptr));
  const Number base(BN_new());
  const Number result(BN_new());
  const std::unique_ptr<BN_CTX, FreeContext> context(BN_CTX_secure_new());
  GATEHOUSE_ASSERT(modulus && x && base && result && context);
  BN_set_flags(x.get(), BN_FLG_CONSTTIME);
  std::string bytes(kNumberBytes, '\0');
  GATEHOUSE_ASSERT(BN_set_word(base.get(), kGenerator) == 1 &&
                   BN_mod_exp_mont_consttime(result.get(), base.get(), x.get(), modulus.get(),
                                             context.get(), nullptr) == 1 &&
                   BN_bn2lebinpad(result.get(), reinterpret_cast<unsigned char*>(bytes.data()),
                                  static_cast<int>(bytes.size())) ==
                       static_cast<int>(bytes.size()));
  return bytes;
}

}  // namespace

bool is_wow_hash(std::string_view stored) {
  return stored.starts_with(kSha1Prefix) || stored.starts_with(kSrp6Prefix);
}

Result<VerifyNs> check_wow_hash(std::string_view stored) {
  const auto form = parse_wow(stored);
  if (!form) return tl::unexpected(form.error());
  return form->srp6 ? kSrp6Ns : kSha1Ns;
}

Result<bool> verify_wow_hash(const Secret& password, std::string_view stored) {
  const auto form = parse_wow(stored);
  if (!form) return tl::unexpected(form.error());
  const Secret identity = identity_digest(form->user, password.reveal());
  if (!form->srp6) return constant_time_equal(identity.reveal(), form->answer);
  const Secret exponent(evp_digest(EvpHash::kSha1, joined(form->salt, identity.reveal()).reveal()));
  return constant_time_equal(power(exponent.reveal()), form->answer);
}

}  // namespace gatehouse::crypto
