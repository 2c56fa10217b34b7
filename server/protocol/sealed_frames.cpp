#include "protocol/sealed_frames.hpp"

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "crypto/digest.hpp"
#include "protocol/frame.hpp"

namespace gatehouse::protocol {
namespace {

static_assert(kSealBytes == crypto::kGcmTagBytes);

constexpr std::string_view kFromClient = "gatehouse gate 1 c2s";
constexpr std::string_view kToClient = "gatehouse gate 1 s2c";

class FrameNonce {
 public:
  explicit FrameNonce(std::uint64_t number) {
    constexpr std::size_t kZeros = 4;
    store_be32(bytes_.data() + kZeros, static_cast<std::uint32_t>(number >> 32));
    store_be32(bytes_.data() + kZeros + 4, static_cast<std::uint32_t>(number));
  }
  [[nodiscard]] std::string_view view() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::array<char, crypto::kGcmNonceBytes> bytes_{};
};

}  // namespace

SealedFrames::SealedFrames(Sealer& sealer, const Secret& secret, std::string_view handshake_text)
    : sealer_(sealer),
      opening_(sealer.cipher, crypto::hkdf_sha256(secret.reveal(), handshake_text, kFromClient,
                                                  crypto::kGcmKeyBytes)),
      sealing_(sealer.cipher, crypto::hkdf_sha256(secret.reveal(), handshake_text, kToClient,
                                                  crypto::kGcmKeyBytes)) {}

void SealedFrames::seal(std::string& out, std::size_t begin) {
  GATEHOUSE_ASSERT(out.size() >= begin + kFrameHeaderBytes && sealed_ != UINT64_MAX);
  const std::size_t body_bytes = out.size() - begin - kFrameHeaderBytes;
  GATEHOUSE_ASSERT(body_bytes == load_be16(out.data() + begin) &&
                   body_bytes + kSealBytes <= kFrameBytesMax);
  out.append(kSealBytes, '\0');
  char* const frame = out.data() + begin;
  store_be16(frame, static_cast<std::uint16_t>(body_bytes + kSealBytes));
  sealer_.cipher.seal(sealing_, FrameNonce(sealed_++).view(), frame + kFrameHeaderBytes,
                      body_bytes);
}

std::optional<std::string_view> SealedFrames::open(std::string_view sealed) {
  GATEHOUSE_ASSERT(sealed.size() <= kFrameBytesMax && opened_ != UINT64_MAX);
  char* const into = sealer_.opened.data();
  if (!sealer_.cipher.open(opening_, FrameNonce(opened_).view(), sealed, into)) return std::nullopt;
  ++opened_;
  return std::string_view(into, sealed.size() - kSealBytes);
}

void SealedFrames::leave() {
  GATEHOUSE_ASSERT(opened_ > 0);
  --opened_;
}

}  // namespace gatehouse::protocol
