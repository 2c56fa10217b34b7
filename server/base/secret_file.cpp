#include "base/secret_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/file_trust.hpp"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> not_made(const std::string& path, int error) {
  return fail(error == EEXIST ? Errc::kExists : Errc::kIo,
              error == EEXIST ? path + " exists already"
                              : fmt::format("{}: cannot be made: {}", path,
                                            std::generic_category().message(error)));
}

// Returns errno, 0: it is written and durable.
int write_through(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written < 0 ? errno : EIO;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(fd) == 0 ? 0 : errno;
}

// Returns errno, 0: what was made in the folder stays made.
int sync_names(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return error;
}

Result<> make_folder(const fs::path& folder) {
  std::error_code error;
  if (fs::create_directories(folder, error)) fs::permissions(folder, fs::perms::owner_all, error);
  if (error) return not_made(folder.string(), error.value());
  return {};
}

}  // namespace

Result<> make_secret_file(const std::string& path, std::string_view bytes) {
  if (path.empty() || path.find('\0') != std::string::npos)
    return fail(Errc::kInvalid, "a file needs a name without NUL");
  std::error_code unknown;
  const fs::path folder = fs::absolute(path, unknown).parent_path();
  if (auto made = make_folder(folder); !made) return made;
  std::string draft = path + ".XXXXXX";
  const int fd = ::mkostemp(draft.data(), O_CLOEXEC);
  if (fd < 0) return not_made(path, errno);
  int error = ::fchmod(fd, S_IRUSR | S_IWUSR) == 0 ? 0 : errno;  // whatever the umask
  // Before there is a secret in it.
  const auto trusted = check_secret_file(draft);
  if (trusted && error == 0) error = write_through(fd, bytes);
  ::close(fd);
  // A link takes the place of nothing, and follows no other.
  if (trusted && error == 0 && ::link(draft.c_str(), path.c_str()) != 0) error = errno;
  ::unlink(draft.c_str());
  if (!trusted) return trusted;
  if (error == 0) error = sync_names(folder);
  if (error != 0) return not_made(path, error);
  return {};
}

}  // namespace gatehouse
