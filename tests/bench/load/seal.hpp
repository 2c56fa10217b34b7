// Sealed frames of one direction (docs/protocol.md 3.6): AES-256-GCM with a counter as nonce.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct evp_cipher_ctx_st;

namespace gatehouse::bench {

class Seal {
 public:
  enum class Side : std::uint8_t { kToServer, kToClient };
  static constexpr std::size_t kTagBytes = 16;

  // text: the handshake without its mac. A direction either seals or opens.
  Seal(std::string_view secret, std::string_view text, Side side);

  // Appends the sealed body.
  void seal(std::string_view body, std::string& out);
  // The body, valid until the next call; false: it is not the next one of this direction.
  bool open(std::string_view sealed, std::string_view& body);

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  void next_nonce(unsigned char* nonce);

  std::unique_ptr<evp_cipher_ctx_st, Free> context_;
  std::string opened_;
  std::uint64_t counter_ = 0;
};

}  // namespace gatehouse::bench
