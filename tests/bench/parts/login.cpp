// The server's side of a login up to the token, without sockets, store and password hash.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "crypto/encoding.hpp"
#include "crypto/skynet_suite.hpp"
#include "protocol/login_handshake.hpp"

namespace gatehouse::protocol {
namespace {

const std::string kToken = "cGxheWVyMTIzNDU2Nw==@c2FtcGxl:Y29ycmVjdCBob3JzZQ==";

LoginRandomness fixed_randomness() {
  LoginRandomness randomness;
  randomness.challenge.fill('\x5a');
  randomness.private_key.fill('\x17');
  return randomness;
}

// What a client of the skynet suite sends to a server with that randomness: lines 2, 4 and 5.
std::array<std::string, 3> skynet_client_lines(const LoginRandomness& server) {
  const std::string private_key = "\x21\x22\x23\x24\x25\x26\x27\x28";
  const std::string server_public =
      crypto::dh_exchange(server.private_key_view().substr(0, crypto::kSkynetKeyBytes)).value();
  const std::string secret = crypto::dh_secret(server_public, private_key).value();
  return {crypto::base64_encode(crypto::dh_exchange(private_key).value()),
          crypto::base64_encode(crypto::hmac64(server.challenge_view(), secret).value()),
          crypto::base64_encode(crypto::des_encode(secret, kToken).value())};
}

void login_handshake_skynet(benchmark::State& state) {
  LoginHandshakeOptions options;
  options.allow_skynet = true;
  const LoginRandomness randomness = fixed_randomness();
  const std::array<std::string, 3> lines = skynet_client_lines(randomness);
  for (auto _ : state) {
    LoginHandshake handshake(options, randomness);
    benchmark::DoNotOptimize(handshake.start());
    LoginStep step;
    for (const std::string& line : lines) step = handshake.on_line(line);
    if (step.kind != LoginStep::Kind::kToken) std::abort();
  }
}
BENCHMARK(login_handshake_skynet);

void login_handshake_plain(benchmark::State& state) {
  LoginHandshakeOptions options;
  options.allow_plain = true;
  const LoginRandomness randomness = fixed_randomness();
  for (auto _ : state) {
    LoginHandshake handshake(options, randomness);
    benchmark::DoNotOptimize(handshake.start());
    const LoginStep step = handshake.on_line(kToken);
    if (step.kind != LoginStep::Kind::kToken) std::abort();
  }
}
BENCHMARK(login_handshake_plain);

}  // namespace
}  // namespace gatehouse::protocol
