// What makes a file that was written last through a crash of the machine.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

// Each returns errno, or 0 when it is done. Any thread; they block.

// All of the bytes, to a file that is open.
[[nodiscard]] int write_all(int fd, std::string_view bytes);
// What was made, renamed or removed in the folder stays so.
[[nodiscard]] int sync_folder(const std::string& folder);

}  // namespace gatehouse
