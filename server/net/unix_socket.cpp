#include "net/unix_socket.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace gatehouse::net {
namespace {

tl::unexpected<Error> unix_error(const std::string& path, std::string_view what, int error) {
  return fail(error == EADDRINUSE ? Errc::kExists : Errc::kIo,
              fmt::format("{}: {}: {}", path, what, std::generic_category().message(error)));
}

int open_unix() {
  return ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

// Removes a socket that nobody listens on.
Result<> make_room(const std::string& path, const sockaddr_un& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    return errno == ENOENT ? Result<>() : unix_error(path, "cannot be looked at", errno);
  }
  if (!S_ISSOCK(found.st_mode)) return fail(Errc::kExists, path + ": is there, and no socket");
  const Socket probe(open_unix(), {});
  if (!probe.is_open()) return unix_error(path, "no socket", errno);
  const int status =
      ::connect(probe.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (status == 0 || errno != ECONNREFUSED) {
    return fail(Errc::kExists, path + ": another process listens there");
  }
  if (::unlink(path.c_str()) != 0) return unix_error(path, "cannot be removed", errno);
  return {};
}

}  // namespace

Result<Socket> bind_unix(std::string_view host) {
  const std::string path(host.substr(kUnixPrefix.size()));
  if (path.empty() || path.size() > kUnixPathMax) {
    return fail(Errc::kInvalid, fmt::format("\"{}\": a path of 1 to {} bytes", path, kUnixPathMax));
  }
  std::error_code error;
  const auto folder = std::filesystem::path(path).parent_path();
  if (!folder.empty() && std::filesystem::create_directories(folder, error)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::ranges::copy(path, address.sun_path);
  if (auto room = make_room(path, address); !room) return tl::unexpected(room.error());
  Socket socket(open_unix(), {});
  if (!socket.is_open()) return unix_error(path, "no socket", errno);
  // Linux gives the file this mode, chmod does elsewhere. Before it listens nobody gets in.
  ::fchmod(socket.descriptor(), S_IRUSR | S_IWUSR);
  if (::bind(socket.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return unix_error(path, "cannot be bound", errno);
  if (::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0)
    return unix_error(path, "cannot be made private", errno);
  return socket;
}

}  // namespace gatehouse::net
