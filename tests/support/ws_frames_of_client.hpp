// Frames as a client of WebSocket makes them, well or badly, and what a server sent, read back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::test {

struct WsShape {
  bool fin = true;
  int rsv = 0;
  bool masked = true;
};

// With the mask 0x37fa213d, that of the examples in RFC 6455 5.7.
inline std::string ws_frame(int opcode, std::string_view payload, WsShape shape = {}) {
  constexpr unsigned char kMask[4] = {0x37, 0xfa, 0x21, 0x3d};
  std::string frame;
  const auto put = [&frame](std::uint64_t byte) { frame += static_cast<char>(byte & 0xff); };
  put((shape.fin ? 0x80u : 0u) | static_cast<unsigned>(shape.rsv) << 4 |
      static_cast<unsigned>(opcode));
  const std::uint64_t size = payload.size();
  const unsigned mask_bit = shape.masked ? 0x80 : 0;
  if (size < 126) {
    put(mask_bit | size);
  } else if (size < 65'536) {
    put(mask_bit | 126);
    for (int i = 1; i >= 0; --i) put(size >> (8 * i));
  } else {
    put(mask_bit | 127);
    for (int i = 7; i >= 0; --i) put(size >> (8 * i));
  }
  if (shape.masked) frame.append(reinterpret_cast<const char*>(kMask), 4);
  for (std::size_t i = 0; i < payload.size(); ++i)
    put(static_cast<unsigned char>(payload[i]) ^ (shape.masked ? kMask[i % 4] : 0u));
  return frame;
}

inline std::string ws_text(std::string_view payload, bool fin = true) {
  return ws_frame(1, payload, {.fin = fin});
}
inline std::string ws_binary(std::string_view payload, bool fin = true) {
  return ws_frame(2, payload, {.fin = fin});
}
inline std::string ws_more(std::string_view payload, bool fin = false) {
  return ws_frame(0, payload, {.fin = fin});
}
inline std::string ws_ping(std::string_view payload) {
  return ws_frame(9, payload);
}
inline std::string ws_code(int code) {
  return {static_cast<char>(code >> 8), static_cast<char>(code)};
}
inline std::string ws_close(int code, std::string_view reason = {}) {
  return ws_frame(8, ws_code(code) + std::string(reason));
}

struct WsReceived {
  int opcode;
  std::string payload;
  friend bool operator==(const WsReceived&, const WsReceived&) = default;
};

// The whole frames of a server in `wire`; an entry with opcode -1 says that it is none.
inline std::vector<WsReceived> ws_received(std::string_view wire) {
  std::vector<WsReceived> frames;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(wire[i]); };
  while (wire.size() >= 2) {
    std::size_t head = 2;
    std::uint64_t size = byte(1);
    if (size > 127 || (byte(0) & 0xf0) != 0x80) return frames.push_back({-1, ""}), frames;
    const std::size_t length_bytes = size == 126 ? 2 : (size == 127 ? 8 : 0);
    if (wire.size() < head + length_bytes) break;
    if (length_bytes != 0) size = 0;
    for (std::size_t i = 0; i < length_bytes; ++i) size = size << 8 | byte(head + i);
    head += length_bytes;
    if (wire.size() - head < size) break;
    frames.push_back({byte(0) & 0xf, std::string(wire.substr(head, size))});
    wire.remove_prefix(head + size);
  }
  return frames;
}

}  // namespace gatehouse::test
