#include "config/strict_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace gatehouse::config {
namespace {

using nlohmann::json;

// What nlohmann's reader lets pass; it ends the reading from inside the callback.
struct Refusal {
  std::string why;
};

// The objects that are open, outermost first, with the keys that each has so far.
class Keys {
 public:
  bool operator()(int depth, json::parse_event_t event, json& value) {
    // `depth` is that of what holds the value.
    const bool opens =
        event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    if (depth + (opens ? 1 : 0) > kJsonDepthMax) {
      throw Refusal{fmt::format("nested deeper than {} levels", kJsonDepthMax)};
    }
    switch (event) {
      case json::parse_event_t::object_start:
        open_.emplace_back();
        break;
      case json::parse_event_t::object_end:
        open_.pop_back();
        break;
      case json::parse_event_t::key:
        add(value.get_ref<const std::string&>());
        break;
      case json::parse_event_t::value:
        if (value.is_string()) check(value.get_ref<const std::string&>());
        break;
      default:
        break;
    }
    return true;
  }

 private:
  struct Object {
    std::set<std::string> keys;
    std::string last;
  };

  void add(const std::string& key) {
    check(key);
    Object& object = open_.back();
    object.last = key;
    if (!object.keys.insert(key).second) throw Refusal{path() + ": is there twice"};
  }

  void check(const std::string& text) const {
    if (text.find('\0') != std::string::npos) throw Refusal{path() + ": holds a NUL"};
  }

  [[nodiscard]] std::string path() const {
    std::string path;
    for (const Object& object : open_) path += (path.empty() ? "" : ".") + object.last;
    return path;
  }

  std::vector<Object> open_;
};

// "line 3, column 7: why" of "[json.exception.parse_error.101] parse error at line 3, ...; last
// read: 'TEXT'". The text may be a secret.
std::string explain(std::string_view what) {
  what = what.substr(0, what.find("; last read"));
  if (const auto at = what.find("line "); at != std::string_view::npos) {
    what.remove_prefix(at);
  } else if (const auto end = what.find("] "); end != std::string_view::npos) {
    what.remove_prefix(end + 2);
  }
  return std::string(what);
}

}  // namespace

Result<json> parse_strictly(std::string_view text) {
  // nlohmann's reader takes a NUL for the end of the text.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    const std::string_view before = text.substr(0, nul);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto column = nul - (before.rfind('\n') + 1) + 1;
    return fail(Errc::kInvalid, fmt::format("line {}, column {}: a NUL", line, column));
  }
  Keys keys;
  try {
    return json::parse(text, [&keys](int depth, json::parse_event_t event, json& value) {
      return keys(depth, event, value);
    });
  } catch (const Refusal& refusal) {
    return fail(Errc::kInvalid, refusal.why);
  } catch (const json::exception& error) {
    return fail(Errc::kInvalid, explain(error.what()));
  }
}

}  // namespace gatehouse::config
