// One-time codes of authenticator apps: TOTP (RFC 6238) as they all speak it, HMAC-SHA-1, six
// digits, steps of 30 seconds from 1970. Pure functions: any thread, no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/random.hpp"
#include "base/secret.hpp"

namespace gatehouse::crypto {

inline constexpr std::int64_t kTotpStepSeconds = 30;
inline constexpr std::size_t kTotpDigits = 6;
// The length of an HMAC-SHA-1, which RFC 4226 (section 4, R6) recommends.
inline constexpr std::size_t kTotpKeyBytes = 20;

// The step that a time is in; a time before 1970 is in step 0.
[[nodiscard]] std::uint64_t totp_step(std::int64_t unix_s);

// HOTP(key, step) of RFC 4226, six ASCII digits.
[[nodiscard]] Secret totp_code(const Secret& key, std::uint64_t step);

// The step whose code this is, out of the current one, the one before and the one after; the
// latest where a code belongs to several. Nothing for any other code, and for a text that is not
// six ASCII digits. The time taken tells neither which step it is nor how much of a code is
// right. A code is good for one login: the caller keeps the step and refuses that and older ones.
[[nodiscard]] std::optional<std::uint64_t> totp_match(const Secret& key, std::string_view code,
                                                      std::int64_t unix_s);

// kTotpKeyBytes random bytes.
[[nodiscard]] Secret new_totp_key(Random& random);

// "otpauth://totp/ISSUER:ACCOUNT?secret=BASE32&issuer=ISSUER", what apps read from a QR code.
// Issuer and account are percent-encoded (RFC 3986 section 2.1).
[[nodiscard]] Secret totp_uri(std::string_view issuer, std::string_view account, const Secret& key);

}  // namespace gatehouse::crypto
