// UTF-8 (RFC 3629), read strictly: the one decoder of the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse {

struct Utf8Character {
  char32_t code = 0;
  std::size_t bytes = 0;  // 0: there is none
};

// The character at the head of `text`; none when that is empty, cut off, over-long, a surrogate or
// above U+10FFFF.
[[nodiscard]] Utf8Character utf8_head(std::string_view text);

// Characters of `text`, nothing when it is not UTF-8.
[[nodiscard]] std::optional<std::size_t> utf8_characters(std::string_view text);

// The first characters_max characters of `text`, as every database takes them: a byte that is not
// UTF-8, or NUL, becomes `?`.
[[nodiscard]] std::string fit_text(std::string_view text, std::size_t characters_max);

// UTF-8 that comes in pieces, cut anywhere. Invariant: what is kept is the beginning of a
// character.
class Utf8Stream {
 public:
  // False as soon as no UTF-8 begins like that; it is final then.
  [[nodiscard]] bool feed(std::string_view piece);
  // Whether nothing is missing of the last character.
  [[nodiscard]] bool complete() const { return kept_bytes_ == 0; }
  void reset() { kept_bytes_ = 0; }

 private:
  char kept_[3] = {};
  std::uint8_t kept_bytes_ = 0;
};

}  // namespace gatehouse
