// AES-256-GCM (SP 800-38D). Keys and nonces are raw byte strings; one of a wrong size is kInvalid.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace gatehouse::crypto {

inline constexpr std::size_t kGcmKeyBytes = 32;
inline constexpr std::size_t kGcmNonceBytes = 12;
inline constexpr std::size_t kGcmTagBytes = 16;

// ciphertext || tag. The caller never repeats a nonce under one key.
[[nodiscard]] Result<std::string> aes256_gcm_seal(std::string_view key, std::string_view nonce,
                                                  std::string_view plaintext,
                                                  std::string_view additional);

// The plaintext of ciphertext || tag; kDenied when anything was changed.
[[nodiscard]] Result<Secret> aes256_gcm_open(std::string_view key, std::string_view nonce,
                                             std::string_view sealed, std::string_view additional);

}  // namespace gatehouse::crypto
