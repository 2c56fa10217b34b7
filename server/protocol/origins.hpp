// Which web pages may open a WebSocket here (docs/protocol.md 1.8): a browser says whose page it
// is in `Origin` (RFC 6454), and other programs say nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace gatehouse::protocol {

// Patterns: "https://play.example.com", with ":port" where it is not the scheme's own;
// "https://*.example.com", every name below example.com, not example.com itself; "null", what pages
// from files and sand-boxed frames say.
class Origins {
 public:
  // kInvalid: which one is no pattern, and why.
  [[nodiscard]] static Result<Origins> parse(const std::vector<std::string>& patterns);

  // Without patterns: all.
  [[nodiscard]] bool allow(std::string_view origin) const;

 private:
  struct Pattern {
    std::string scheme;  // with "://"
    std::string rest;    // host and port; ".example.com" where `below`
    bool below = false;
  };
  std::vector<Pattern> patterns_;
};

}  // namespace gatehouse::protocol
