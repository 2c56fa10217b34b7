#include "crypto/stored_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "crypto/encoding.hpp"

namespace gatehouse::crypto {

tl::unexpected<Error> corrupt_hash(std::string_view form, std::string_view why) {
  return fail(Errc::kCorrupt, fmt::format("stored {} hash: {}", form, why));
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool take_number(std::string_view& text, std::uint32_t& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || (text.front() == '0' && stop != text.data() + 1)) return false;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  return true;
}

std::optional<std::string_view> take_field(std::string_view& text) {
  const std::size_t dollar = text.find('$');
  if (dollar == std::string_view::npos) return std::nullopt;
  const std::string_view field = text.substr(0, dollar);
  text.remove_prefix(dollar + 1);
  return field;
}

std::optional<std::string> bytes_of_hex(std::string_view text, std::size_t size) {
  if (text.size() != 2 * size) return std::nullopt;
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  auto bytes = hex_decode(lower);
  if (!bytes) return std::nullopt;
  return std::move(*bytes);
}

std::optional<std::string> bytes_of_base64_unpadded(std::string_view text) {
  if (text.find('=') != std::string_view::npos) return std::nullopt;
  auto bytes = base64_decode(text);
  if (!bytes) return std::nullopt;
  return std::move(*bytes);
}

bool is_printable_field(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c >= ' ' && c <= '~' && c != '$'; });
}

Secret joined(std::string_view a, std::string_view b) {
  std::string both;
  both.reserve(a.size() + b.size());
  both.append(a).append(b);
  return Secret(std::move(both));
}

Secret upper_ascii(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return Secret(std::move(upper));
}

}  // namespace gatehouse::crypto
