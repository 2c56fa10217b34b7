#include "protocol/folded_name.hpp"

#include <utf8proc.h>

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace gatehouse::protocol {

std::string fold_name(std::string_view name) {
  utf8proc_uint8_t* text = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(name.data()),
      static_cast<utf8proc_ssize_t>(name.size()), &text,
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT |
                                     UTF8PROC_CASEFOLD | UTF8PROC_IGNORE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(text, &std::free);
  if (size < 0) return std::string(name);
  const std::string_view folded(reinterpret_cast<const char*>(text),
                                static_cast<std::size_t>(size));
  const std::size_t begin = folded.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return std::string(folded.substr(begin, folded.find_last_not_of(" \t") + 1 - begin));
}

}  // namespace gatehouse::protocol
