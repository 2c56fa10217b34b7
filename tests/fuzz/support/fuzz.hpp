// What the fuzz targets share. A target gets bytes that nobody vouches for and asserts what holds
// whatever they are: round trips, the same result however they were cut, bounds, documented ranges.
//
// A file here is a target. It runs in two programs: with libFuzzer (tools/fuzz), which makes up
// inputs, and with replay.cpp, which runs the committed ones in every test run.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/assert.hpp"

namespace gatehouse::fuzz {

using Target = void (*)(std::string_view input);

// The targets of this program, by name.
[[nodiscard]] inline std::map<std::string, Target>& targets() {
  static std::map<std::string, Target> all;
  return all;
}

struct Registered {
  Registered(const char* name, Target target) { targets()[name] = target; }
};

// Decisions, taken off the front of an input: what is left can still be mutated as one text. Where
// the input has ended every decision is 0 and every text is empty.
class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  [[nodiscard]] std::uint32_t number() {
    std::uint32_t number = 0;
    for (int i = 0; i < 4; ++i) number = number << 8 | byte();
    return number;
  }
  [[nodiscard]] std::size_t below(std::size_t bound) {
    return (bound <= 256 ? byte() : number()) % bound;
  }
  [[nodiscard]] std::string_view bytes(std::size_t size) {
    const std::string_view piece = rest_.substr(0, size);
    rest_.remove_prefix(piece.size());
    return piece;
  }
  // What is before the next "\n", which goes too.
  [[nodiscard]] std::string_view line() {
    const std::string_view line = rest_.substr(0, rest_.find('\n'));
    rest_.remove_prefix(std::min(line.size() + 1, rest_.size()));
    return line;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

// Calls feed(piece) -> bool for the bytes in pieces, until it returns false; returns how many it
// was given. `how` says which pieces: 0 all at once, 1 byte by byte, any other number sizes of its
// own. Each piece lies in memory of its own size, so that who reads beyond it is caught.
template <class Feed>
std::size_t in_pieces(std::string_view bytes, std::uint8_t how, Feed&& feed) {
  std::uint32_t state = how;
  std::size_t at = 0;
  while (at < bytes.size()) {
    state = state * 1'664'525 + 1'013'904'223;  // Numerical Recipes
    const std::size_t drawn = 1 + (state >> 24) % (how < 128 ? 7 : 200);
    const std::size_t size = how == 0   ? bytes.size()
                             : how == 1 ? 1
                                        : std::min(drawn, bytes.size() - at);
    const std::unique_ptr<char[]> piece(new char[size]);
    std::memcpy(piece.get(), bytes.data() + at, size);
    at += size;
    if (!feed(std::string_view(piece.get(), size))) break;
  }
  return at;
}

// Replaces a mark at the end of `text` by `with`; whether it was there. So an input can say "the
// right mac" in a byte, which no mutation would find.
inline bool replace_end(std::string& text, std::string_view mark, std::string_view with) {
  if (!text.ends_with(mark)) return false;
  text.replace(text.size() - mark.size(), mark.size(), with);
  return true;
}

}  // namespace gatehouse::fuzz

// Begins the function of a target: FUZZ_TARGET(name) { ... input ... }
#define FUZZ_TARGET(name)                                                         \
  static void fuzz_##name(std::string_view input);                                \
  static const gatehouse::fuzz::Registered registered_##name(#name, fuzz_##name); \
  static void fuzz_##name(std::string_view input)
