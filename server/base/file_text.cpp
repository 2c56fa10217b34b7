#include "base/file_text.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/file_trust.hpp"

namespace gatehouse {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  const int fd_;
};

tl::unexpected<Error> unreadable(const std::string& path, int error) {
  const Errc code = error == ENOENT || error == ENOTDIR ? Errc::kNotFound : Errc::kIo;
  return fail(code,
              fmt::format("{}: cannot be read: {}", path, std::generic_category().message(error)));
}

}  // namespace

Result<FileText> read_file(const std::string& path, std::size_t bytes_max, Pipes pipes) {
  if (path.find('\0') != std::string::npos) return fail(Errc::kInvalid, "a path holds a NUL");
  const int wait = pipes == Pipes::kRead ? 0 : O_NONBLOCK;
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | wait));
  struct stat info {};
  if (file.get() < 0 || ::fstat(file.get(), &info) != 0) return unreadable(path, errno);
  if (S_ISDIR(info.st_mode)) return fail(Errc::kInvalid, path + ": is a folder");
  const bool piped = S_ISFIFO(info.st_mode) && pipes == Pipes::kRead;
  if (!S_ISREG(info.st_mode) && !piped)
    return fail(Errc::kInvalid, path + ": is not a regular file");
  FileText read{{}, readers_of(info)};
  std::string& text = read.text;
  // One byte more than allowed, so that a file that grows meanwhile is seen as well.
  const auto expected = static_cast<std::size_t>(info.st_size);
  while (text.size() <= bytes_max) {
    const std::size_t at = text.size();
    const std::size_t room = std::min(bytes_max + 1 - at, expected > at ? expected - at + 1 : 4096);
    text.resize(at + room);
    ssize_t got = 0;
    do got = ::read(file.get(), text.data() + at, room);
    while (got < 0 && errno == EINTR);
    const int error = errno;
    text.resize(at + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0) return unreadable(path, error);
    if (got == 0) return read;
  }
  return fail(Errc::kTooBig, fmt::format("{}: has more than {} bytes", path, bytes_max));
}

}  // namespace gatehouse
