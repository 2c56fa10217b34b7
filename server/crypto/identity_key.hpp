// The server's identity, an Ed25519 key (RFC 8032), in the forms that files and clients have.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace gatehouse::crypto {

// PEM of PKCS #8 (RFC 8410), as `openssl genpkey -algorithm ed25519` writes it; `private_key` is
// raw, kEd25519KeyBytes.
[[nodiscard]] Secret identity_key_pem(const Secret& private_key);

// The raw private key; kInvalid for any other text, and for a key that has a password.
[[nodiscard]] Result<Secret> read_identity_key(std::string_view pem);

// PEM of the SubjectPublicKeyInfo (RFC 8410); `public_key` is raw, kEd25519KeyBytes.
[[nodiscard]] std::string identity_public_pem(std::string_view public_key);

}  // namespace gatehouse::crypto
