#include "protocol/frame.hpp"

namespace gatehouse::protocol {
namespace {

constexpr std::size_t kKindBytes = 1;
constexpr std::size_t kResponseTailBytes = kKindBytes + kSessionBytes;
static_assert(kResponseContentBytesMax + kResponseTailBytes <= kFrameBytesMax);

void append_tail(std::string& out, FrameKind kind, std::uint32_t session) {
  char tail[kResponseTailBytes];
  tail[0] = static_cast<char>(kind);
  store_be32(tail + kKindBytes, session);
  out.append(tail, sizeof tail);
}

void append_length(std::string& out, std::size_t body_bytes) {
  GATEHOUSE_ASSERT(body_bytes <= kFrameBytesMax);
  char length[kFrameHeaderBytes];
  store_be16(length, static_cast<std::uint16_t>(body_bytes));
  out.append(length, sizeof length);
}

}  // namespace

bool append_response(std::string& out, std::string_view content, FrameKind kind,
                     std::uint32_t session) {
  if (content.size() > kResponseContentBytesMax) return false;
  append_length(out, content.size() + kResponseTailBytes);
  out.append(content);
  append_tail(out, kind, session);
  return true;
}

bool append_frame(std::string& out, std::string_view body) {
  if (body.size() > kFrameBytesMax) return false;
  append_length(out, body.size());
  out.append(body);
  return true;
}

}  // namespace gatehouse::protocol
