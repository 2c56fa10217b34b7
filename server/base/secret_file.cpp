#include "base/secret_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/durable_file.hpp"
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
  if (trusted && error == 0) error = write_all(fd, bytes);
  if (trusted && error == 0 && ::fsync(fd) != 0) error = errno;
  ::close(fd);
  // A link takes the place of nothing, and follows no other.
  if (trusted && error == 0 && ::link(draft.c_str(), path.c_str()) != 0) error = errno;
  ::unlink(draft.c_str());
  if (!trusted) return trusted;
  if (error == 0) error = sync_folder(folder.string());
  if (error != 0) return not_made(path, error);
  return {};
}

}  // namespace gatehouse
