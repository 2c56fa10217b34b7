// Asks the admin port of a running server; what gatectl is built on.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.hpp"

namespace gatehouse::ops {

struct AdminAnswer {
  int status = 0;
  std::string body;
};

enum class AdminMethod { kGet, kPost };

// Sends one request and waits for the answer, a few seconds at most. kUnavailable when nothing
// answers there. A GET passes no parameters.
[[nodiscard]] Result<AdminAnswer> ask_admin(const std::string& host, std::uint16_t port,
                                            AdminMethod method, const std::string& path,
                                            const std::map<std::string, std::string>& parameters);

}  // namespace gatehouse::ops
