#include "stdlib/pattern.hpp"

#include <cctype>
#include <cstring>

namespace gatehouse::stdlib {
namespace {

constexpr char kEscape = '%';
constexpr std::ptrdiff_t kLongPattern = 64;

int uchar(char c) {
  return static_cast<unsigned char>(c);
}

bool in_class(int c, int name) {
  bool in = false;
  switch (name | 0x20) {  // in lower case
    case 'a':
      in = std::isalpha(c) != 0;
      break;
    case 'c':
      in = std::iscntrl(c) != 0;
      break;
    case 'd':
      in = std::isdigit(c) != 0;
      break;
    case 'g':
      in = std::isgraph(c) != 0;
      break;
    case 'l':
      in = std::islower(c) != 0;
      break;
    case 'p':
      in = std::ispunct(c) != 0;
      break;
    case 's':
      in = std::isspace(c) != 0;
      break;
    case 'u':
      in = std::isupper(c) != 0;
      break;
    case 'w':
      in = std::isalnum(c) != 0;
      break;
    case 'x':
      in = std::isxdigit(c) != 0;
      break;
    case 'z':
      in = c == 0;
      break;  // of Lua 5.1, still there
    default:
      return name == c;
  }
  return in == ((name & 0x20) != 0);
}

// Whether c is in the set p..end, from '[' to ']'.
bool in_set(int c, const char* p, const char* end) {
  bool in = true;
  if (p[1] == '^') {
    in = false;
    ++p;
  }
  while (++p < end) {
    if (*p == kEscape) {
      if (in_class(c, uchar(*++p))) return in;
    } else if (p[1] == '-' && p + 2 < end) {
      p += 2;
      if (uchar(p[-2]) <= c && c <= uchar(*p)) return in;
    } else if (uchar(*p) == c) {
      return in;
    }
  }
  return !in;
}

}  // namespace

const char* PatternMatch::match_at(const char* at) {
  level_ = 0;
  depth_left_ = kDepthMax;
  return match(at, pattern_);
}

// The end of the single character class that begins at p.
inline const char* PatternMatch::class_end(const char* p) {
  switch (*p++) {
    case kEscape:
      if (p == pattern_end_) luaL_error(L_, "malformed pattern (ends with '%%')");
      return p + 1;
    case '[':
      if (*p == '^') ++p;
      do {
        if (p == pattern_end_) luaL_error(L_, "malformed pattern (missing ']')");
        if (*p++ == kEscape && p < pattern_end_) ++p;
      } while (*p != ']');
      return p + 1;
    default:
      return p;
  }
}

inline bool PatternMatch::match_single(const char* s, const char* p, const char* end) const {
  if (s >= subject_end_) return false;
  const int c = uchar(*s);
  switch (*p) {
    case '.':
      return true;
    case kEscape:
      return in_class(c, uchar(p[1]));
    case '[':
      return in_set(c, p, end - 1);
    default:
      return uchar(*p) == c;
  }
}

// %bxy; p is at x.
const char* PatternMatch::match_balance(const char* s, const char* p) {
  if (p >= pattern_end_ - 1) {
    luaL_error(L_, "malformed pattern (missing arguments to '%%b')");
  }
  if (*s != *p) return nullptr;
  const char opens = p[0];
  const char closes = p[1];
  int open = 1;
  while (++s < subject_end_) {
    steps_.count();
    if (*s == closes) {
      if (--open == 0) return s + 1;
    } else if (*s == opens) {
      ++open;
    }
  }
  return nullptr;
}

const char* PatternMatch::match_most(const char* s, const char* p, const char* end) {
  std::ptrdiff_t count = 0;
  while (match_single(s + count, p, end)) ++count;
  for (steps_.count(count); count >= 0; --count) {
    if (const char* result = match(s + count, end + 1)) return result;
  }
  return nullptr;
}

const char* PatternMatch::match_least(const char* s, const char* p, const char* end) {
  for (;; ++s) {
    if (const char* result = match(s, end + 1)) return result;
    if (!match_single(s, p, end)) return nullptr;
  }
}

const char* PatternMatch::start_capture(const char* s, const char* p, std::ptrdiff_t what) {
  if (level_ >= kCapturesMax) luaL_error(L_, "too many captures");
  captures_[static_cast<std::size_t>(level_)] = {s, what};
  ++level_;
  const char* result = match(s, p);
  if (result == nullptr) --level_;
  return result;
}

const char* PatternMatch::end_capture(const char* s, const char* p) {
  int open = level_ - 1;
  while (open >= 0 && captures_[static_cast<std::size_t>(open)].size != kUnfinished) --open;
  if (open < 0) luaL_error(L_, "invalid pattern capture");
  Capture& capture = captures_[static_cast<std::size_t>(open)];
  capture.size = s - capture.begin;
  const char* result = match(s, p);
  if (result == nullptr) capture.size = kUnfinished;
  return result;
}

const char* PatternMatch::match_capture(const char* s, int digit) {
  const int index = digit - '1';
  if (index < 0 || index >= level_ ||
      captures_[static_cast<std::size_t>(index)].size == kUnfinished) {
    luaL_error(L_, "invalid capture index %%%d", index + 1);
  }
  const Capture& capture = captures_[static_cast<std::size_t>(index)];
  const auto size = static_cast<std::size_t>(capture.size);  // of a position: more than there is
  if (static_cast<std::size_t>(subject_end_ - s) < size) return nullptr;
  steps_.count(capture.size / 64);
  return std::memcmp(capture.begin, s, size) == 0 ? s + size : nullptr;
}

// %f[set]; p is at %, and behind the set afterwards.
const char* PatternMatch::match_frontier(const char* s, const char** p) {
  const char* set = *p + 2;
  if (*set != '[') luaL_error(L_, "missing '[' after '%%f' in pattern");
  const char* end = class_end(set);
  const char previous = s == subject_ ? '\0' : s[-1];
  if (in_set(uchar(previous), set, end - 1) || !in_set(uchar(*s), set, end - 1)) return nullptr;
  *p = end;
  return s;
}

// What begins with % at p. go_on: it matched up to the result, and the pattern goes on at p; or
// it is a class, and neither has moved.
const char* PatternMatch::match_escape(const char* s, const char** p, bool* go_on) {
  const char kind = (*p)[1];
  if (kind == 'b') {
    s = match_balance(s, *p + 2);
    *p += 4;
  } else if (kind == 'f') {
    s = match_frontier(s, p);
  } else if (kind >= '0' && kind <= '9') {
    s = match_capture(s, uchar(kind));
    *p += 2;
  }
  *go_on = s != nullptr;
  return s;
}

// Where the pattern from p on, matched at s, ends; or nullptr. A step is a call: what a call does
// by itself is bounded by the pattern, which is counted when it is long.
const char* PatternMatch::match(const char* s, const char* p) {
  if (depth_left_-- == 0) luaL_error(L_, "pattern too complex");
  steps_.count();
  const char* const begin = p;
  while (p != pattern_end_) {
    switch (*p) {
      case '(':
        s = p[1] == ')' ? start_capture(s, p + 2, kPosition) : start_capture(s, p + 1, kUnfinished);
        goto done;
      case ')':
        s = end_capture(s, p + 1);
        goto done;
      case '$':
        if (p + 1 != pattern_end_) break;
        if (s != subject_end_) s = nullptr;
        goto done;
      case kEscape: {
        const char* const before = p;
        bool go_on = false;
        s = match_escape(s, &p, &go_on);
        if (!go_on) goto done;
        if (p != before) continue;
        break;
      }
      default:
        break;
    }
    const char* const end = class_end(p);
    if (!match_single(s, p, end)) {
      if (*end != '*' && *end != '?' && *end != '-') {
        s = nullptr;
        goto done;
      }
      p = end + 1;
      continue;
    }
    switch (*end) {
      case '?':
        if (const char* result = match(s + 1, end + 1)) {
          s = result;
          goto done;
        }
        p = end + 1;
        break;
      case '+':
        s = match_most(s + 1, p, end);
        goto done;
      case '*':
        s = match_most(s, p, end);
        goto done;
      case '-':
        s = match_least(s, p, end);
        goto done;
      default:
        ++s;
        p = end;
    }
  }
done:
  if (p - begin > kLongPattern) steps_.count(p - begin);
  ++depth_left_;
  return s;
}

std::ptrdiff_t PatternMatch::capture(int index, const char* begin, const char* end,
                                     const char** text) {
  if (index >= level_) {
    if (index != 0) luaL_error(L_, "invalid capture index %%%d", index + 1);
    *text = begin;
    return end - begin;
  }
  const Capture& capture = captures_[static_cast<std::size_t>(index)];
  *text = capture.begin;
  if (capture.size == kUnfinished) luaL_error(L_, "unfinished capture");
  if (capture.size == kPosition) lua_pushinteger(L_, capture.begin - subject_ + 1);
  return capture.size;
}

void PatternMatch::push_capture(int index, const char* begin, const char* end) {
  const char* text = nullptr;
  const std::ptrdiff_t size = capture(index, begin, end, &text);
  if (size != kPosition) lua_pushlstring(L_, text, static_cast<std::size_t>(size));
}

int PatternMatch::push_captures(const char* begin, const char* end) {
  const int count = level_ == 0 && begin != nullptr ? 1 : level_;
  luaL_checkstack(L_, count, "too many captures");
  for (int i = 0; i < count; ++i) push_capture(i, begin, end);
  return count;
}

}  // namespace gatehouse::stdlib
