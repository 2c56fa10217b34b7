#include "crypto/digest.hpp"

#include <openssl/crypto.h>

#include "base/assert.hpp"
#include "crypto/evp.hpp"

namespace gatehouse::crypto {

std::string sha256(std::string_view text) {
  return evp_digest(EvpHash::kSha256, text);
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
  return evp_hmac(EvpHash::kSha256, key, text);
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace gatehouse::crypto
