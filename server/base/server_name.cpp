#include "base/server_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/utf8.hpp"

namespace gatehouse {
namespace {

struct CodeRange {
  char32_t first;
  char32_t last;
  [[nodiscard]] bool has(char32_t code) const { return code >= first && code <= last; }
};

// General category Zs (Unicode 15).
constexpr std::array<CodeRange, 7> kBlanks = {{{0x20, 0x20},
                                               {0xa0, 0xa0},
                                               {0x1680, 0x1680},
                                               {0x2000, 0x200a},
                                               {0x202f, 0x202f},
                                               {0x205f, 0x205f},
                                               {0x3000, 0x3000}}};

// Cc, Zl, Zp, and those of Cf that nobody sees and that turn or hide what stands beside them.
constexpr std::array<CodeRange, 9> kForbidden = {{{0x00, 0x1f},
                                                  {0x7f, 0x9f},
                                                  {0xad, 0xad},
                                                  {0x61c, 0x61c},
                                                  {0x200b, 0x200f},
                                                  {0x2028, 0x202e},
                                                  {0x2060, 0x206f},
                                                  {0xfeff, 0xfeff},
                                                  {0xfdd0, 0xfdef}}};

bool is_one_of(const auto& ranges, char32_t code) {
  return std::ranges::any_of(ranges, [code](const CodeRange& range) { return range.has(code); });
}

}  // namespace

Result<> check_server_name(std::string_view name) {
  if (name.empty()) return fail(Errc::kInvalid, "a server's name is empty");
  if (name.size() > kServerNameBytesMax)
    return fail(Errc::kInvalid,
                fmt::format("a server's name has more than {} bytes", kServerNameBytesMax));
  const std::size_t size = name.size();
  while (!name.empty()) {
    const Utf8Character c = utf8_head(name);
    if (c.bytes == 0) return fail(Errc::kInvalid, "a server's name is not UTF-8");
    if (is_one_of(kForbidden, c.code) || (c.code & 0xfffe) == 0xfffe)
      return fail(Errc::kInvalid, "a server's name holds a control character or an invisible one");
    const bool at_an_end = name.size() == size || name.size() == c.bytes;
    if (at_an_end && is_one_of(kBlanks, c.code))
      return fail(Errc::kInvalid, "a server's name begins or ends with a blank");
    name.remove_prefix(c.bytes);
  }
  return {};
}

}  // namespace gatehouse
