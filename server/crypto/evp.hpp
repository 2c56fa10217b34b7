// The layer's own door to OpenSSL's digests; other layers use digest.hpp and skynet_suite.hpp.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::crypto {

enum class EvpHash { kMd5, kSha1, kSha256 };

// Both return as many bytes as the hash has, and abort when OpenSSL fails.
[[nodiscard]] std::string evp_digest(EvpHash hash, std::string_view text);
[[nodiscard]] std::string evp_hmac(EvpHash hash, std::string_view key, std::string_view text);

}  // namespace gatehouse::crypto
