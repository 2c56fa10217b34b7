#include <array>
#include <bit>

#include "base/bytes.hpp"
#include "crypto/evp.hpp"
#include "crypto/skynet_suite.hpp"

namespace gatehouse::crypto {

namespace {

using Md5State = std::array<std::uint32_t, 4>;
using Md5Block = std::array<std::uint32_t, 16>;

constexpr Md5State kMd5Start = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

// The table T of RFC 1321 section 3.4: the integer part of 2^32 * abs(sin(i + 1)).
constexpr std::array<std::uint32_t, 64> kMd5Sines = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};

// Rotations of the four rounds, repeating every four steps.
constexpr int kMd5Shifts[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

// The 64 steps of RFC 1321 section 3.4 from the standard start. The last act of MD5, adding the
// start to the result, is left out: that is how docs/protocol.md 2.3 defines hmac64.
Md5State md5_steps(const Md5Block& block) {
  auto [a, b, c, d] = kMd5Start;
  for (unsigned step = 0; step < 64; ++step) {
    std::uint32_t mixed = 0;
    unsigned word = 0;
    switch (step / 16) {
      case 0:
        mixed = (b & c) | (~b & d);
        word = step;
        break;
      case 1:
        mixed = (b & d) | (c & ~d);
        word = 5 * step + 1;
        break;
      case 2:
        mixed = b ^ c ^ d;
        word = 3 * step + 5;
        break;
      default:
        mixed = c ^ (b | ~d);
        word = 7 * step;
        break;
    }
    const std::uint32_t sum = a + mixed + block[word % 16] + kMd5Sines[step];
    a = d;
    d = c;
    c = b;
    b += std::rotl(sum, kMd5Shifts[step / 16][step % 4]);
  }
  return {a, b, c, d};
}

// `x` and `y` are 8 bytes each.
std::string mix(std::string_view x, std::string_view y) {
  Md5Block block;
  for (std::size_t i = 0; i < block.size(); i += 4) {
    block[i] = load_le32(x.data() + 4);
    block[i + 1] = load_le32(x.data());
    block[i + 2] = load_le32(y.data() + 4);
    block[i + 3] = load_le32(y.data());
  }
  const auto [a, b, c, d] = md5_steps(block);
  std::string mac(kSkynetKeyBytes, '\0');
  store_le32(mac.data(), c ^ d);
  store_le32(mac.data() + 4, a ^ b);
  return mac;
}

}  // namespace

Result<std::string> hmac64(std::string_view x, std::string_view y) {
  if (x.size() != kSkynetKeyBytes) return fail(Errc::kInvalid, "Invalid uint64 x");
  if (y.size() != kSkynetKeyBytes) return fail(Errc::kInvalid, "Invalid uint64 y");
  return mix(x, y);
}

Result<std::string> hmac64_md5(std::string_view x, std::string_view y) {
  if (x.size() != kSkynetKeyBytes) return fail(Errc::kInvalid, "Invalid uint64 x");
  if (y.size() != kSkynetKeyBytes) return fail(Errc::kInvalid, "Invalid uint64 y");
  std::string text;
  for (int i = 0; i < 3; ++i) text.append(x).append(y);
  const std::string md5 = evp_digest(EvpHash::kMd5, text);
  return xor_str(std::string_view(md5).substr(0, 8), std::string_view(md5).substr(8));
}

std::string hash_key(std::string_view text) {
  std::uint32_t bernstein = 5381;
  std::uint32_t sobel = 1315423911;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    bernstein = bernstein * 33 + byte;
    sobel ^= (sobel << 5) + byte + (sobel >> 2);
  }
  std::string key(kSkynetKeyBytes, '\0');
  store_le32(key.data(), bernstein);
  store_le32(key.data() + 4, sobel);
  return key;
}

Result<std::string> hmac_hash(std::string_view key, std::string_view text) {
  if (key.size() != kSkynetKeyBytes) return fail(Errc::kInvalid, "Invalid uint64 key");
  return mix(hash_key(text), key);
}

std::string sha1(std::string_view text) {
  return evp_digest(EvpHash::kSha1, text);
}

std::string hmac_sha1(std::string_view key, std::string_view text) {
  return evp_hmac(EvpHash::kSha1, key, text);
}

Result<std::string> xor_str(std::string_view text, std::string_view key) {
  if (key.empty()) return fail(Errc::kInvalid, "Can't xor empty string");
  std::string mixed(text);
  for (std::size_t i = 0; i < mixed.size(); ++i) {
    mixed[i] = static_cast<char>(mixed[i] ^ key[i % key.size()]);
  }
  return mixed;
}

}  // namespace gatehouse::crypto
