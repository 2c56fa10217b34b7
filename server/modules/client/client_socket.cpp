// The C module "client.socket" (docs/skynet-rules.md 1.8), for test clients that a plain Lua 5.4
// interpreter runs: blocking TCP, only recv and readstdin never wait. Knows nothing of the server.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <lua.hpp>

namespace {

constexpr std::size_t kReceiveBytes = 64 * 1024;
constexpr std::size_t kLineBytesMax = 64 * 1024;

int check_fd(lua_State* L) {
  return static_cast<int>(luaL_checkinteger(L, 1));
}

int raise_errno(lua_State* L) {
  return luaL_error(L, "socket error: %s", std::strerror(errno));
}

// connect(ipv4, port) -> fd; raises
int l_connect(lua_State* L) {
  const char* ip = luaL_checkstring(L, 1);
  const lua_Integer port = luaL_checkinteger(L, 2);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  int fd = -1;
  if (port > 0 && port <= 65535 && inet_pton(AF_INET, ip, &address.sin_addr) == 1) {
    fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  }
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    if (fd >= 0) ::close(fd);
    return luaL_error(L, "Connect %s %I failed", ip, port);
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  lua_pushinteger(L, fd);
  return 1;
}

// recv(fd) -> bytes, nothing when none are there, "" at the end; raises
int l_recv(lua_State* L) {
  const int fd = check_fd(L);
  char bytes[kReceiveBytes];
  ssize_t size = 0;
  do {
    size = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return errno == EAGAIN ? 0 : raise_errno(L);
  lua_pushlstring(L, bytes, static_cast<std::size_t>(size));
  return 1;
}

// send(fd, bytes): all of them; raises
int l_send(lua_State* L) {
  const int fd = check_fd(L);
  std::size_t size = 0;
  const char* bytes = luaL_checklstring(L, 2, &size);
  while (size > 0) {
    const ssize_t sent = ::send(fd, bytes, size, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return raise_errno(L);
    bytes += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return 0;
}

// shutdown(fd, "r" | "w" | "rw")
int l_shutdown(lua_State* L) {
  const int fd = check_fd(L);
  const char* mode = luaL_checkstring(L, 2);
  const bool reading = std::strchr(mode, 'r') != nullptr;
  const bool writing = std::strchr(mode, 'w') != nullptr;
  if (!reading && !writing) return luaL_error(L, "Invalid mode %s", mode);
  ::shutdown(fd, reading && writing ? SHUT_RDWR : reading ? SHUT_RD : SHUT_WR);
  return 0;
}

int l_close(lua_State* L) {
  ::close(check_fd(L));
  return 0;
}

// usleep(microseconds)
int l_usleep(lua_State* L) {
  const lua_Integer us = luaL_checkinteger(L, 1);
  luaL_argcheck(L, us >= 0, 1, "time out of range");
  const timespec time{us / 1'000'000, us % 1'000'000 * 1'000};
  nanosleep(&time, nullptr);
  return 0;
}

// What was read from stdin and not returned yet. One for the process, as stdin is.
char pending[kLineBytesMax];
std::size_t pending_bytes = 0;
bool at_end = false;

// Moves what waits in stdin to `pending`.
void read_input() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  while (!at_end && pending_bytes < sizeof pending && poll(&input, 1, 0) > 0) {
    const ssize_t size =
        ::read(STDIN_FILENO, pending + pending_bytes, sizeof pending - pending_bytes);
    if (size < 0) return;
    at_end = size == 0;
    pending_bytes += static_cast<std::size_t>(size);
    if (std::memchr(pending, '\n', pending_bytes) != nullptr) return;
  }
}

// readstdin() -> a line without its end, or nothing when no whole line is there
int l_readstdin(lua_State* L) {
  const void* found = std::memchr(pending, '\n', pending_bytes);
  if (found == nullptr) {
    read_input();
    found = std::memchr(pending, '\n', pending_bytes);
  }
  const bool whole = found != nullptr;
  if (!whole && (pending_bytes == 0 || !(at_end || pending_bytes == sizeof pending))) return 0;
  const std::size_t size =
      whole ? static_cast<std::size_t>(static_cast<const char*>(found) - pending) : pending_bytes;
  lua_pushlstring(L, pending, size);
  const std::size_t taken = whole ? size + 1 : size;
  std::memmove(pending, pending + taken, pending_bytes - taken);
  pending_bytes -= taken;
  return 1;
}

const luaL_Reg kFunctions[] = {
    {"connect", l_connect},     {"recv", l_recv},     {"send", l_send},
    {"close", l_close},         {"usleep", l_usleep}, {"shutdown", l_shutdown},
    {"readstdin", l_readstdin}, {nullptr, nullptr},
};

}  // namespace

extern "C" int luaopen_client_socket(lua_State* L) {
  luaL_newlib(L, kFunctions);
  return 1;
}
