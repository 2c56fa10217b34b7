#include "player.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "base/bytes.hpp"
#include "crypto/encoding.hpp"
#include "crypto/skynet_suite.hpp"
#include "protocol/frame.hpp"
#include "test_world.hpp"

namespace gatehouse::bench {
namespace {

constexpr std::uint32_t kPlayersPerAddress = 2'000;  // a crowded address takes connect() long

}  // namespace

Target Target::parse(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  Target target;
  target.address.sin_family = AF_INET;
  if (colon == std::string::npos ||
      inet_pton(AF_INET, text.substr(0, colon).c_str(), &target.address.sin_addr) != 1) {
    throw std::invalid_argument("not an address: " + text);
  }
  target.address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1))));
  return target;
}

bool Player::connect(const Target& target, Stage next) {
  descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0) {
    fail(fmt::format("socket: {}", std::strerror(errno)));
    return false;
  }
  const int on = 1;
  setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(descriptor_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_in source{};
  source.sin_family = AF_INET;
  source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + number_ / kPlayersPerAddress % 200);
  ::bind(descriptor_, reinterpret_cast<const sockaddr*>(&source), sizeof source);
  const int status = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&target.address),
                               sizeof target.address);
  if (status != 0 && errno != EINPROGRESS) {
    fail(fmt::format("connect: {}", std::strerror(errno)));
    return false;
  }
  in_.clear();
  out_.clear();
  after_connect_ = next;
  stage_ = Stage::kConnect;
  return true;
}

void Player::connected() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(fmt::format("connect: {}", std::strerror(error)));
  stage_ = after_connect_;
  if (stage_ == Stage::kHandshake) send(handshake());
}

std::string Player::handshake() {
  const std::string text =
      fmt::format("{}@{}#{}:{}", crypto::base64_encode(name_), crypto::base64_encode(server_),
                  crypto::base64_encode(subid_), ++index_);
  std::string bytes;
  const std::string mac = *crypto::hmac64(crypto::hash_key(text), secret_);
  static_cast<void>(protocol::append_frame(bytes, text + ":" + crypto::base64_encode(mac)));
  return bytes;
}

void Player::readable() {
  answers = 0;
  char buffer[65'536];
  const ssize_t size = ::recv(descriptor_, buffer, sizeof buffer, 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) return fail(size == 0 ? "closed by the server" : std::strerror(errno));
  std::string_view bytes(buffer, static_cast<std::size_t>(size));
  if (!in_.empty()) {
    in_.append(bytes);
    bytes = in_;
  }
  const bool framed = stage_ == Stage::kHandshake || stage_ == Stage::kOpen;
  while (!bytes.empty() && stage_ != Stage::kFailed && stage_ != Stage::kLoggedIn) {
    if (framed) {
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
  in_ = std::string(bytes);
  if (in_.empty()) in_.shrink_to_fit();
}

void Player::login_line(std::string_view line) {
  if (stage_ == Stage::kChallenge) {
    challenge_ = crypto::base64_decode(line).value_or("");
    key_ = random_bytes(crypto::kSkynetKeyBytes);
    stage_ = Stage::kExchange;
    return send(crypto::base64_encode(*crypto::dh_exchange(key_)) + "\n");
  }
  if (stage_ == Stage::kExchange) {
    const auto server_key = crypto::base64_decode(line);
    const auto secret = crypto::dh_secret(server_key.value_or(""), key_);
    const auto mac = secret ? crypto::hmac64(challenge_, *secret) : secret;
    if (!mac) return fail(fmt::format("key exchange: {}", line));
    secret_ = *secret;
    const std::string token =
        fmt::format("{}@{}:{}", crypto::base64_encode(name_), crypto::base64_encode(server_),
                    crypto::base64_encode("password"));
    stage_ = Stage::kAnswer;
    return send(crypto::base64_encode(*mac) + "\n" +
                crypto::base64_encode(*crypto::des_encode(secret_, token)) + "\n");
  }
  if (line.substr(0, 4) != "200 ") return fail(fmt::format("login: {}", line));
  subid_ = crypto::base64_decode(line.substr(4)).value_or("");
  stage_ = Stage::kLoggedIn;
}

void Player::frame(std::string_view body) {
  if (stage_ == Stage::kHandshake) {
    if (body != "200 OK") return fail(fmt::format("gate: {}", body));
    stage_ = Stage::kOpen;
    return;
  }
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

void Player::request(std::string_view payload, bool with_kind) {
  const std::uint32_t session = next_session_++ & 0x7fffffff;
  with_kind_ = with_kind;
  payload_bytes_ = payload.size();
  char head[2], tail[4];
  store_be16(head, static_cast<std::uint16_t>(payload.size() + sizeof tail));
  store_be32(tail, session);
  out_.append(head, sizeof head).append(payload).append(tail, sizeof tail);
  sent_ns[session % sent_ns.size()] = monotonic_ns();
  ++in_flight;
}

void Player::send(std::string_view bytes) {
  out_.append(bytes);
  flush();
}

// The kernel's buffer holds what a client has in flight; a full one is a failure.
bool Player::flush() {
  const ssize_t sent = ::send(descriptor_, out_.data(), out_.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(out_.size())) {
    fail("the server does not take what was sent");
    return false;
  }
  out_.clear();
  return true;
}

void Player::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void Player::fail(std::string why) {
  error_ = std::move(why);
  close();
  stage_ = Stage::kFailed;
}

}  // namespace gatehouse::bench
