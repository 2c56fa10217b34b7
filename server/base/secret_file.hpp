// Files that hold a secret of the server's own.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gatehouse {

// Makes the file, of mode 0600, with these bytes, durable; folders that are not there are made for
// the owner alone. It appears whole or not at all. kExists: there is something by that name, which
// stays as it is. kDenied: others could read it or put another one in its place
// (base/file_trust.hpp); kIo.
[[nodiscard]] Result<> make_secret_file(const std::string& path, std::string_view bytes);

}  // namespace gatehouse
