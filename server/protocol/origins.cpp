#include "protocol/origins.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace gatehouse::protocol {
namespace {

constexpr std::string_view kNull = "null";
constexpr std::string_view kSchemeEnd = "://";
constexpr std::string_view kBelow = "*.";

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

// The port that a browser leaves out.
std::string_view own_port(std::string_view scheme) {
  if (scheme == "https://") return ":443";
  if (scheme == "http://") return ":80";
  return {};
}

bool is_host_and_port(std::string_view text) {
  constexpr std::string_view kSpecial = ".-_:[]";
  return !text.empty() && text.front() != '.' && text.front() != ':' &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  kSpecial.find(c) != std::string_view::npos;
         });
}

}  // namespace

Result<Origins> Origins::parse(const std::vector<std::string>& patterns) {
  Origins origins;
  for (const std::string& text : patterns) {
    const std::string lower = lower_case(text);
    if (lower == kNull) {
      origins.patterns_.push_back({"", lower, false});
      continue;
    }
    const std::size_t end = lower.find(kSchemeEnd);
    if (end == std::string::npos || end == 0)
      return fail(Errc::kInvalid, fmt::format("{} has no scheme: https://{}", text, text));
    Pattern pattern;
    pattern.scheme = lower.substr(0, end + kSchemeEnd.size());
    pattern.rest = lower.substr(pattern.scheme.size());
    pattern.below = pattern.rest.starts_with(kBelow);
    if (pattern.below) pattern.rest.erase(0, kBelow.size());
    if (!is_host_and_port(pattern.rest))
      return fail(
          Errc::kInvalid,
          fmt::format("{} is not scheme://host, scheme://host:port or scheme://*.host", text));
    const std::string_view port = own_port(pattern.scheme);
    if (!port.empty() && pattern.rest.ends_with(port))
      pattern.rest.erase(pattern.rest.size() - port.size());
    if (pattern.below) pattern.rest.insert(0, ".");
    origins.patterns_.push_back(std::move(pattern));
  }
  return origins;
}

bool Origins::allow(std::string_view origin) const {
  if (patterns_.empty()) return true;
  const std::string lower = lower_case(origin);
  return std::any_of(patterns_.begin(), patterns_.end(), [&](const Pattern& pattern) {
    if (!lower.starts_with(pattern.scheme)) return false;
    const std::string_view rest = std::string_view(lower).substr(pattern.scheme.size());
    if (!pattern.below) return rest == pattern.rest;
    return rest.size() > pattern.rest.size() && rest.ends_with(pattern.rest) &&
           is_host_and_port(rest);
  });
}

}  // namespace gatehouse::protocol
