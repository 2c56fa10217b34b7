// X25519 (RFC 7748) and Ed25519 (RFC 8032) for the x25519 suite (docs/protocol.md 2.4). Keys are
// raw byte strings; one of a wrong size is kInvalid.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace gatehouse::crypto {

inline constexpr std::size_t kX25519KeyBytes = 32;
inline constexpr std::size_t kEd25519KeyBytes = 32;
inline constexpr std::size_t kEd25519SignatureBytes = 64;

[[nodiscard]] Result<std::string> x25519_public(std::string_view private_key);

// 32 bytes; kDenied when they would all be zero (a peer's point of small order).
[[nodiscard]] Result<Secret> x25519_shared(std::string_view private_key,
                                           std::string_view peer_public);

// What a client pins.
[[nodiscard]] Result<std::string> ed25519_public(std::string_view private_key);
[[nodiscard]] Result<std::string> ed25519_sign(std::string_view private_key,
                                               std::string_view message);

// False for a wrong signature and for a key or a signature that is none. For tests: the client's
// half.
[[nodiscard]] bool ed25519_verify(std::string_view public_key, std::string_view message,
                                  std::string_view signature);

}  // namespace gatehouse::crypto
