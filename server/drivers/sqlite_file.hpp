// The file of a SQLite database, and what SQLite's error codes mean for this store.
#pragma once

#include <string>

#include "base/result.hpp"

namespace gatehouse::drivers {

// The error as the caller sees it, in the classes of driver.hpp and with SQLite's words. code: an
// extended result code, text: sqlite3_errmsg(), system_error: sqlite3_system_errno().
[[nodiscard]] Error sqlite_error(int code, const char* text, int system_error = 0);

// Makes the file, empty and private (0600, its folder 0700), so that SQLite's own files beside it
// inherit its mode; does nothing when it exists. kUnavailable.
[[nodiscard]] Result<> make_private_file(const std::string& path);

}  // namespace gatehouse::drivers
