#include "crypto/totp.hpp"

#include <array>
#include <string>

#include "base/bytes.hpp"
#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"
#include "crypto/evp.hpp"

namespace gatehouse::crypto {

namespace {

constexpr std::uint32_t kCodes = 1'000'000;
constexpr std::string_view kDigits = "0123456789";

// Percent-encodes all but the unreserved characters of RFC 3986 section 2.3.
std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string encoded;
  for (const char c : text) {
    if (kUnreserved.find(c) != std::string_view::npos) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kHex[byte >> 4];
    encoded += kHex[byte & 15];
  }
  return encoded;
}

}  // namespace

std::uint64_t totp_step(std::int64_t unix_s) {
  return unix_s < 0 ? 0 : static_cast<std::uint64_t>(unix_s / kTotpStepSeconds);
}

Secret totp_code(const Secret& key, std::uint64_t step) {
  std::array<char, 8> counter;
  store_be32(counter.data(), static_cast<std::uint32_t>(step >> 32));
  store_be32(counter.data() + 4, static_cast<std::uint32_t>(step));
  const Secret mac(evp_hmac(EvpHash::kSha1, key.reveal(), {counter.data(), counter.size()}));
  // Dynamic truncation (RFC 4226 section 5.3): the last four bits say where the number begins.
  const std::size_t at = static_cast<unsigned char>(mac.reveal().back()) & 15u;
  std::uint32_t number = (load_be32(mac.reveal().data() + at) & 0x7fffffffu) % kCodes;
  std::string code(kTotpDigits, '0');
  for (std::size_t i = kTotpDigits; i > 0; --i, number /= 10) code[i - 1] = kDigits[number % 10];
  return Secret(std::move(code));
}

std::optional<std::uint64_t> totp_match(const Secret& key, std::string_view code,
                                        std::int64_t unix_s) {
  if (code.size() != kTotpDigits || code.find_first_not_of(kDigits) != std::string_view::npos) {
    return std::nullopt;
  }
  const std::uint64_t now = totp_step(unix_s);
  const std::uint64_t first = now == 0 ? 0 : now - 1;
  std::uint64_t matched = 0;
  std::uint64_t any = 0;
  for (std::uint64_t step = first; step <= now + 1; ++step) {
    const std::uint64_t right = constant_time_equal(totp_code(key, step).reveal(), code) ? 1 : 0;
    const std::uint64_t take = -right;
    matched = (step & take) | (matched & ~take);
    any |= right;
  }
  if (any == 0) return std::nullopt;
  return matched;
}

Secret new_totp_key(Random& random) {
  return Secret(random.bytes(kTotpKeyBytes));
}

Secret totp_uri(std::string_view issuer, std::string_view account, const Secret& key) {
  const std::string from = percent_encoded(issuer);
  const std::string label = from + ':' + percent_encoded(account);
  const Secret key_text(base32_encode(key.reveal()));
  // Padding has no place in a URI, and apps do without.
  const std::string_view unpadded = key_text.reveal().substr(0, key_text.reveal().find('='));
  constexpr std::string_view kHead = "otpauth://totp/";
  constexpr std::string_view kSecret = "?secret=";
  constexpr std::string_view kIssuer = "&issuer=";
  std::string uri;
  uri.reserve(kHead.size() + label.size() + kSecret.size() + unpadded.size() + kIssuer.size() +
              from.size());
  uri.append(kHead).append(label).append(kSecret).append(unpadded).append(kIssuer).append(from);
  return Secret(std::move(uri));
}

}  // namespace gatehouse::crypto
