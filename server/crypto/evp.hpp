// The layer's own door to OpenSSL's digests; other layers use digest.hpp and skynet_suite.hpp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gatehouse::crypto {

enum class EvpHash { kMd5, kSha1, kSha256, kSha512 };

// The bytes of a digest.
[[nodiscard]] constexpr std::size_t evp_digest_bytes(EvpHash hash) {
  switch (hash) {
    case EvpHash::kMd5:
      return 16;
    case EvpHash::kSha1:
      return 20;
    case EvpHash::kSha256:
      return 32;
    case EvpHash::kSha512:
      break;
  }
  return 64;
}

// The bytes as OpenSSL takes them.
[[nodiscard]] inline const unsigned char* octets(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
[[nodiscard]] inline unsigned char* octets(std::string& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

// Both return evp_digest_bytes() bytes, and abort when OpenSSL fails.
[[nodiscard]] std::string evp_digest(EvpHash hash, std::string_view text);
[[nodiscard]] std::string evp_hmac(EvpHash hash, std::string_view key, std::string_view text);

}  // namespace gatehouse::crypto
