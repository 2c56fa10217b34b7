#include "crypto/x25519.hpp"

#include <openssl/evp.h>

#include <memory>

#include "base/assert.hpp"
#include "crypto/digest.hpp"
#include "crypto/evp.hpp"

namespace gatehouse::crypto {

namespace {

struct FreeEvp {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeEvp>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeEvp>;
using SignContext = std::unique_ptr<EVP_MD_CTX, FreeEvp>;

tl::unexpected<Error> bad_size(std::string_view what) {
  return fail(Errc::kInvalid, std::string(what) + " has a wrong size");
}

// `bytes` have the size of the type's keys: both calls fail only for want of memory.
Key private_key_of(int type, std::string_view bytes) {
  Key key(EVP_PKEY_new_raw_private_key(type, nullptr, octets(bytes), bytes.size()));
  GATEHOUSE_ASSERT(key);
  return key;
}
Key public_key_of(int type, std::string_view bytes) {
  Key key(EVP_PKEY_new_raw_public_key(type, nullptr, octets(bytes), bytes.size()));
  GATEHOUSE_ASSERT(key);
  return key;
}

std::string raw_public(EVP_PKEY* key, std::size_t size) {
  std::string bytes(size, '\0');
  GATEHOUSE_ASSERT(EVP_PKEY_get_raw_public_key(key, octets(bytes), &size) == 1 &&
                   size == bytes.size());
  return bytes;
}

}  // namespace

Result<std::string> x25519_public(std::string_view private_key) {
  if (private_key.size() != kX25519KeyBytes) return bad_size("x25519 private key");
  return raw_public(private_key_of(EVP_PKEY_X25519, private_key).get(), kX25519KeyBytes);
}

Result<Secret> x25519_shared(std::string_view private_key, std::string_view peer_public) {
  if (private_key.size() != kX25519KeyBytes) return bad_size("x25519 private key");
  if (peer_public.size() != kX25519KeyBytes) return bad_size("x25519 public key");
  const Key own = private_key_of(EVP_PKEY_X25519, private_key);
  const Key peer = public_key_of(EVP_PKEY_X25519, peer_public);
  const KeyContext context(EVP_PKEY_CTX_new(own.get(), nullptr));
  GATEHOUSE_ASSERT(context && EVP_PKEY_derive_init(context.get()) == 1 &&
                   EVP_PKEY_derive_set_peer(context.get(), peer.get()) == 1);
  std::string shared(kX25519KeyBytes, '\0');
  std::size_t size = shared.size();
  const bool derived = EVP_PKEY_derive(context.get(), octets(shared), &size) == 1;
  // OpenSSL refuses the all-zero value itself; looking again keeps the rule ours.
  if (!derived || constant_time_equal(shared, std::string(kX25519KeyBytes, '\0'))) {
    return fail(Errc::kDenied, "x25519 public key of small order");
  }
  return Secret(std::move(shared));
}

Result<std::string> ed25519_public(std::string_view private_key) {
  if (private_key.size() != kEd25519KeyBytes) return bad_size("ed25519 private key");
  return raw_public(private_key_of(EVP_PKEY_ED25519, private_key).get(), kEd25519KeyBytes);
}

Result<std::string> ed25519_sign(std::string_view private_key, std::string_view message) {
  if (private_key.size() != kEd25519KeyBytes) return bad_size("ed25519 private key");
  const Key key = private_key_of(EVP_PKEY_ED25519, private_key);
  const SignContext context(EVP_MD_CTX_new());
  std::string signature(kEd25519SignatureBytes, '\0');
  std::size_t size = signature.size();
  GATEHOUSE_ASSERT(context &&
                   EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
                   EVP_DigestSign(context.get(), octets(signature), &size, octets(message),
                                  message.size()) == 1 &&
                   size == signature.size());
  return signature;
}

bool ed25519_verify(std::string_view public_key, std::string_view message,
                    std::string_view signature) {
  if (public_key.size() != kEd25519KeyBytes) return false;
  if (signature.size() != kEd25519SignatureBytes) return false;
  const Key key = public_key_of(EVP_PKEY_ED25519, public_key);
  const SignContext context(EVP_MD_CTX_new());
  GATEHOUSE_ASSERT(context &&
                   EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  return EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(message),
                          message.size()) == 1;
}

}  // namespace gatehouse::crypto
