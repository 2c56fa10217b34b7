#include "crypto/aes_gcm.hpp"

#include <openssl/evp.h>

#include <limits>
#include <memory>

#include "base/assert.hpp"
#include "crypto/evp.hpp"

namespace gatehouse::crypto {

namespace {

struct FreeCipherContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipherContext>;

// OpenSSL counts in int.
constexpr std::size_t kBytesMax = std::numeric_limits<int>::max() - kGcmTagBytes;

Result<CipherContext> start(std::string_view key, std::string_view nonce, std::size_t text_size,
                            std::string_view additional, bool seal) {
  if (key.size() != kGcmKeyBytes) return fail(Errc::kInvalid, "aes key has a wrong size");
  if (nonce.size() != kGcmNonceBytes) return fail(Errc::kInvalid, "gcm nonce has a wrong size");
  if (text_size > kBytesMax || additional.size() > kBytesMax) {
    return fail(Errc::kInvalid, "text too long for gcm");
  }
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  CipherContext context(EVP_CIPHER_CTX_new());
  int size = 0;
  GATEHOUSE_ASSERT(context && EVP_CipherInit_ex2(context.get(), cipher, octets(key), octets(nonce),
                                                 seal ? 1 : 0, nullptr) == 1);
  if (!additional.empty()) {
    GATEHOUSE_ASSERT(EVP_CipherUpdate(context.get(), nullptr, &size, octets(additional),
                                      static_cast<int>(additional.size())) == 1);
  }
  return context;
}

// Runs `in` through the cipher into the front of `out`, which is at least as long.
void run(EVP_CIPHER_CTX* context, std::string_view in, std::string& out) {
  if (in.empty()) return;
  int size = 0;
  GATEHOUSE_ASSERT(EVP_CipherUpdate(context, reinterpret_cast<unsigned char*>(out.data()), &size,
                                    octets(in), static_cast<int>(in.size())) == 1);
  GATEHOUSE_ASSERT(static_cast<std::size_t>(size) == in.size());
}

// The last step: makes the tag when sealing, compares it when opening.
bool finish(EVP_CIPHER_CTX* context) {
  unsigned char nothing[EVP_MAX_BLOCK_LENGTH];
  int size = 0;
  return EVP_CipherFinal_ex(context, nothing, &size) == 1;
}

}  // namespace

Result<std::string> aes256_gcm_seal(std::string_view key, std::string_view nonce,
                                    std::string_view plaintext, std::string_view additional) {
  const auto context = start(key, nonce, plaintext.size(), additional, true);
  if (!context) return tl::unexpected(context.error());
  std::string sealed(plaintext.size() + kGcmTagBytes, '\0');
  run(context->get(), plaintext, sealed);
  GATEHOUSE_ASSERT(finish(context->get()) &&
                   EVP_CIPHER_CTX_ctrl(context->get(), EVP_CTRL_AEAD_GET_TAG, kGcmTagBytes,
                                       sealed.data() + plaintext.size()) == 1);
  return sealed;
}

Result<Secret> aes256_gcm_open(std::string_view key, std::string_view nonce,
                               std::string_view sealed, std::string_view additional) {
  if (sealed.size() < kGcmTagBytes) return fail(Errc::kInvalid, "sealed text has no tag");
  const std::string_view ciphertext = sealed.substr(0, sealed.size() - kGcmTagBytes);
  std::string tag(sealed.substr(ciphertext.size()));
  const auto context = start(key, nonce, ciphertext.size(), additional, false);
  if (!context) return tl::unexpected(context.error());
  std::string plaintext(ciphertext.size(), '\0');
  run(context->get(), ciphertext, plaintext);
  GATEHOUSE_ASSERT(
      EVP_CIPHER_CTX_ctrl(context->get(), EVP_CTRL_AEAD_SET_TAG, kGcmTagBytes, tag.data()) == 1);
  Secret opened(std::move(plaintext));
  if (!finish(context->get())) return fail(Errc::kDenied, "sealed text was changed");
  return opened;
}

}  // namespace gatehouse::crypto
