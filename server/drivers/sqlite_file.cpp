#include "drivers/sqlite_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace gatehouse::drivers {

Error sqlite_error(int code, const char* text, int system_error) {
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
      return {Errc::kExists, "the row exists already"};
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return {Errc::kNotFound, "the account does not exist"};
    default:
      break;
  }
  const int primary = code & 0xff;
  // The error of the operating system is of this call only where the call was one of files.
  const bool of_files = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN ||
                        primary == SQLITE_FULL || primary == SQLITE_READONLY;
  std::string words = fmt::format("SQLite: {} (error {})", text, code);
  if (of_files && system_error != 0)
    words += fmt::format(", {}", std::generic_category().message(system_error));
  switch (primary) {
    // Their words name constraints and columns, no values.
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
      return {Errc::kInvalid, words};
    case SQLITE_TOOBIG:
      return {Errc::kTooBig, words};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
      return {Errc::kCorrupt, words};
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_NOLFS:
      return {Errc::kRefused, words};
    case SQLITE_READONLY: {
      // The others are over once a lock is free, or are the file's that was moved.
      const bool for_good = code == SQLITE_READONLY || code == SQLITE_READONLY_DIRECTORY;
      return {for_good ? Errc::kRefused : Errc::kUnavailable, words};
    }
    case SQLITE_IOERR:
      // A limit of the process or of the file system on a file's size.
      return {system_error == EFBIG ? Errc::kRefused : Errc::kUnavailable, words};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
    case SQLITE_SCHEMA:
    case SQLITE_INTERRUPT:
    case SQLITE_ABORT:
    case SQLITE_NOMEM:
      return {Errc::kUnavailable, words};
    default:
      break;
  }
  // Missing tables and columns have no code of their own.
  const std::string_view said(text);
  const bool schema = said.starts_with("no such ") || said.find(" has no column ") != said.npos ||
                      said.find(" may not be modified") != said.npos;
  return {schema ? Errc::kRefused : Errc::kIo, words};
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
    return fail(Errc::kUnavailable,
                fmt::format("cannot make {}: {}", path, std::generic_category().message(errno)));
  ::close(fd);
  const int linked = ::link(draft.c_str(), path.c_str());
  const int link_errno = errno;
  ::unlink(draft.c_str());
  if (linked != 0 && link_errno != EEXIST)
    return fail(Errc::kUnavailable, fmt::format("cannot make {}: {}", path,
                                                std::generic_category().message(link_errno)));
  return {};
}

}  // namespace gatehouse::drivers
