#include "protocol/ws_frames.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/utf8.hpp"

namespace gatehouse::protocol {
namespace {

constexpr unsigned kFinBit = 0x80;
constexpr unsigned kReservedBits = 0x70;
constexpr unsigned kOpcodeBits = 0x0f;
constexpr unsigned kMaskBit = 0x80;
constexpr std::uint64_t kShortLengthMax = 125;
constexpr char kLength16 = 126;
constexpr std::uint64_t kLength16Max = 0xffff;

}  // namespace

WsHead parse_ws_head(std::string_view bytes) {
  WsHead head;
  if (bytes.size() < 2) return head;
  const auto first = static_cast<unsigned char>(bytes[0]);
  const auto second = static_cast<unsigned char>(bytes[1]);
  head.fin = (first & kFinBit) != 0;
  head.reserved_bits = (first & kReservedBits) != 0;
  head.opcode = static_cast<WsOpcode>(first & kOpcodeBits);
  head.masked = (second & kMaskBit) != 0;
  const auto length = static_cast<char>(second & ~kMaskBit);
  const std::size_t length_bytes = length < kLength16 ? 0 : (length == kLength16 ? 2 : 8);
  const std::size_t size = 2 + length_bytes + (head.masked ? head.key.size() : 0);
  if (bytes.size() < size) return head;
  head.payload_bytes = static_cast<std::uint64_t>(length);
  if (length_bytes == 2) head.payload_bytes = load_be16(bytes.data() + 2);
  if (length_bytes == 8) {
    head.payload_bytes =
        std::uint64_t{load_be32(bytes.data() + 2)} << 32 | load_be32(bytes.data() + 6);
  }
  head.length_valid = length_bytes == 0 ||
                      (head.payload_bytes > (length_bytes == 2 ? kShortLengthMax : kLength16Max) &&
                       head.payload_bytes >> 63 == 0);
  if (head.masked) std::memcpy(head.key.data(), bytes.data() + size - 4, 4);
  head.bytes = size;
  GATEHOUSE_ASSERT(head.bytes <= kWsHeadBytesMax);
  return head;
}

void append_unmasked(std::string& out, std::string_view masked, std::array<char, 4>& key) {
  const std::size_t from = out.size();
  out.append(masked);
  char* at = out.data() + from;
  char* const end = out.data() + out.size();
  std::uint32_t half = 0;
  std::memcpy(&half, key.data(), sizeof half);
  const std::uint64_t twice = std::uint64_t{half} << 32 | half;
  for (; end - at >= 8; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    word ^= twice;
    std::memcpy(at, &word, sizeof word);
  }
  for (std::size_t i = 0; at != end; ++i) *at++ ^= key[i % key.size()];
  std::rotate(key.begin(), key.begin() + masked.size() % key.size(), key.end());
}

void append_ws_frame(std::string& wire, WsOpcode opcode, std::string_view payload) {
  char head[4] = {static_cast<char>(kFinBit | static_cast<unsigned>(opcode))};
  GATEHOUSE_ASSERT(payload.size() <= kLength16Max);
  if (payload.size() <= kShortLengthMax) {
    head[1] = static_cast<char>(payload.size());
    wire.append(head, 2);
  } else {
    head[1] = kLength16;
    store_be16(head + 2, static_cast<std::uint16_t>(payload.size()));
    wire.append(head, 4);
  }
  wire.append(payload);
}

void append_ws_close(std::string& wire, std::uint16_t code, std::string_view reason) {
  if (code == kWsNoCode) return append_ws_frame(wire, WsOpcode::kClose, {});
  std::string payload(sizeof code, '\0');
  store_be16(payload.data(), code);
  while (!reason.empty()) {
    const std::size_t size = utf8_head(reason).bytes;
    if (size == 0 || payload.size() + size > sizeof code + kWsReasonBytesMax) break;
    payload += reason.substr(0, size);
    reason.remove_prefix(size);
  }
  append_ws_frame(wire, WsOpcode::kClose, payload);
}

}  // namespace gatehouse::protocol
