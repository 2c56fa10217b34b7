// Lua's patterns (Lua manual 6.4.1) with a matcher that counts its steps, so that one that never
// comes to an end can be interrupted. Results and errors are those of the stock library, whose
// algorithm it follows (lstrlib.c, Copyright Lua.org, PUC-Rio, MIT licence).
#pragma once

#include <array>
#include <cstddef>
#include <lua.hpp>

#include "script/interrupt.hpp"

namespace gatehouse::stdlib {

// One search. Holds nothing that needs a destructor: errors leave by longjmp.
class PatternMatch {
 public:
  // `pattern` without an anchor. Both strings stay where they are, and end with a zero byte.
  PatternMatch(lua_State* L, const char* subject, std::size_t subject_size, const char* pattern,
               std::size_t pattern_size)
      : L_(L),
        subject_(subject),
        subject_end_(subject + subject_size),
        pattern_(pattern),
        pattern_end_(pattern + pattern_size),
        steps_(L) {}

  // Where a match that begins at `at` ends, or nullptr. Raises for a bad pattern.
  [[nodiscard]] const char* match_at(const char* at);
  // Goes on in another coroutine.
  void set_state(lua_State* L) {
    L_ = L;
    steps_ = script::Steps(L);
  }
  [[nodiscard]] const char* subject_end() const { return subject_end_; }

  // Of the last match, begin..end. A capture beyond the first of a pattern without any raises.
  // Pushes them all, or the whole match when there are none and `begin` is given.
  int push_captures(const char* begin, const char* end);
  void push_capture(int index, const char* begin, const char* end);
  // The text of a capture; kPosition: it is a position, which is pushed.
  [[nodiscard]] std::ptrdiff_t capture(int index, const char* begin, const char* end,
                                       const char** text);
  static constexpr std::ptrdiff_t kPosition = -2;

 private:
  static constexpr std::ptrdiff_t kUnfinished = -1;
  static constexpr int kCapturesMax = 32;  // LUA_MAXCAPTURES
  static constexpr int kDepthMax = 200;    // lstrlib.c: MAXCCALLS

  const char* match(const char* s, const char* p);
  const char* match_escape(const char* s, const char** p, bool* go_on);
  const char* match_frontier(const char* s, const char** p);
  const char* match_balance(const char* s, const char* p);
  const char* match_capture(const char* s, int digit);
  const char* match_most(const char* s, const char* p, const char* end);
  const char* match_least(const char* s, const char* p, const char* end);
  const char* start_capture(const char* s, const char* p, std::ptrdiff_t what);
  const char* end_capture(const char* s, const char* p);
  const char* class_end(const char* p);
  [[nodiscard]] bool match_single(const char* s, const char* p, const char* end) const;

  struct Capture {
    const char* begin;
    std::ptrdiff_t size;
  };

  lua_State* L_;
  const char* subject_;
  const char* subject_end_;
  const char* pattern_;
  const char* pattern_end_;
  script::Steps steps_;
  int depth_left_ = kDepthMax;
  int level_ = 0;
  std::array<Capture, kCapturesMax> captures_;  // NOLINT(*-member-init): filled up to level_
};

}  // namespace gatehouse::stdlib
