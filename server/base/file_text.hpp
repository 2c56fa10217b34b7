// Files that are read whole: configurations, migrations, what a command is given.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.hpp"

namespace gatehouse {

// What is in the file, and who besides its owner may read it (readers_of in base/file_trust.hpp).
struct FileText {
  std::string text;
  std::string readers;
};

// Whether a pipe is read to its end, however long its writer takes.
enum class Pipes { kRefused, kRead };

// Reads a regular file. kNotFound when there is none; kInvalid for a folder or a device, which
// might never end; kTooBig above bytes_max; kIo, with the system's words. Waits for pipes only.
[[nodiscard]] Result<FileText> read_file(const std::string& path, std::size_t bytes_max,
                                         Pipes pipes = Pipes::kRefused);

}  // namespace gatehouse
