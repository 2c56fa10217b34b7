// OpenSSL deprecates its plain DES calls in favour of a provider that has to be installed and
// loaded; nothing else knows DES without one.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/des.h>

#include <cstring>

#include "base/secret.hpp"
#include "crypto/skynet_suite.hpp"

namespace gatehouse::crypto {

namespace {

constexpr std::size_t kDesBlockBytes = 8;

// The sixteen round keys of one key, wiped at the end of its life.
class DesKey {
 public:
  // `key` is 8 bytes; parity bits are ignored.
  explicit DesKey(std::string_view key) {
    DES_cblock block;
    std::memcpy(block, key.data(), kDesBlockBytes);
    DES_set_key_unchecked(&block, &schedule_);
    wipe(block, sizeof block);
  }
  DesKey(const DesKey&) = delete;
  DesKey& operator=(const DesKey&) = delete;
  ~DesKey() { wipe(&schedule_, sizeof schedule_); }

  // Each block of `bytes` in its place; direction is DES_ENCRYPT or DES_DECRYPT.
  void crypt(std::string& bytes, int direction) {
    for (std::size_t at = 0; at < bytes.size(); at += kDesBlockBytes) {
      auto* block = reinterpret_cast<DES_cblock*>(bytes.data() + at);
      DES_ecb_encrypt(block, block, &schedule_, direction);
    }
  }

 private:
  DES_key_schedule schedule_;
};

tl::unexpected<Error> bad_key_size(std::size_t size) {
  return fail(Errc::kInvalid, "Invalid key size " + std::to_string(size) + ", need 8 bytes");
}

// The length of the padding at the end of `bytes`, at least one block; 0 when there is none.
std::size_t padding_length(std::string_view bytes, DesPadding padding) {
  if (padding == DesPadding::kPkcs7) {
    const auto length = static_cast<unsigned char>(bytes.back());
    if (length > kDesBlockBytes) return 0;
    for (const char c : bytes.substr(bytes.size() - length)) {
      if (static_cast<unsigned char>(c) != length) return 0;
    }
    return length;
  }
  for (std::size_t length = 1; length <= kDesBlockBytes; ++length) {
    const char c = bytes[bytes.size() - length];
    if (c == '\x80') return length;
    if (c != '\0') return 0;
  }
  return 0;
}

}  // namespace

Result<DesPadding> des_padding(std::int64_t mode) {
  if (mode == 0) return DesPadding::kIso7816_4;
  if (mode == 1) return DesPadding::kPkcs7;
  return fail(Errc::kInvalid, "Invalid padding mode " + std::to_string(mode));
}

Result<std::string> des_encode(std::string_view key, std::string_view text, DesPadding padding) {
  if (key.size() != kSkynetKeyBytes) return bad_key_size(key.size());
  const std::size_t added = kDesBlockBytes - text.size() % kDesBlockBytes;
  std::string bytes;
  bytes.reserve(text.size() + added);
  bytes.append(text);
  if (padding == DesPadding::kPkcs7) {
    bytes.append(added, static_cast<char>(added));
  } else {
    bytes += '\x80';
    bytes.append(added - 1, '\0');
  }
  DesKey(key).crypt(bytes, DES_ENCRYPT);
  return bytes;
}

Result<std::string> des_decode(std::string_view key, std::string_view text, DesPadding padding) {
  if (key.size() != kSkynetKeyBytes) return bad_key_size(key.size());
  if (text.empty() || text.size() % kDesBlockBytes != 0) {
    return fail(Errc::kInvalid, "Invalid des crypt text length " + std::to_string(text.size()));
  }
  std::string bytes(text);
  DesKey(key).crypt(bytes, DES_DECRYPT);
  const std::size_t added = padding_length(bytes, padding);
  if (added == 0) return fail(Errc::kInvalid, "Invalid des crypt text");
  bytes.resize(bytes.size() - added);
  return bytes;
}

}  // namespace gatehouse::crypto
