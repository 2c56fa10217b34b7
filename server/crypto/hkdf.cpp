#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <memory>

#include "base/assert.hpp"
#include "crypto/digest.hpp"

namespace gatehouse::crypto {

namespace {

struct FreeKdfContext {
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};
using KdfContext = std::unique_ptr<EVP_KDF_CTX, FreeKdfContext>;

OSSL_PARAM octet_param(const char* name, std::string_view bytes) {
  // OpenSSL refuses a null pointer even where no byte is meant.
  if (bytes.empty()) bytes = "";
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(bytes.data()), bytes.size());
}

}  // namespace

Secret hkdf_sha256(std::string_view input_key, std::string_view salt, std::string_view info,
                   std::size_t size) {
  GATEHOUSE_ASSERT(size > 0 && size <= 255 * kSha256Bytes);
  static EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  const KdfContext context(EVP_KDF_CTX_new(kdf));
  char hash[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, 0),
      octet_param(OSSL_KDF_PARAM_KEY, input_key), octet_param(OSSL_KDF_PARAM_SALT, salt),
      octet_param(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  std::string out(size, '\0');
  GATEHOUSE_ASSERT(context &&
                   EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(out.data()), size,
                                  parameters) == 1);
  return Secret(std::move(out));
}

}  // namespace gatehouse::crypto
