// Byte strings are std::string and std::string_view throughout: that is what Lua and the
// protocols hand over. These helpers read and write integers in them.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace gatehouse {

// Unaligned big-endian access; the caller guarantees the bytes exist.
[[nodiscard]] inline std::uint16_t load_be16(const char* p) {
  const auto* u = reinterpret_cast<const unsigned char*>(p);
  return static_cast<std::uint16_t>(u[0] << 8 | u[1]);
}
[[nodiscard]] inline std::uint32_t load_be32(const char* p) {
  const auto* u = reinterpret_cast<const unsigned char*>(p);
  return std::uint32_t{u[0]} << 24 | std::uint32_t{u[1]} << 16 | std::uint32_t{u[2]} << 8 | u[3];
}
inline void store_be16(char* p, std::uint16_t v) {
  p[0] = static_cast<char>(v >> 8);
  p[1] = static_cast<char>(v);
}
inline void store_be32(char* p, std::uint32_t v) {
  p[0] = static_cast<char>(v >> 24);
  p[1] = static_cast<char>(v >> 16);
  p[2] = static_cast<char>(v >> 8);
  p[3] = static_cast<char>(v);
}

// Unaligned little-endian access (skynet's crypto words, docs/skynet-rules.md 4.1).
[[nodiscard]] inline std::uint32_t load_le32(const char* p) {
  const auto* u = reinterpret_cast<const unsigned char*>(p);
  return std::uint32_t{u[3]} << 24 | std::uint32_t{u[2]} << 16 | std::uint32_t{u[1]} << 8 | u[0];
}
[[nodiscard]] inline std::uint64_t load_le64(const char* p) {
  return std::uint64_t{load_le32(p + 4)} << 32 | load_le32(p);
}
inline void store_le32(char* p, std::uint32_t v) {
  for (int i = 0; i < 4; ++i) p[i] = static_cast<char>(v >> (8 * i));
}
inline void store_le64(char* p, std::uint64_t v) {
  for (int i = 0; i < 8; ++i) p[i] = static_cast<char>(v >> (8 * i));
}

}  // namespace gatehouse
