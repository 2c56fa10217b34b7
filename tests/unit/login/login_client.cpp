#include "login_client.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "crypto/aes_gcm.hpp"
#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"
#include "crypto/skynet_suite.hpp"
#include "crypto/x25519.hpp"
#include "test_world.hpp"

namespace gatehouse::login {
namespace {

std::string decoded(std::string_view text) {
  auto bytes = crypto::base64_decode(text);
  EXPECT_TRUE(bytes.has_value()) << text;
  return bytes.value_or("");
}

}  // namespace

std::string make_token(std::string_view user, std::string_view password, std::string_view server) {
  return crypto::base64_encode(user) + '@' + crypto::base64_encode(server) + ':' +
         crypto::base64_encode(password);
}

bool LoginClient::fill() {
  const std::string bytes = end_->receive_some();
  read_ += bytes;
  return !bytes.empty();
}

std::string LoginClient::read_line() {
  std::size_t end;
  while ((end = read_.find('\n')) == std::string::npos) {
    if (!fill()) return {};
  }
  std::string line = read_.substr(0, end);
  read_.erase(0, end + 1);
  return line;
}

std::string LoginClient::read_to_end() {
  while (fill()) {
  }
  return std::exchange(read_, {});
}

std::string LoginClient::take_answer() {
  const std::string answer = read_line();
  if (!answer.starts_with("200 ")) return answer;
  const std::size_t blank = answer.find(' ', 4);
  subid_ = decoded(answer.substr(4, blank == std::string::npos ? blank : blank - 4));
  if (blank == std::string::npos) return answer;
  const auto extras = nlohmann::json::parse(decoded(answer.substr(blank + 1)));
  gates_ = extras.value("gate", std::vector<std::string>{});
  uid_ = extras.value("uid", "");
  if (extras.contains("secret")) secret_ = decoded(extras["secret"].get<std::string>());
  return answer;
}

std::string LoginClient::login_plain(std::string_view token) {
  EXPECT_EQ(decoded(read_line()).size(), 8u);
  send_line(token);
  return take_answer();
}

std::string LoginClient::login_skynet(std::string_view token, std::string private_key) {
  const std::string challenge = decoded(read_line());
  if (private_key.empty()) private_key = random_bytes(8);
  send_line(crypto::base64_encode(crypto::dh_exchange(private_key).value()));
  const std::string server_public = decoded(read_line());
  secret_ = crypto::dh_secret(server_public, private_key).value();
  send_line(crypto::base64_encode(crypto::hmac64(challenge, secret_).value()));
  send_line(crypto::base64_encode(crypto::des_encode(secret_, token).value()));
  return take_answer();
}

std::string LoginClient::login_x25519(std::string_view token, std::string_view identity_public) {
  const std::string label = "gatehouse login 1";
  const std::string challenge = decoded(read_line());
  const std::string private_key = random_bytes(crypto::kX25519KeyBytes);
  const std::string public_key = crypto::x25519_public(private_key).value();
  send_line(crypto::base64_encode(public_key));
  const std::string line = read_line();
  const std::size_t blank = line.find(' ');
  if (blank == std::string::npos) return line;
  const std::string server_public = decoded(line.substr(0, blank));
  const std::string transcript = challenge + public_key + server_public;
  EXPECT_TRUE(
      crypto::ed25519_verify(identity_public, label + transcript, decoded(line.substr(blank + 1))));
  const auto shared = crypto::x25519_shared(private_key, server_public).value();
  const auto keys = crypto::hkdf_sha256(shared.reveal(), transcript, label, 64);
  secret_ = keys.reveal().substr(32);
  send_line(crypto::base64_encode(crypto::hmac_sha256(secret_, challenge)));
  const std::string nonce = random_bytes(12);
  const auto sealed =
      crypto::aes256_gcm_seal(keys.reveal().substr(0, 32), nonce, token, challenge).value();
  send_line(crypto::base64_encode(nonce + sealed));
  return take_answer();
}

}  // namespace gatehouse::login
