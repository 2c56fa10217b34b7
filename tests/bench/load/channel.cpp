#include "channel.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace gatehouse::bench {

Target Target::parse(const std::string& text) {
  Target target;
  std::string rest = text;
  if (const std::size_t divider = text.find("://"); divider != std::string::npos) {
    const std::string scheme = text.substr(0, divider);
    rest = text.substr(divider + 3);
    target.is_encrypted = scheme == "tls" || scheme == "wss";
    target.is_websocket = scheme == "ws" || scheme == "wss";
    if (scheme != "tcp" && !target.is_encrypted && !target.is_websocket) rest.clear();
  }
  const std::size_t colon = rest.rfind(':');
  target.address.sin_family = AF_INET;
  if (colon == std::string::npos ||
      inet_pton(AF_INET, rest.substr(0, colon).c_str(), &target.address.sin_addr) != 1) {
    throw std::invalid_argument("not an address: " + text);
  }
  target.address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(rest.substr(colon + 1))));
  return target;
}

Channel::~Channel() {
  close();
}

bool Channel::connect(const Target& target, Content content, std::uint32_t source) {
  target_ = target;
  content_ = content;
  kept_.clear();
  wire_.clear();
  error_.clear();
  has_more_ = is_ending_ = has_ended_well_ = is_resumed_ = false;
  descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0) return fail(fmt::format("socket: {}", std::strerror(errno)));
  const int on = 1;
  setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(descriptor_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(source);
  ::bind(descriptor_, reinterpret_cast<const sockaddr*>(&from), sizeof from);
  const int status = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&target.address),
                               sizeof target.address);
  if (status != 0 && errno != EINPROGRESS) {
    return fail(fmt::format("connect: {}", std::strerror(errno)));
  }
  step_ = Step::kConnect;
  return true;
}

bool Channel::connected() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(fmt::format("connect: {}", std::strerror(error)));
  if (target_.is_encrypted) return begin_tls() && shake_hands();
  if (target_.is_websocket) return begin_upgrade();
  step_ = Step::kOpen;
  return true;
}

std::optional<std::string_view> Channel::read() {
  if (step_ == Step::kHandshake) {
    if (!shake_hands()) return std::nullopt;
    if (step_ == Step::kHandshake) return std::string_view();
  }
  char* const begin = shared_.buffer_.data();
  const std::size_t kept = kept_.size();
  std::memcpy(begin, kept_.data(), kept);
  kept_.clear();
  const std::ptrdiff_t came = receive(kept);
  if (came < 0) {
    has_ended_well_ = is_ending_ && error_.empty();
    if (error_.empty()) error_ = "closed by the server";
    return std::nullopt;
  }
  std::string_view bytes(begin, kept + static_cast<std::size_t>(came));
  if (step_ == Step::kUpgrade && !take_answer(bytes)) {
    if (!error_.empty()) return std::nullopt;
    kept_ = std::string(bytes);
    return std::string_view();
  }
  if (!target_.is_websocket) return bytes;
  return decode(begin + (bytes.data() - begin), bytes.size());
}

std::ptrdiff_t Channel::receive(std::size_t kept) {
  char* const to = shared_.buffer_.data() + kept;
  const std::size_t room = shared_.buffer_.size() - kept;
  if (tls_) return receive_tls(to, room);
  const ssize_t size = ::recv(descriptor_, to, room, 0);
  if (size > 0) return size;
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (size < 0) error_ = std::strerror(errno);
  return -1;
}

bool Channel::write(std::string_view bytes) {
  if (!target_.is_websocket) return send_all(bytes);
  wire_.clear();
  while (!bytes.empty()) {
    if (content_ == Content::kLines) {
      const std::size_t end = bytes.find('\n');
      append_message(1, bytes.substr(0, end));
      bytes.remove_prefix(end + 1);
    } else {
      const auto* head = reinterpret_cast<const unsigned char*>(bytes.data());
      const std::size_t size = static_cast<std::size_t>(head[0] << 8 | head[1]);
      append_message(2, bytes.substr(2, size));
      bytes.remove_prefix(2 + size);
    }
  }
  return send_all(wire_);
}

void Channel::close() {
  tls_.reset();
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
  step_ = Step::kClosed;
}

bool Channel::fail(std::string why) {
  error_ = std::move(why);
  close();
  return false;
}

}  // namespace gatehouse::bench
