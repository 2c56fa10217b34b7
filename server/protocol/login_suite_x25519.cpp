// The x25519 suite (docs/protocol.md 2.4):
//   signature = Ed25519(identity key, "gatehouse login 1" || transcript)
//   HKDF-SHA256(ikm = X25519 shared, salt = transcript, info = "gatehouse login 1")
//     -> token key (32) || session secret (32)
//   mac = HMAC-SHA256(secret, challenge)
//   sealed token = nonce (12) || AES-256-GCM(token key, additional data = challenge)
// A token that begins with `sealed ` asks for a sealed answer (login_answer.hpp).
// where transcript = challenge || client public || server public.
#include "base/assert.hpp"
#include "crypto/aes_gcm.hpp"
#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"
#include "crypto/x25519.hpp"
#include "protocol/login_answer.hpp"
#include "protocol/login_suite.hpp"

namespace gatehouse::protocol {
namespace {

constexpr std::string_view kLabel = "gatehouse login 1";
constexpr std::string_view kSealedAnswer = "sealed ";
constexpr std::size_t kSecretBytes = 32;

class X25519Suite final : public LoginSuite {
 public:
  X25519Suite(const LoginRandomness& randomness, const Secret& identity_key)
      : randomness_(randomness), identity_key_(identity_key) {}

  LoginStep on_first_line(std::string_view, std::string_view client_public) override {
    GATEHOUSE_ASSERT(secret_.empty() && !proven_);
    const auto server_public = crypto::x25519_public(randomness_.private_key_view());
    const auto shared = crypto::x25519_shared(randomness_.private_key_view(), client_public);
    if (!server_public || !shared) return LoginStep::unauthorized("weak_key");

    std::string transcript(randomness_.challenge_view());
    transcript.append(client_public).append(*server_public);
    const auto signature =
        crypto::ed25519_sign(identity_key_.reveal(), std::string(kLabel) + transcript);
    if (!signature) return LoginStep::refuse(kLoginUnavailable, "identity_key");
    const Secret keys = crypto::hkdf_sha256(shared->reveal(), transcript, kLabel,
                                            crypto::kGcmKeyBytes + kSecretBytes);
    GATEHOUSE_ASSERT(keys.size() == crypto::kGcmKeyBytes + kSecretBytes);
    token_key_ = Secret(std::string(keys.reveal().substr(0, crypto::kGcmKeyBytes)));
    secret_ = Secret(std::string(keys.reveal().substr(crypto::kGcmKeyBytes)));
    return LoginStep::send(crypto::base64_encode(*server_public) + ' ' +
                           crypto::base64_encode(*signature));
  }

  LoginStep on_line(std::string_view line) override {
    return proven_ ? on_token_line(line) : on_mac_line(line);
  }

 private:
  LoginStep on_mac_line(std::string_view line) {
    GATEHOUSE_ASSERT(secret_.size() == kSecretBytes);
    const auto mac = crypto::base64_decode(line);
    const std::string expected =
        crypto::hmac_sha256(secret_.reveal(), randomness_.challenge_view());
    if (!mac || !crypto::constant_time_equal(*mac, expected))
      return LoginStep::unauthorized("bad_mac");
    proven_ = true;
    return {};
  }

  LoginStep on_token_line(std::string_view line) {
    GATEHOUSE_ASSERT(proven_ && !token_key_.empty());
    const auto bytes = crypto::base64_decode(line);
    if (!bytes || bytes->size() < crypto::kGcmNonceBytes + crypto::kGcmTagBytes)
      return LoginStep::unauthorized("bad_ciphertext");
    const std::string_view nonce(bytes->data(), crypto::kGcmNonceBytes);
    const auto token = crypto::aes256_gcm_open(
        token_key_.reveal(), nonce, std::string_view(*bytes).substr(crypto::kGcmNonceBytes),
        randomness_.challenge_view());
    if (!token) return LoginStep::unauthorized("bad_ciphertext");
    std::string_view text = token->reveal();
    const bool seals_answer = text.starts_with(kSealedAnswer);
    if (seals_answer) text.remove_prefix(kSealedAnswer.size());
    LoginStep step =
        LoginStep::judge_token(text, Suite::kX25519, std::move(secret_), kLoginUnauthorized);
    if (seals_answer && step.kind == LoginStep::Kind::kToken)
      step.answer_key = std::move(token_key_);
    return step;
  }

  const LoginRandomness& randomness_;
  const Secret& identity_key_;
  Secret token_key_;
  Secret secret_;
  bool proven_ = false;
};

}  // namespace

std::unique_ptr<LoginSuite> make_x25519_suite(const LoginRandomness& randomness,
                                              const Secret& identity_key) {
  return std::make_unique<X25519Suite>(randomness, identity_key);
}

}  // namespace gatehouse::protocol
