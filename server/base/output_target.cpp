#include "base/output_target.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace gatehouse {
namespace {

constexpr int kFlags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

bool is_fifo(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISFIFO(info.st_mode);
}

// As many whole lines as fit into PIPE_BUF bytes, or that much of a longer one.
std::size_t piece_of(std::string_view text) {
  if (text.size() <= PIPE_BUF) return text.size();
  const std::size_t newline = text.substr(0, PIPE_BUF).rfind('\n');
  return newline == std::string_view::npos ? PIPE_BUF : newline + 1;
}

}  // namespace

OutputTarget::OutputTarget(int descriptor, bool owned) : descriptor_(descriptor), owned_(owned) {
  struct stat info {};
  if (fstat(descriptor, &info) != 0) return;
  socket_ = S_ISSOCK(info.st_mode);
  disk_ = S_ISREG(info.st_mode);
}

OutputTarget::OutputTarget(OutputTarget&& other) noexcept {
  *this = std::move(other);
}

OutputTarget& OutputTarget::operator=(OutputTarget&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(owned_, other.owned_);
  std::swap(socket_, other.socket_);
  std::swap(disk_, other.disk_);
  return *this;
}

OutputTarget::~OutputTarget() {
  if (owned_) ::close(descriptor_);
}

Result<OutputTarget> OutputTarget::open(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code ignored;  // what cannot be made is named by open
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  int descriptor = -1;
  // Open for reading as well, a FIFO never lacks a reader, and keeps what the last one left.
  if (is_fifo(path)) descriptor = ::open(path.c_str(), O_RDWR | kFlags);
  if (descriptor < 0) {
    descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | kFlags, 0666);
  }
  if (descriptor < 0) return fail(Errc::kIo, path + ": " + std::strerror(errno));
  return OutputTarget(descriptor, true);
}

OutputTarget OutputTarget::on(int descriptor) {
  struct stat info {};
  if (fstat(descriptor, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode))) {
    const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
    const int own = ::open(path.c_str(), O_WRONLY | kFlags);
    if (own >= 0) return {own, true};
  }
  return {descriptor, false};
}

long OutputTarget::write_some(std::string_view text) const {
  const std::size_t size = disk_ ? text.size() : piece_of(text);
  if (!owned_ && !socket_ && !disk_) {
    // poll answers for PIPE_BUF bytes.
    pollfd room{descriptor_, POLLOUT, 0};
    if (::poll(&room, 1, 0) == 0) return 0;
  }
  while (true) {
    const ssize_t done = socket_
                             ? ::send(descriptor_, text.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL)
                             : ::write(descriptor_, text.data(), size);
    if (done >= 0) return done;
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
  }
}

}  // namespace gatehouse
