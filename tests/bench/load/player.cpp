#include "player.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.hpp"
#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"
#include "crypto/skynet_suite.hpp"
#include "protocol/frame.hpp"
#include "test_world.hpp"

namespace gatehouse::bench {
namespace {

constexpr std::uint32_t kPlayersPerAddress = 2'000;  // a crowded address takes connect() long
constexpr std::string_view kGranted = "200 OK";

}  // namespace

bool Player::connect(const Target& target, Stage next) {
  in_.clear();
  out_.clear();
  seals_.reset();
  after_connect_ = next;
  const bool is_login = next == Stage::kChallenge;
  if (!channel_.connect(target, is_login ? Channel::Content::kLines : Channel::Content::kFrames,
                        INADDR_LOOPBACK + 1 + number_ / kPlayersPerAddress % 200)) {
    fail(channel_.error());
    return false;
  }
  stage_ = Stage::kConnect;
  return true;
}

void Player::connected() {
  stage_ = Stage::kSecure;
  if (!channel_.connected()) return fail(channel_.error());
  if (channel_.is_open()) begin();
}

// The channel is open.
void Player::begin() {
  stage_ = after_connect_;
  if (stage_ == Stage::kHandshake) send(handshake());
  if (stage_ == Stage::kLeaving) channel_.end();
}

std::string Player::handshake() {
  text_ =
      fmt::format("{}@{}#{}:{}", crypto::base64_encode(name_),
                  crypto::base64_encode(manner_.server), crypto::base64_encode(subid_), ++index_);
  if (manner_.is_sealed) text_ += ":0::sealed";
  const std::string mac = manner_.suite == Suite::kSkynet
                              ? *crypto::hmac64(crypto::hash_key(text_), secret_)
                              : crypto::hmac_sha256(secret_, text_);
  std::string bytes;
  static_cast<void>(protocol::append_frame(bytes, text_ + ":" + crypto::base64_encode(mac)));
  return bytes;
}

void Player::readable() {
  answers = 0;
  do {
    const auto bytes = channel_.read();
    if (!bytes && stage_ == Stage::kLeaving && channel_.has_ended_well()) {
      channel_.close();
      stage_ = Stage::kLeft;
      return;
    }
    if (!bytes) return fail(channel_.error());
    if (stage_ == Stage::kSecure && channel_.is_open()) begin();
    if (!bytes->empty()) take(*bytes);
  } while (channel_.has_more() && stage_ != Stage::kLoggedIn && stage_ != Stage::kFailed);
}

void Player::take(std::string_view bytes) {
  std::string joined;
  if (!in_.empty()) {
    joined = std::move(in_);
    joined.append(bytes);
    bytes = joined;
    in_.clear();
  }
  const bool is_framed = stage_ == Stage::kHandshake || stage_ == Stage::kOpen;
  while (!bytes.empty() && stage_ != Stage::kFailed && stage_ != Stage::kLoggedIn) {
    if (is_framed) {
      if (bytes.size() < 2 || bytes.size() - 2 < load_be16(bytes.data())) break;
      const std::size_t body_bytes = load_be16(bytes.data());
      frame(bytes.substr(2, body_bytes));
      bytes.remove_prefix(2 + body_bytes);
    } else {
      const std::size_t end = bytes.find('\n');
      if (end == std::string_view::npos) break;
      login_line(bytes.substr(0, end));
      bytes.remove_prefix(end + 1);
    }
  }
  if (!bytes.empty()) in_ = std::string(bytes);
}

void Player::frame(std::string_view body) {
  if (stage_ == Stage::kHandshake) return gate_answer(body);
  if (seals_ && !seals_->in.open(body, body)) return fail("a body that is not sealed");
  const std::size_t rest = with_kind_ ? 5 : 4;
  if (body.size() != payload_bytes_ + rest || (with_kind_ && body[payload_bytes_] != 1)) {
    return fail(fmt::format("wrong answer of {} bytes", body.size()));
  }
  const std::uint32_t session = load_be32(body.data() + body.size() - 4);
  if (latencies_ns != nullptr) {
    const std::int64_t ns = monotonic_ns() - sent_ns[session % sent_ns.size()];
    latencies_ns->push_back(static_cast<std::uint32_t>(std::min<std::int64_t>(ns, UINT32_MAX)));
  }
  ++answers;
  --in_flight;
}

void Player::gate_answer(std::string_view answer) {
  if (answer.substr(0, kGranted.size()) != kGranted) return fail(fmt::format("gate: {}", answer));
  if (manner_.is_sealed) {
    if (answer != "200 OK sealed") return fail(fmt::format("gate: not sealed: {}", answer));
    seals_ = std::make_unique<Seals>(Seals{Seal(secret_, text_, Seal::Side::kToServer),
                                           Seal(secret_, text_, Seal::Side::kToClient)});
  }
  stage_ = Stage::kOpen;
}

void Player::request(std::string_view payload, bool with_kind) {
  const std::uint32_t session = next_session_++ & 0x7fffffff;
  with_kind_ = with_kind;
  payload_bytes_ = payload.size();
  char head[2], tail[4];
  store_be32(tail, session);
  const std::size_t body_bytes = payload.size() + sizeof tail + (seals_ ? Seal::kTagBytes : 0);
  store_be16(head, static_cast<std::uint16_t>(body_bytes));
  out_.append(head, sizeof head);
  if (seals_) {
    text_.assign(payload).append(tail, sizeof tail);
    seals_->out.seal(text_, out_);
  } else {
    out_.append(payload).append(tail, sizeof tail);
  }
  sent_ns[session % sent_ns.size()] = monotonic_ns();
  ++in_flight;
}

void Player::send(std::string_view bytes) {
  out_.append(bytes);
  flush();
}

bool Player::flush() {
  if (!channel_.write(out_)) {
    fail(channel_.error());
    return false;
  }
  out_.clear();
  return true;
}

void Player::fail(std::string why) {
  error_ = std::move(why);
  channel_.close();
  stage_ = Stage::kFailed;
}

}  // namespace gatehouse::bench
