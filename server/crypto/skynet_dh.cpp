#include "base/bytes.hpp"
#include "crypto/skynet_suite.hpp"

namespace gatehouse::crypto {

namespace {

__extension__ using Uint128 = unsigned __int128;

// a * b mod P. 2^64 is 59 modulo P, so the high word folds onto the low one.
std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t kFold = -kDhPrime;
  const Uint128 product = static_cast<Uint128>(a) * b;
  const Uint128 once = static_cast<Uint128>(static_cast<std::uint64_t>(product >> 64)) * kFold +
                       static_cast<std::uint64_t>(product);
  const Uint128 twice = static_cast<Uint128>(static_cast<std::uint64_t>(once >> 64)) * kFold +
                        static_cast<std::uint64_t>(once);
  // Below 2^64 + 59 * 60, which is less than twice P: one subtraction reduces it.
  const Uint128 less = twice - kDhPrime;
  const auto keep = static_cast<std::uint64_t>(less >> 127) * ~std::uint64_t{0};
  return (static_cast<std::uint64_t>(twice) & keep) | (static_cast<std::uint64_t>(less) & ~keep);
}

// base^exponent mod P; the work does not depend on the bits of the exponent.
std::uint64_t power(std::uint64_t base, std::uint64_t exponent) {
  std::uint64_t result = 1;
  for (int bit = 63; bit >= 0; --bit) {
    result = multiply(result, result);
    const std::uint64_t more = multiply(result, base);
    const std::uint64_t take = -(exponent >> bit & 1);
    result = (more & take) | (result & ~take);
  }
  return result;
}

std::string bytes_of(std::uint64_t value) {
  std::string bytes(kSkynetKeyBytes, '\0');
  store_le64(bytes.data(), value);
  return bytes;
}

}  // namespace

Result<std::string> dh_exchange(std::string_view key) {
  if (key.size() != kSkynetKeyBytes) return fail(Errc::kInvalid, "Invalid dh uint64 key");
  const std::uint64_t exponent = load_le64(key.data());
  if (exponent == 0) return fail(Errc::kInvalid, "Can't be 0");
  return bytes_of(power(kDhGenerator, exponent));
}

Result<std::string> dh_secret(std::string_view public_key, std::string_view private_key) {
  if (public_key.size() != kSkynetKeyBytes) return fail(Errc::kInvalid, "Invalid uint64 x");
  if (private_key.size() != kSkynetKeyBytes) return fail(Errc::kInvalid, "Invalid uint64 y");
  const std::uint64_t base = load_le64(public_key.data());
  const std::uint64_t exponent = load_le64(private_key.data());
  if (base == 0 || exponent == 0) return fail(Errc::kInvalid, "Can't be 0");
  // skynet reduces by multiplying, and an exponent of 1 multiplies nothing: P stays P.
  if (base == kDhPrime && exponent == 1) return std::string(public_key);
  return bytes_of(power(base, exponent));
}

bool weak_public_key(std::string_view public_key) {
  if (public_key.size() != kSkynetKeyBytes) return true;
  const std::uint64_t value = load_le64(public_key.data());
  return value <= 1 || value >= kDhPrime - 1;
}

}  // namespace gatehouse::crypto
