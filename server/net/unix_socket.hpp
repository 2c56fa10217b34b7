// Listening sockets of the file system: whoever may open the file may connect.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/socket.hpp"

namespace gatehouse::net {

// "unix:PATH" as the host of an endpoint names one.
inline constexpr std::string_view kUnixPrefix = "unix:";
inline constexpr std::size_t kUnixPathMax = 107;

[[nodiscard]] inline bool is_unix(std::string_view host) {
  return host.starts_with(kUnixPrefix);
}

// Binds to PATH, for the owner alone (mode 0600) before anybody can connect; a missing folder is
// made (0700). What an ended process has left there is removed. kExists: somebody listens there, or
// it is another kind of file; kInvalid: too long a path; kIo: anything else.
[[nodiscard]] Result<Socket> bind_unix(std::string_view host);

}  // namespace gatehouse::net
