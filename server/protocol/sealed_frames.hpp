// Sealed frames (docs/protocol.md 3.19): the server's side of one gate connection, without I/O.
//
//   keys         HKDF-SHA256(ikm = the session's secret, salt = the handshake's text,
//                info = "gatehouse gate 1 c2s" | "gatehouse gate 1 s2c"), 32 bytes each
//   nonce        4 zero bytes, then the number of the body in its direction, from 0, u64 BE
//   sealed body  AES-256-GCM(key, nonce, body) || tag, kSealBytes more than the body
//
// Invariant: a number of a direction seals one body, and opens one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.hpp"
#include "base/secret.hpp"
#include "crypto/frame_cipher.hpp"

namespace gatehouse::protocol {

// What the sealed connections of one thread share; outlives them.
struct Sealer {
  crypto::FrameCipher cipher;
  std::array<char, kFrameBytesMax> opened;  // the body that was opened last
};

// The keys live as long as this.
class SealedFrames {
 public:
  // `handshake_text` is what the mac of the accepted handshake covers.
  SealedFrames(Sealer& sealer, const Secret& secret, std::string_view handshake_text);
  SealedFrames(const SealedFrames&) = delete;
  SealedFrames& operator=(const SealedFrames&) = delete;

  // Seals the last frame of `out`, which begins at `begin` (frame.hpp); its body has at most
  // kFrameBytesMax - kSealBytes.
  void seal(std::string& out, std::size_t begin);

  // The body in the client's next frame, valid until another is opened on this thread. Nothing: it
  // was changed, or is not the next one.
  [[nodiscard]] std::optional<std::string_view> open(std::string_view sealed);
  // The frame that was opened last is not taken: it comes again.
  void leave();

 private:
  Sealer& sealer_;
  const crypto::FrameCipher::Key opening_;
  const crypto::FrameCipher::Key sealing_;
  std::uint64_t opened_ = 0;  // the number of the next one
  std::uint64_t sealed_ = 0;
};

}  // namespace gatehouse::protocol
