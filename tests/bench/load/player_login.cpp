// The login of a player (docs/protocol.md 2), in each suite.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "crypto/aes_gcm.hpp"
#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"
#include "crypto/skynet_suite.hpp"
#include "crypto/x25519.hpp"
#include "player.hpp"
#include "test_world.hpp"

namespace gatehouse::bench {
namespace {

constexpr std::string_view kLabel = "gatehouse login 1";
constexpr std::size_t kSecretBytes = 32;

// The nth word of a line, decoded; empty when there is none.
std::string decoded_word(std::string_view line, int n) {
  for (; n > 0; --n) {
    const std::size_t blank = line.find(' ');
    if (blank == std::string_view::npos) return {};
    line.remove_prefix(blank + 1);
  }
  return crypto::base64_decode(line.substr(0, line.find(' '))).value_or("");
}

}  // namespace

std::string Player::token() const {
  return fmt::format("{}@{}:{}", crypto::base64_encode(name_),
                     crypto::base64_encode(manner_.server), crypto::base64_encode("password"));
}

void Player::login_line(std::string_view line) {
  if (stage_ == Stage::kExchange) {
    return manner_.suite == Suite::kX25519 ? exchange_x25519(line) : exchange(line);
  }
  if (stage_ != Stage::kChallenge) return logged_in(line);
  challenge_ = decoded_word(line, 0);
  if (manner_.suite == Suite::kPlain) {
    stage_ = Stage::kAnswer;
    return send(token() + "\n");
  }
  stage_ = Stage::kExchange;
  if (manner_.suite == Suite::kX25519) {
    key_ = random_bytes(crypto::kX25519KeyBytes);
    return send(crypto::base64_encode(*crypto::x25519_public(key_)) + "\n");
  }
  key_ = random_bytes(crypto::kSkynetKeyBytes);
  send(crypto::base64_encode(*crypto::dh_exchange(key_)) + "\n");
}

void Player::exchange(std::string_view line) {
  const auto secret = crypto::dh_secret(decoded_word(line, 0), key_);
  const auto mac = secret ? crypto::hmac64(challenge_, *secret) : secret;
  if (!mac) return fail(fmt::format("key exchange: {}", line));
  secret_ = *secret;
  stage_ = Stage::kAnswer;
  send(crypto::base64_encode(*mac) + "\n" +
       crypto::base64_encode(*crypto::des_encode(secret_, token())) + "\n");
}

void Player::exchange_x25519(std::string_view line) {
  const std::string server_public = decoded_word(line, 0);
  const auto shared = crypto::x25519_shared(key_, server_public);
  if (!shared) return fail(fmt::format("key exchange: {}", line));
  const std::string transcript = challenge_ + *crypto::x25519_public(key_) + server_public;
  if (!manner_.identity.empty() &&
      !crypto::ed25519_verify(manner_.identity, std::string(kLabel) + transcript,
                              decoded_word(line, 1))) {
    return fail("another server's identity");
  }
  const Secret keys = crypto::hkdf_sha256(shared->reveal(), transcript, kLabel,
                                          crypto::kGcmKeyBytes + kSecretBytes);
  secret_ = std::string(keys.reveal().substr(crypto::kGcmKeyBytes));
  const std::string nonce = random_bytes(crypto::kGcmNonceBytes);
  const std::string sealed = *crypto::aes256_gcm_seal(keys.reveal().substr(0, crypto::kGcmKeyBytes),
                                                      nonce, token(), challenge_);
  stage_ = Stage::kAnswer;
  send(crypto::base64_encode(crypto::hmac_sha256(secret_, challenge_)) + "\n" +
       crypto::base64_encode(nonce + sealed) + "\n");
}

void Player::logged_in(std::string_view line) {
  if (line.substr(0, 4) == "102 ") return;
  if (line.substr(0, 4) != "200 ") return fail(fmt::format("login: {}", line));
  subid_ = decoded_word(line, 1);
  if (manner_.suite == Suite::kPlain) {
    const auto more = nlohmann::json::parse(decoded_word(line, 2), nullptr, false);
    if (!more.is_object() || !more.contains("secret")) return fail("login: no secret");
    secret_ = crypto::base64_decode(more["secret"].get<std::string>()).value_or("");
  }
  index_ = 0;
  stage_ = Stage::kLoggedIn;
}

}  // namespace gatehouse::bench
