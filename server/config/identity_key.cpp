#include "config/identity_key.hpp"

#include <utility>

#include "base/assert.hpp"
#include "crypto/encoding.hpp"
#include "crypto/x25519.hpp"

namespace gatehouse::config {
namespace {

// All that stands before the 32 bytes in DER, which has one form for each value (RFC 8410, 10.3).
constexpr std::string_view kPrivateHead{
    "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", 16};
constexpr std::string_view kPublicHead{"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12};

constexpr std::string_view kBegin = "-----BEGIN PRIVATE KEY-----\n";
constexpr std::string_view kEnd = "\n-----END PRIVATE KEY-----";

}  // namespace

Secret identity_key_pem(const Secret& private_key) {
  GATEHOUSE_ASSERT(private_key.size() == crypto::kEd25519KeyBytes);
  std::string der(kPrivateHead);
  der += private_key.reveal();
  const Secret text(crypto::base64_encode(der));  // one line of 64
  wipe(der.data(), der.size());
  std::string pem(kBegin);
  pem.append(text.reveal()).append(kEnd).push_back('\n');
  return Secret(std::move(pem));
}

Result<Secret> read_identity_key(std::string_view pem) {
  const auto none = [] {
    return fail(Errc::kInvalid,
                "is no Ed25519 private key in PEM without a password: `gatectl identity` makes "
                "one");
  };
  while (!pem.empty() && (pem.back() == '\n' || pem.back() == '\r')) pem.remove_suffix(1);
  if (!pem.starts_with(kBegin) || !pem.ends_with(kEnd) || pem.size() < kBegin.size() + kEnd.size())
    return none();
  pem = pem.substr(kBegin.size(), pem.size() - kBegin.size() - kEnd.size());
  auto decoded = crypto::base64_decode(pem);
  if (!decoded) return none();
  const Secret der(std::move(*decoded));
  if (der.size() != kPrivateHead.size() + crypto::kEd25519KeyBytes ||
      !der.reveal().starts_with(kPrivateHead))
    return none();
  return Secret(std::string(der.reveal().substr(kPrivateHead.size())));
}

std::string identity_public_pem(std::string_view public_key) {
  GATEHOUSE_ASSERT(public_key.size() == crypto::kEd25519KeyBytes);
  std::string der(kPublicHead);
  der += public_key;
  return "-----BEGIN PUBLIC KEY-----\n" + crypto::base64_encode(der) +
         "\n-----END PUBLIC KEY-----\n";
}

}  // namespace gatehouse::config
