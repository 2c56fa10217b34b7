// WebSocket frames (RFC 6455 5.2): the head of one that comes, masks, and frames to send.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::protocol {

enum class WsOpcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

struct WsHead {
  std::size_t bytes = 0;  // of the head itself; 0: more is needed
  WsOpcode opcode{};      // any value up to 15
  bool fin = false;
  bool reserved_bits = false;
  bool masked = false;
  bool length_valid = false;  // said in as few bytes as it needs, and below 2^63
  std::uint64_t payload_bytes = 0;
  std::array<char, 4> key{};
};
inline constexpr std::size_t kWsHeadBytesMax = 14;

// The head that `bytes` begins with.
[[nodiscard]] WsHead parse_ws_head(std::string_view bytes);

// Appends `masked` without its mask, and leaves the key as what follows needs it.
void append_unmasked(std::string& out, std::string_view masked, std::array<char, 4>& key);

// Codes of close frames (RFC 6455 7.4.1).
enum WsCode : std::uint16_t {
  kWsNormal = 1000,
  kWsGoingAway = 1001,
  kWsProtocolError = 1002,
  kWsNoCode = 1005,  // stands for a close frame without one
  kWsBadData = 1007,
  kWsPolicy = 1008,
  kWsTooBig = 1009,
};
inline constexpr std::size_t kWsReasonBytesMax = 123;

// One message, unfragmented and unmasked, as a server sends it: up to 65,535 bytes.
void append_ws_frame(std::string& wire, WsOpcode opcode, std::string_view payload);
// A close frame; kWsNoCode: without a code. Of the reason what fits.
void append_ws_close(std::string& wire, std::uint16_t code, std::string_view reason);

}  // namespace gatehouse::protocol
