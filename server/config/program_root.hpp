// Where the program's own files are: lua/ and sql/.
#pragma once

#include <string>

#include "base/result.hpp"

namespace gatehouse::config {

// The folder that holds them: an absolute path, or "." when it is the current one. `given`
// (--root) is the folder if it is not empty. Else the first that has both:
//   <program>/../share/gatehouse   installed, with the program in bin/
//   <program>/../..                the source tree, with the program in build/PRESET/
//   the source tree that the program was built from
//   /usr/share/gatehouse
// <program> is the folder of the running file; that a folder is the current one does not count, as
// whoever owns it would decide what runs. kNotFound: there is none. kDenied: others may change
// what is there (base/file_trust.hpp).
[[nodiscard]] Result<std::string> program_root(const std::string& given);

inline constexpr const char* kRootHelp =
    "the folder with the program's lua/ and sql/; default: found by where the program is";

}  // namespace gatehouse::config
