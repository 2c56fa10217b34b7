#include "crypto/md5.hpp"

#include "crypto/evp.hpp"

namespace gatehouse::crypto {
namespace {

constexpr std::size_t kMd5BlockBytes = 16;

// Encrypts or decrypts: the encrypted side of each block makes the stream for the next.
std::string apply_stream(std::string_view text, std::string_view key, std::string_view seed,
                         bool encrypts) {
  std::string result;
  result.reserve(text.size());
  std::string input(seed);
  while (!text.empty()) {
    input.resize(kMd5BlockBytes, '\0');
    input += key;
    const std::string stream = md5(input);
    const std::string_view block = text.substr(0, kMd5BlockBytes);
    const std::size_t done = result.size();
    for (std::size_t i = 0; i < block.size(); ++i) {
      result += static_cast<char>(block[i] ^ stream[i]);
    }
    input = encrypts ? result.substr(done) : std::string(block);
    text.remove_prefix(block.size());
  }
  return result;
}

}  // namespace

std::string md5(std::string_view text) {
  return evp_digest(EvpHash::kMd5, text);
}

std::string hmac_md5(std::string_view key, std::string_view text) {
  return evp_hmac(EvpHash::kMd5, key, text);
}

Result<std::string> md5_crypt(std::string_view text, std::string_view key, std::string_view seed) {
  if (key.size() > kMd5KeyBytesMax) return fail(Errc::kInvalid, "key too long (> 256)");
  if (seed.size() > kMd5SeedBytesMax) return fail(Errc::kInvalid, "seed too long (> 16)");
  std::string result(1, static_cast<char>(seed.size()));
  result += seed;
  result += apply_stream(text, key, seed, true);
  return result;
}

Result<std::string> md5_decrypt(std::string_view bytes, std::string_view key) {
  const std::size_t seed_bytes = bytes.empty() ? 0 : static_cast<unsigned char>(bytes[0]);
  if (bytes.size() < 1 + seed_bytes || seed_bytes > kMd5SeedBytesMax) {
    return fail(Errc::kInvalid, "invalid cyphered string");
  }
  if (key.size() > kMd5KeyBytesMax) return fail(Errc::kInvalid, "key too long (> 256)");
  return apply_stream(bytes.substr(1 + seed_bytes), key, bytes.substr(1, seed_bytes), false);
}

}  // namespace gatehouse::crypto
