#include "crypto/identity_key.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

#include "base/assert.hpp"
#include "crypto/evp.hpp"
#include "crypto/x25519.hpp"

namespace gatehouse::crypto {
namespace {

struct FreeIdentity {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using IdentityKey = std::unique_ptr<EVP_PKEY, FreeIdentity>;
using IdentityBio = std::unique_ptr<BIO, FreeIdentity>;

// Instead of OpenSSL's own, which asks on the terminal.
int refuse_password(char*, int, int, void*) {
  return -1;
}

std::string taken_from(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  GATEHOUSE_ASSERT(size > 0);
  return {bytes, static_cast<std::size_t>(size)};
}

}  // namespace

Secret identity_key_pem(const Secret& private_key) {
  GATEHOUSE_ASSERT(private_key.size() == kEd25519KeyBytes);
  const IdentityKey key(EVP_PKEY_new_raw_private_key(
      EVP_PKEY_ED25519, nullptr, octets(private_key.reveal()), private_key.size()));
  const IdentityBio out(BIO_new(BIO_s_secmem()));
  GATEHOUSE_ASSERT(key && out &&
                   PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                                 nullptr) == 1);
  return Secret(taken_from(out.get()));
}

Result<Secret> read_identity_key(std::string_view pem) {
  const IdentityBio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  GATEHOUSE_ASSERT(in);
  const IdentityKey key(PEM_read_bio_PrivateKey(in.get(), nullptr, refuse_password, nullptr));
  ERR_clear_error();
  if (!key || EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519) {
    return fail(
        Errc::kInvalid,
        "is no Ed25519 private key in PEM without a password: `gatectl identity` makes one");
  }
  std::string bytes(kEd25519KeyBytes, '\0');
  std::size_t size = bytes.size();
  GATEHOUSE_ASSERT(EVP_PKEY_get_raw_private_key(key.get(), octets(bytes), &size) == 1 &&
                   size == bytes.size());
  return Secret(std::move(bytes));
}

std::string identity_public_pem(std::string_view public_key) {
  GATEHOUSE_ASSERT(public_key.size() == kEd25519KeyBytes);
  const IdentityKey key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets(public_key),
                                                    public_key.size()));
  const IdentityBio out(BIO_new(BIO_s_mem()));
  GATEHOUSE_ASSERT(key && out && PEM_write_bio_PUBKEY(out.get(), key.get()) == 1);
  return taken_from(out.get());
}

}  // namespace gatehouse::crypto
