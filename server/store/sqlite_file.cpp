#include "store/sqlite_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace gatehouse::store {

Error sqlite_error(int code, const char* text) {
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY: return {Errc::kExists, "the row exists already"};
    case SQLITE_CONSTRAINT_FOREIGNKEY: return {Errc::kNotFound, "the account does not exist"};
    default: break;
  }
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
      return {Errc::kInvalid, fmt::format("SQLite refuses a value (error {})", code)};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return {Errc::kCorrupt, fmt::format("SQLite: {} (error {})", text, code)};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_PROTOCOL:
    case SQLITE_NOMEM:
      return {Errc::kUnavailable, fmt::format("SQLite: {} (error {})", text, code)};
    default: break;
  }
  // A missing table has no code of its own.
  const Errc errc = std::string_view(text).starts_with("no such ") ? Errc::kUnavailable : Errc::kIo;
  return {errc, fmt::format("SQLite: {} (error {})", text, code)};
}

// The file appears under its name closed: closing it later would drop the locks that connections
// of this process hold on it.
Result<> make_private_file(const std::string& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error)) return {};
  const auto folder = std::filesystem::path(path).parent_path();
  if (!folder.empty() && std::filesystem::create_directories(folder, error))
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  if (error)
    return fail(Errc::kUnavailable,
                fmt::format("cannot make folder {}: {}", folder.string(), error.message()));
  std::string draft = path + ".XXXXXX";
  const int fd = mkostemp(draft.data(), O_CLOEXEC);  // mode 0600
  if (fd < 0)
    return fail(Errc::kUnavailable, fmt::format("cannot make {}: {}", path,
                                                std::generic_category().message(errno)));
  ::close(fd);
  const int linked = ::link(draft.c_str(), path.c_str());
  const int link_errno = errno;
  ::unlink(draft.c_str());
  if (linked != 0 && link_errno != EEXIST)
    return fail(Errc::kUnavailable, fmt::format("cannot make {}: {}", path,
                                                std::generic_category().message(link_errno)));
  return {};
}

}  // namespace gatehouse::store
