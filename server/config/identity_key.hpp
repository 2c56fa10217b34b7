// The server's identity, an Ed25519 key, in the forms that files and clients have (RFC 8410).
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace gatehouse::config {

// PEM of PKCS #8, as `openssl genpkey -algorithm ed25519` writes it; `private_key` is raw,
// crypto::kEd25519KeyBytes.
[[nodiscard]] Secret identity_key_pem(const Secret& private_key);

// The raw private key; kInvalid for any other text, and for a key that has a password.
[[nodiscard]] Result<Secret> read_identity_key(std::string_view pem);

// PEM of the SubjectPublicKeyInfo; `public_key` is raw.
[[nodiscard]] std::string identity_public_pem(std::string_view public_key);

}  // namespace gatehouse::config
