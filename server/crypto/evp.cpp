#include "crypto/evp.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <memory>

#include "base/assert.hpp"

namespace gatehouse::crypto {

namespace {

struct FreeMacContext {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using MacContext = std::unique_ptr<EVP_MAC_CTX, FreeMacContext>;

constexpr std::array<const char*, 4> kHashNames = {"MD5", "SHA1", "SHA256", "SHA512"};

// What OpenSSL looks up by name, which costs more than hashing a line: done once. The objects
// are immutable, shared by all threads and live as long as the process.
struct Algorithm {
  explicit Algorithm(const char* hash_name) : digest(EVP_MD_fetch(nullptr, hash_name, nullptr)) {
    EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    GATEHOUSE_ASSERT(digest != nullptr && mac != nullptr);
    keyless_mac.reset(EVP_MAC_CTX_new(mac));
    EVP_MAC_free(mac);
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(hash_name), 0),
        OSSL_PARAM_construct_end()};
    GATEHOUSE_ASSERT(keyless_mac && EVP_MAC_CTX_set_params(keyless_mac.get(), parameters) == 1);
  }

  EVP_MD* digest;
  MacContext keyless_mac;  // copied for every computation
};

const Algorithm& algorithm(EvpHash hash) {
  // Never freed: a thread may still hash while the process runs its exit handlers.
  static const auto* const algorithms =
      new std::array<Algorithm, 4>{Algorithm(kHashNames[0]), Algorithm(kHashNames[1]),
                                   Algorithm(kHashNames[2]), Algorithm(kHashNames[3])};
  return (*algorithms)[static_cast<std::size_t>(hash)];
}

}  // namespace

std::string evp_digest(EvpHash hash, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out;
  unsigned int size = 0;
  GATEHOUSE_ASSERT(EVP_Digest(text.data(), text.size(), out.data(), &size, algorithm(hash).digest,
                              nullptr) == 1);
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string evp_hmac(EvpHash hash, std::string_view key, std::string_view text) {
  // OpenSSL takes a null key for "keep the key there is".
  if (key.empty()) key = "";
  const MacContext context(EVP_MAC_CTX_dup(algorithm(hash).keyless_mac.get()));
  std::array<unsigned char, EVP_MAX_MD_SIZE> out;
  std::size_t size = 0;
  GATEHOUSE_ASSERT(context &&
                   EVP_MAC_init(context.get(), reinterpret_cast<const unsigned char*>(key.data()),
                                key.size(), nullptr) == 1 &&
                   EVP_MAC_update(context.get(),
                                  reinterpret_cast<const unsigned char*>(text.data()),
                                  text.size()) == 1 &&
                   EVP_MAC_final(context.get(), out.data(), &size, out.size()) == 1);
  return {reinterpret_cast<const char*>(out.data()), size};
}

}  // namespace gatehouse::crypto
