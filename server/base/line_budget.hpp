// How many lines one peer may have written about himself: so many a window, and all together so
// many; what is left out is counted, and said when the window is over.
//
// No clock, no I/O; one thread at a time. Invariant: the lines of a key in a window are those
// admitted and those counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"

namespace gatehouse {

class LineBudget {
 public:
  struct Options {
    std::uint32_t per_key = 10;  // in a window; 0: no limit
    std::uint32_t all = 600;     // of all keys in a window; 0: no limit
    MonotonicMs window_ms = 60'000;
    std::size_t keys_max = 4'096;  // further ones share a budget
  };
  struct LeftOut {
    std::string key;  // empty: of keys beyond keys_max
    std::uint64_t lines = 0;
  };

  LineBudget() = default;
  explicit LineBudget(const Options& options) : options_(options) {}

  // Whether a line about `key` may be written now; it is counted if not.
  [[nodiscard]] bool admit(std::string_view key, MonotonicMs now_ms);
  // Forgets the windows that are over, and tells of which lines were left out.
  [[nodiscard]] std::vector<LeftOut> end_windows(MonotonicMs now_ms);
  // All windows, at the end of the process.
  [[nodiscard]] std::vector<LeftOut> end_all();
  [[nodiscard]] std::size_t keys() const { return windows_.size(); }

 private:
  struct Window {
    std::uint32_t admitted = 0;
    std::uint64_t left_out = 0;
  };
  struct Begun {
    MonotonicMs at_ms = 0;
    std::string key;
  };
  void end_first(std::vector<LeftOut>& told);

  Options options_;
  std::unordered_map<std::string, Window> windows_;
  std::deque<Begun> begun_;  // the windows' keys in the order of their beginning
  MonotonicMs all_since_ms_ = 0;
  std::uint32_t all_ = 0;  // admitted since then
};

}  // namespace gatehouse
