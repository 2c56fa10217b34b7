// Contents of control frames (kind 3, session 0; docs/protocol.md 3.15): one JSON object each, told
// apart by "type". For clients of the extended handshake only.
//   {"type":"kick","code":409,"reason":"logged in elsewhere"}     the connection closes next
//   {"type":"drain"}                                              the server is about to stop
//   {"type":"push_gap","last_push":4,"next_push":10}              PushGap
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "protocol/push_log.hpp"

namespace gatehouse::protocol {

// Codes of a kick; numbers with their meaning in HTTP.
inline constexpr int kKickCredentials = 401;  // password, second factor or tickets are others now
inline constexpr int kKickBanned = 403;
inline constexpr int kKickIdle = 408;           // silent beyond the idle time-out
inline constexpr int kKickReplaced = 409;       // a newer login or connection of the account
inline constexpr int kKickRemoved = 410;        // by the game or an operator
inline constexpr int kKickTooFast = 429;        // over a rate limit
inline constexpr int kKickInternalError = 500;  // the agent died
inline constexpr int kKickShutdown = 503;
inline constexpr int kKickMemory = 507;  // took more of the server's memory than there is

inline constexpr std::size_t kKickReasonBytesMax = 1024;

// The reason is cut at kKickReasonBytesMax.
[[nodiscard]] std::string format_kick(int code, std::string_view reason);
[[nodiscard]] std::string format_drain();
[[nodiscard]] std::string format_push_gap(const PushGap& gap);

}  // namespace gatehouse::protocol
