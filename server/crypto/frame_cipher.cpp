#include "crypto/frame_cipher.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdint>

#include "base/assert.hpp"
#include "crypto/evp.hpp"

namespace gatehouse::crypto {
namespace {

unsigned char* writable(char* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}

}  // namespace

FrameCipher::Key::Key(FrameCipher& cipher, const Secret& bytes) : cipher_(cipher) {
  GATEHOUSE_ASSERT(bytes.size() == bytes_.size());
  std::ranges::copy(bytes.reveal(), bytes_.begin());
}

FrameCipher::Key::~Key() {
  cipher_.forget(*this);
  wipe(bytes_.data(), bytes_.size());
}

FrameCipher::FrameCipher() : cipher_(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr)) {
  GATEHOUSE_ASSERT(cipher_ != nullptr);
}

FrameCipher::~FrameCipher() {
  GATEHOUSE_ASSERT(contexts() == 0);  // every key is gone, and took its own along
  EVP_CIPHER_free(cipher_);
}

void FrameCipher::seal(const Key& key, std::string_view nonce, char* text, std::size_t size) {
  EVP_CIPHER_CTX* const context = begin(key, nonce, true);
  int done = 0;
  GATEHOUSE_ASSERT(size == 0 || (EVP_CipherUpdate(context, writable(text), &done, writable(text),
                                                  static_cast<int>(size)) == 1 &&
                                 done == static_cast<int>(size)));
  GATEHOUSE_ASSERT(EVP_CipherFinal_ex(context, writable(text) + size, &done) == 1 && done == 0 &&
                   EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kGcmTagBytes, text + size) ==
                       1);
}

bool FrameCipher::open(const Key& key, std::string_view nonce, std::string_view sealed,
                       char* into) {
  if (sealed.size() < kGcmTagBytes) return false;
  const std::size_t size = sealed.size() - kGcmTagBytes;
  EVP_CIPHER_CTX* const context = begin(key, nonce, false);
  int done = 0;
  GATEHOUSE_ASSERT(size == 0 || (EVP_CipherUpdate(context, writable(into), &done, octets(sealed),
                                                  static_cast<int>(size)) == 1 &&
                                 done == static_cast<int>(size)));
  std::array<unsigned char, kGcmTagBytes> tag;
  std::ranges::copy(sealed.substr(size), tag.begin());
  GATEHOUSE_ASSERT(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kGcmTagBytes, tag.data()) ==
                   1);
  if (EVP_CipherFinal_ex(context, tag.data(), &done) == 1) return true;
  ERR_clear_error();
  return false;
}

std::size_t FrameCipher::contexts() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(slots_, [](const Slot& slot) { return slot.context != nullptr; }));
}

FrameCipher::Slot* FrameCipher::slots_of(const Key& key) {
  constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;  // Fibonacci hashing
  constexpr std::size_t kSets = kContexts / kWays;
  static_assert((kSets & (kSets - 1)) == 0);
  const std::uint64_t hash = reinterpret_cast<std::uintptr_t>(&key) * kGolden;
  return &slots_[(hash >> 32) % kSets * kWays];
}

EVP_CIPHER_CTX* FrameCipher::begin(const Key& key, std::string_view nonce, bool seals) {
  GATEHOUSE_ASSERT(nonce.size() == kGcmNonceBytes && &key.cipher_ == this);
  Slot* const first = slots_of(key);
  Slot* const end = first + kWays;
  Slot* const found = std::find_if(first, end, [&](const Slot& slot) { return slot.key == &key; });
  const bool known = found != end;
  Slot* const taken = known ? found : end - 1;
  std::rotate(first, taken, taken + 1);
  const bool fresh = first->context == nullptr;
  if (fresh) first->context = EVP_CIPHER_CTX_new();
  first->key = &key;
  const std::string_view bytes(key.bytes_.data(), key.bytes_.size());
  GATEHOUSE_ASSERT(first->context != nullptr &&
                   EVP_CipherInit_ex2(first->context, fresh ? cipher_ : nullptr,
                                      known ? nullptr : octets(bytes), octets(nonce), seals ? 1 : 0,
                                      nullptr) == 1);
  return first->context;
}

void FrameCipher::forget(const Key& key) {
  Slot* const first = slots_of(key);
  Slot* const found =
      std::find_if(first, first + kWays, [&](const Slot& slot) { return slot.key == &key; });
  if (found == first + kWays) return;
  EVP_CIPHER_CTX_free(found->context);  // which wipes the schedule
  *found = {};
}

}  // namespace gatehouse::crypto
