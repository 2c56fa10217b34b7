// Sealed frames of a client, changed, cut, repeated and out of order on their way: a body opens if
// it is the very next one of its direction, untouched, and otherwise never. An input is a script.
#include "protocol/sealed_frames.hpp"

#include <vector>

#include "base/bytes.hpp"
#include "crypto/aes_gcm.hpp"
#include "crypto/digest.hpp"
#include "fuzz.hpp"
#include "protocol/frame.hpp"

namespace gatehouse::protocol {

namespace {

constexpr std::string_view kSealText = "dGVzdDE=@Y29jb3Mx#MQ==:1:0:c0nv-0:sealed";

// The client's side, by AES-GCM without the context cache.
class SealingClient {
 public:
  explicit SealingClient(const Secret& secret) {
    const auto key = [&](std::string_view info) {
      return std::string(
          crypto::hkdf_sha256(secret.reveal(), kSealText, info, crypto::kGcmKeyBytes).reveal());
    };
    to_server_ = key("gatehouse gate 1 c2s");
    to_client_ = key("gatehouse gate 1 s2c");
  }
  [[nodiscard]] std::string seal(std::string_view body, std::uint32_t number) const {
    return crypto::aes256_gcm_seal(to_server_, nonce(number), body, "").value();
  }
  [[nodiscard]] std::string open(std::string_view body, std::uint32_t number) const {
    return std::string(
        crypto::aes256_gcm_open(to_client_, nonce(number), body, "").value().reveal());
  }

 private:
  static std::string nonce(std::uint32_t number) {
    std::string nonce(crypto::kGcmNonceBytes, '\0');
    store_be32(nonce.data() + 8, number);
    return nonce;
  }
  std::string to_server_, to_client_;
};

}  // namespace

FUZZ_TARGET(sealed_frames) {
  static Sealer& sealer = *new Sealer;
  static const Secret secret(std::string(32, 's'));
  static const SealingClient client(secret);
  fuzz::Input choices(input);
  SealedFrames server(sealer, secret, kSealText);
  std::uint32_t opened = 0;
  std::uint32_t sealed = 0;
  for (int steps = 0; !choices.empty() && steps < 64; ++steps) {
    const std::uint8_t what = choices.byte();
    const std::string_view body = choices.bytes(choices.byte());
    if (what % 8 == 7) {  // the server says something
      std::string out = "before";
      GATEHOUSE_ASSERT(append_frame(out, body));
      server.seal(out, 6);
      GATEHOUSE_ASSERT(load_be16(out.data() + 6) == body.size() + kSealBytes);
      GATEHOUSE_ASSERT(client.open(std::string_view(out).substr(8), sealed++) == body);
      continue;
    }
    // Of the number that is next, or of another one.
    const std::uint32_t number = what % 8 < 4 ? opened : choices.byte() % 8;
    std::string frame = client.seal(body, number);
    const std::string before = frame;
    if (what % 8 == 1) frame.resize(choices.byte() % (frame.size() + 1));
    if (what % 8 == 2) {
      char& byte = frame[choices.below(frame.size())];
      byte = static_cast<char>(byte ^ choices.byte());
    }
    if (what % 8 == 6) frame = body;
    const std::unique_ptr<char[]> exact(new char[frame.size()]);
    std::memcpy(exact.get(), frame.data(), frame.size());
    const auto plain = server.open({exact.get(), frame.size()});
    GATEHOUSE_ASSERT(plain.has_value() == (number == opened && frame == before));
    if (!plain) continue;
    GATEHOUSE_ASSERT(*plain == body);
    if (what >= 128) {  // it is not taken, and comes again
      server.leave();
    } else {
      ++opened;
    }
  }
}

}  // namespace gatehouse::protocol
