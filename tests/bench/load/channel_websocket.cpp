// The part of a channel that is WebSocket (RFC 6455), as far as a client of this server needs it:
// messages of one frame below 64 KiB.
#include <fmt/format.h>

#include <cstring>

#include "base/bytes.hpp"
#include "channel.hpp"

namespace gatehouse::bench {
namespace {

// The key of RFC 6455 section 1.3 and what a server makes of it.
constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
constexpr std::size_t kAnswerBytesMax = 8192;

constexpr unsigned kFinal = 0x80, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10;
constexpr std::size_t kShortBytesMax = 125;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

}  // namespace

bool Channel::begin_upgrade() {
  step_ = Step::kUpgrade;
  return send_all(fmt::format(
      "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {}\r\n\r\n",
      kKey, content_ == Content::kLines ? "gatehouse.login.1" : "gatehouse.gate.1"));
}

bool Channel::take_answer(std::string_view& bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    return bytes.size() > kAnswerBytesMax ? fail("an endless answer to the upgrade") : false;
  }
  const std::string_view answer = bytes.substr(0, end + 2);
  if (answer.substr(0, 13) != "HTTP/1.1 101 " ||
      lower(answer).find(lower(kAccept)) == std::string::npos) {
    return fail(fmt::format("upgrade: {}", answer.substr(0, answer.find('\r'))));
  }
  bytes.remove_prefix(end + 4);
  step_ = Step::kOpen;
  return true;
}

// One line or frame is not longer than 64 KiB, so a head has 2 or 4 bytes, and the mask behind it.
void Channel::append_message(unsigned opcode, std::string_view payload) {
  mask_ ^= mask_ << 13;
  mask_ ^= mask_ >> 17;
  mask_ ^= mask_ << 5;
  char head[8] = {static_cast<char>(kFinal | opcode)};
  std::size_t size = 2;
  if (payload.size() <= kShortBytesMax) {
    head[1] = static_cast<char>(kFinal | payload.size());
  } else {
    head[1] = static_cast<char>(kFinal | 126);
    store_be16(head + 2, static_cast<std::uint16_t>(payload.size()));
    size = 4;
  }
  std::memcpy(head + size, &mask_, sizeof mask_);
  wire_.append(head, size + sizeof mask_);
  const std::size_t start = wire_.size();
  wire_.append(payload);
  char* at = wire_.data() + start;
  const std::uint64_t wide = std::uint64_t{mask_} << 32 | mask_;
  std::size_t left = payload.size();
  for (; left >= sizeof wide; left -= sizeof wide, at += sizeof wide) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    word ^= wide;
    std::memcpy(at, &word, sizeof word);
  }
  for (std::size_t i = 0; i < left; ++i) at[i] ^= head[size + i % sizeof mask_];
}

// What a message becomes is never longer than the message, so it can be written over it.
std::optional<std::string_view> Channel::decode(char* bytes, std::size_t size) {
  const char* from = bytes;
  const char* const end = bytes + size;
  char* to = bytes;
  while (end - from >= 2) {
    const auto have = static_cast<std::size_t>(end - from);
    const auto first = static_cast<unsigned char>(from[0]);
    std::size_t head = 2, body = static_cast<unsigned char>(from[1]);
    if (body == 126) {
      if (have < 4) break;
      body = load_be16(from + 2);
      head = 4;
    }
    const unsigned opcode = first & 0x0f;
    if (body > 0xffff || (from[1] & 0x80) != 0 || (first & 0xf0) != kFinal || from[1] == 127) {
      fail("a frame that no server sends here");
      return std::nullopt;
    }
    if (have < head + body) break;
    const char* const payload = from + head;
    if (opcode == kText || opcode == kBinary) {
      if (content_ == Content::kFrames) {
        std::memmove(to + 2, payload, body);
        store_be16(to, static_cast<std::uint16_t>(body));
        to += 2 + body;
      } else {
        std::memmove(to, payload, body);
        to[body] = '\n';
        to += body + 1;
      }
    } else if (opcode == kPing) {
      wire_.clear();
      append_message(kPong, {payload, body});
      if (!send_all(wire_)) return std::nullopt;
    } else if (opcode == kClose && !is_ending_) {
      error_ = body >= 2 ? fmt::format("closed: {} {}", load_be16(payload),
                                       std::string_view(payload + 2, body - 2))
                         : "closed";
    }
    from = payload + body;
  }
  kept_.assign(from, static_cast<std::size_t>(end - from));
  return std::string_view(bytes, static_cast<std::size_t>(to - bytes));
}

}  // namespace gatehouse::bench
