// The request that makes a WebSocket of a connection (RFC 6455 4.2, docs/protocol.md 1.8), by
// Boost.Beast's parser, and what is answered to it and to whatever else speaks HTTP here.
//
//   1  The head of the request, up to its empty line, has at most 8 KiB and 64 fields: 431.
//   2  It is HTTP, by a GET without a body (400, 405), of version 1.1 (505), with one Host (400).
//   3  It asks for `websocket`: else 426 with a text for who looks at this port with a browser.
//   4  Connection names upgrade (400), the version is 13 (426 that says so), the key is base64 of
//      16 bytes (400), and Origin, if there is one, is allowed (403).
//   5  Else 101, with our sub-protocol if it was offered. Who offers others only is taken without
//      one (RFC 6455 4.2.2); a browser then closes by itself. Extensions are declined by silence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/origins.hpp"

namespace gatehouse::protocol {

inline constexpr std::size_t kUpgradeBytesMax = 8'192;
inline constexpr std::size_t kUpgradeFieldsMax = 64;
inline constexpr std::string_view kLoginSubprotocol = "gatehouse.login.1";
inline constexpr std::string_view kGateSubprotocol = "gatehouse.gate.1";

// What became of a request; the names go to the log and to metrics.
enum class UpgradeResult : std::uint8_t {
  kAccepted,
  kNotHttp,
  kTooLarge,
  kMethod,
  kHttpVersion,
  kNoUpgrade,  // ordinary HTTP
  kVersion,
  kBadRequest,  // a field is missing, doubled, or says nonsense
  kOrigin,
};
inline constexpr std::size_t kUpgradeResults = 9;
// "accepted", "not_http", "no_upgrade" and so on.
[[nodiscard]] std::string_view name(UpgradeResult result);

struct UpgradeAnswer {
  UpgradeResult result = UpgradeResult::kNotHttp;
  std::string response;  // to send; the connection ends after it, but for kAccepted
};

struct UpgradeRules {
  std::string_view subprotocol;
  const Origins& origins;
};

// How many bytes of `text` are the head of a request, its empty line included; 0: more is needed.
// `seen` bytes were looked at before.
[[nodiscard]] std::size_t upgrade_head_bytes(std::string_view text, std::size_t seen = 0);
// `head` ends with its empty line.
[[nodiscard]] UpgradeAnswer judge_upgrade(std::string_view head, const UpgradeRules& rules);
// The answer to what can be no head, whatever follows: kNotHttp or kTooLarge.
[[nodiscard]] UpgradeAnswer refuse_upgrade(UpgradeResult result, const UpgradeRules& rules);
// What a client is told whose connection is ended before its request was judged.
[[nodiscard]] std::string upgrade_unavailable();

}  // namespace gatehouse::protocol
