#include "protocol/user_name.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/limits.hpp"

namespace gatehouse::protocol {
namespace {

struct FreeText {
  void operator()(utf8proc_uint8_t* text) const { std::free(text); }
};

bool is_noncharacter(utf8proc_int32_t c) {
  return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

bool is_allowed(utf8proc_int32_t c) {
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return false;
    default: return !is_noncharacter(c);
  }
}

Result<> check_characters(std::string_view name) {
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(name.data());
  auto left = static_cast<utf8proc_ssize_t>(name.size());
  std::size_t characters = 0;
  while (left > 0) {
    utf8proc_int32_t c = -1;
    const utf8proc_ssize_t used = utf8proc_iterate(bytes, left, &c);
    if (used <= 0) return fail(Errc::kInvalid, "user name is not UTF-8");
    if (!is_allowed(c)) return fail(Errc::kInvalid, "user name holds a forbidden character");
    if (++characters > kUserNameCharactersMax)
      return fail(Errc::kInvalid, "user name is too long");
    bytes += used;
    left -= used;
  }
  if (characters == 0) return fail(Errc::kInvalid, "user name is empty");
  return {};
}

// Names of ASCII, which are most, are in NFC as they are.
bool is_ascii(std::string_view name) {
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

Result<std::string> normalise_user_name(std::string_view name) {
  std::string normal(name);
  if (!is_ascii(name)) {
    utf8proc_uint8_t* text = nullptr;
    const utf8proc_ssize_t size = utf8proc_map(
        reinterpret_cast<const utf8proc_uint8_t*>(name.data()),
        static_cast<utf8proc_ssize_t>(name.size()), &text,
        static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    const std::unique_ptr<utf8proc_uint8_t, FreeText> owner(text);
    if (size < 0) return fail(Errc::kInvalid, "user name is not UTF-8");
    normal.assign(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  }
  if (auto checked = check_characters(normal); !checked) return tl::unexpected(checked.error());
  return normal;
}

}  // namespace gatehouse::protocol
