#include "protocol/control.hpp"

#include "base/assert.hpp"
#include "base/json_text.hpp"

namespace gatehouse::protocol {
namespace {

// Cuts before a character that would not fit whole.
std::string_view cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t size = bytes_max;
  const auto continues = [&](std::size_t i) {
    return (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80;
  };
  for (int i = 0; i < 3 && size > 0 && continues(size); ++i) --size;
  GATEHOUSE_ASSERT(size <= bytes_max && bytes_max - size <= 3);
  return text.substr(0, size);
}

}  // namespace

std::string format_kick(int code, std::string_view reason) {
  GATEHOUSE_ASSERT(code != 0);
  std::string text = R"({"type":"kick","code":)" + std::to_string(code) + R"(,"reason":)";
  append_json_string(text, cut(reason, kKickReasonBytesMax));
  text.push_back('}');
  return text;
}

std::string format_drain() {
  return R"({"type":"drain"})";
}

std::string format_push_gap(const PushGap& gap) {
  GATEHOUSE_ASSERT(gap);
  return R"({"type":"push_gap","last_push":)" + std::to_string(gap.last_push) + R"(,"next_push":)" +
         std::to_string(gap.next_push) + "}";
}

}  // namespace gatehouse::protocol
