// The key exchanges of the login (docs/protocol.md 2.3 to 2.5); the gate's macs follow from them.
#pragma once

#include <cstdint>
#include <string_view>

namespace gatehouse::protocol {

enum class Suite : std::uint8_t { kSkynet, kPlain, kX25519 };

// The word that configuration, logs and metrics use.
[[nodiscard]] constexpr std::string_view name(Suite suite) {
  switch (suite) {
    case Suite::kSkynet:
      return "skynet";
    case Suite::kPlain:
      return "plain";
    case Suite::kX25519:
      return "x25519";
  }
  return "unknown";
}

}  // namespace gatehouse::protocol
