// What the programs end with.
#pragma once

namespace gatehouse {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  // could not start, or did not end in order
inline constexpr int kExitUsage = 2;   // wrong arguments or configuration

}  // namespace gatehouse
