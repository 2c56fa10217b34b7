// skynet's suite (docs/protocol.md 2.3), byte for byte but for the weak public keys it refuses.
#include <algorithm>
#include <array>

#include "base/assert.hpp"
#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"
#include "crypto/skynet_suite.hpp"
#include "protocol/login_answer.hpp"
#include "protocol/login_suite.hpp"

namespace gatehouse::protocol {
namespace {

class SkynetSuite final : public LoginSuite {
 public:
  explicit SkynetSuite(const LoginRandomness& randomness) : randomness_(randomness) {}

  LoginStep on_first_line(std::string_view, std::string_view client_public) override {
    GATEHOUSE_ASSERT(secret_.empty() && !proven_);
    if (crypto::weak_public_key(client_public)) return LoginStep::unauthorized("weak_key");
    const std::string_view random =
        randomness_.private_key_view().substr(0, crypto::kSkynetKeyBytes);
    // A key of zeros is none (docs/skynet-rules.md 4.1); any fixed one does for a chance of 2^-64.
    constexpr std::array<char, crypto::kSkynetKeyBytes> kSpare{2};
    const bool usable = std::any_of(random.begin(), random.end(), [](char c) { return c != 0; });
    const std::string_view private_key =
        usable ? random : std::string_view(kSpare.data(), kSpare.size());

    const auto server_public = crypto::dh_exchange(private_key);
    auto secret = crypto::dh_secret(client_public, private_key);
    if (!server_public || !secret) return LoginStep::unauthorized("weak_key");
    secret_ = Secret(std::move(*secret));
    return LoginStep::send(crypto::base64_encode(*server_public));
  }

  LoginStep on_line(std::string_view line) override {
    return proven_ ? on_token_line(line) : on_mac_line(line);
  }

 private:
  LoginStep on_mac_line(std::string_view line) {
    GATEHOUSE_ASSERT(secret_.size() == crypto::kSkynetKeyBytes);
    const auto mac = crypto::skynet_base64_decode(line);
    const auto expected = crypto::hmac64(randomness_.challenge_view(), secret_.reveal());
    if (!mac || !expected || !crypto::constant_time_equal(*mac, *expected))
      return LoginStep::unauthorized("bad_mac");
    proven_ = true;
    return {};
  }

  LoginStep on_token_line(std::string_view line) {
    GATEHOUSE_ASSERT(proven_ && !secret_.empty());
    const auto sealed = crypto::skynet_base64_decode(line);
    if (!sealed) return LoginStep::unauthorized("bad_ciphertext");
    auto text = crypto::des_decode(secret_.reveal(), *sealed);
    if (!text) return LoginStep::unauthorized("bad_ciphertext");
    const Secret token(std::move(*text));
    return LoginStep::judge_token(token.reveal(), Suite::kSkynet, std::move(secret_),
                                  kLoginUnauthorized);
  }

  const LoginRandomness& randomness_;
  Secret secret_;
  bool proven_ = false;
};

}  // namespace

std::unique_ptr<LoginSuite> make_skynet_suite(const LoginRandomness& randomness) {
  return std::make_unique<SkynetSuite>(randomness);
}

}  // namespace gatehouse::protocol
