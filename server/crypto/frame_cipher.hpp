// AES-256-GCM (NIST SP 800-38D) of many short texts under many keys, in place and without
// additional data. A context of OpenSSL takes a kilobyte, and making its key schedule as long as a
// short text: a FrameCipher has a bounded number of contexts, which keep the schedules of the keys
// that were used last.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "base/secret.hpp"
#include "crypto/aes_gcm.hpp"

struct evp_cipher_ctx_st;
struct evp_cipher_st;

namespace gatehouse::crypto {

// One thread's; outlives its keys.
class FrameCipher {
 public:
  // Contexts, made as they are needed: so many keys are at work without a new schedule.
  static constexpr std::size_t kWays = 4;
  static constexpr std::size_t kContexts = 256;

  // A key. When it is destroyed it is wiped, and so is its schedule.
  class Key {
   public:
    // `bytes` are kGcmKeyBytes.
    Key(FrameCipher& cipher, const Secret& bytes);
    ~Key();
    Key(const Key&) = delete;
    Key& operator=(const Key&) = delete;

   private:
    friend class FrameCipher;
    FrameCipher& cipher_;
    std::array<char, kGcmKeyBytes> bytes_;
  };

  FrameCipher();
  ~FrameCipher();
  FrameCipher(const FrameCipher&) = delete;
  FrameCipher& operator=(const FrameCipher&) = delete;

  // Seals `size` bytes in place and writes the tag, kGcmTagBytes, behind them. `nonce` has
  // kGcmNonceBytes, and the caller never repeats one under one key.
  void seal(const Key& key, std::string_view nonce, char* text, std::size_t size);

  // Opens text || tag into `into`, which has room for the text and does not overlap. False when
  // anything was changed, or there is no tag: what is in `into` then means nothing.
  [[nodiscard]] bool open(const Key& key, std::string_view nonce, std::string_view sealed,
                          char* into);

  // Contexts that hold a schedule. For tests.
  [[nodiscard]] std::size_t contexts() const;

 private:
  struct Slot {
    const Key* key = nullptr;  // whose schedule it holds
    evp_cipher_ctx_st* context = nullptr;
  };

  // The slots that a key may have, the one used last in front.
  [[nodiscard]] Slot* slots_of(const Key& key);
  // A context with the key, ready for a text.
  [[nodiscard]] evp_cipher_ctx_st* begin(const Key& key, std::string_view nonce, bool seals);
  void forget(const Key& key);

  evp_cipher_st* const cipher_;
  std::array<Slot, kContexts> slots_{};
};

}  // namespace gatehouse::crypto
