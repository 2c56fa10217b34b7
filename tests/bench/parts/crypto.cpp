// What a login and a gate handshake compute.
#include <benchmark/benchmark.h>

#include <string>

#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"
#include "crypto/skynet_suite.hpp"
#include "test_world.hpp"

namespace gatehouse::crypto {
namespace {

// base64(user)@base64(server):base64(password) of usual lengths.
const std::string kToken = "cGxheWVyMTIzNDU2Nw==@c2FtcGxl:Y29ycmVjdCBob3JzZQ==";
const std::string kKey = "\x98\xc8\xa9\x46\xef\x79\xdf\x88";
const std::string kText(64, 'x');

void base64_encode_token(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(base64_encode(kToken));
}
BENCHMARK(base64_encode_token);

void base64_decode_token(benchmark::State& state) {
  const std::string text = base64_encode(kToken);
  for (auto _ : state) benchmark::DoNotOptimize(base64_decode(text).value());
}
BENCHMARK(base64_decode_token);

void skynet_base64_decode_token(benchmark::State& state) {
  const std::string text = base64_encode(kToken);
  for (auto _ : state) benchmark::DoNotOptimize(skynet_base64_decode(text).value());
}
BENCHMARK(skynet_base64_decode_token);

// The server's half of the key exchange: its public key and the secret.
void dh_exchange_and_secret(benchmark::State& state) {
  const std::string peer = dh_exchange("\x21\x22\x23\x24\x25\x26\x27\x28").value();
  for (auto _ : state) {
    benchmark::DoNotOptimize(dh_exchange(kKey).value());
    benchmark::DoNotOptimize(dh_secret(peer, kKey).value());
  }
}
BENCHMARK(dh_exchange_and_secret);

void hmac64_challenge(benchmark::State& state) {
  const std::string challenge = "\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8";
  for (auto _ : state) benchmark::DoNotOptimize(hmac64(challenge, kKey).value());
}
BENCHMARK(hmac64_challenge);

void hash_key_64_bytes(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(hash_key(kText));
}
BENCHMARK(hash_key_64_bytes);

void des_encode_token(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(des_encode(kKey, kToken).value());
}
BENCHMARK(des_encode_token);

void des_decode_token(benchmark::State& state) {
  const std::string sealed = des_encode(kKey, kToken).value();
  for (auto _ : state) benchmark::DoNotOptimize(des_decode(kKey, sealed).value());
}
BENCHMARK(des_decode_token);

void sha256_64_bytes(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(sha256(kText));
}
BENCHMARK(sha256_64_bytes);

void hmac_sha256_64_bytes(benchmark::State& state) {
  const std::string key(32, 'k');
  for (auto _ : state) benchmark::DoNotOptimize(hmac_sha256(key, kText));
}
BENCHMARK(hmac_sha256_64_bytes);

// A login's challenge and private key.
void random_40_bytes(benchmark::State& state) {
  for (auto _ : state) {
    char out[40];
    random_bytes(out, sizeof out);
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(random_40_bytes);

}  // namespace
}  // namespace gatehouse::crypto
