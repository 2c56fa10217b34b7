// Why connections end: one word each, for the log and the metrics. What the gate ends because of
// its client counts in gatehouse_refused_total{where="gate",reason="..."}, the rest in
// gatehouse_gate_closed{reason="..."}. Who is not let in at all: edge/guard.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "net/transport.hpp"

namespace gatehouse::gate {

enum class Ending : std::uint8_t {
  // not let in
  kMaxclient,  // the gate is full
  kHandshakeTimeout,
  kHandshakeStalled,   // limits.handshake_progress_ms
  kUserNotFound,       // 404
  kBadRequest,         // 400
  kIndexExpired,       // 403
  kUnauthorized,       // 401
  kTooManyHandshakes,  // 429: of this player
  kWorkerStuck,        // 503: a script keeps the session's worker
  kNoDescriptor,       // the connection could not be handed to the session's worker
  // broke the protocol
  kFrameTooBig,
  kFrameTooShort,    // no room for a session number
  kBadSeal,          // a sealed frame was changed, or is not the next one
  kSessionConflict,  // by rule 3 of docs/protocol.md 3.11
  // took too much
  kTooManyRequests,
  kFramesPerSecond,
  kBytesPerSecond,
  kAddressRate,  // of all players of its address together
  kSlowReader,
  kIdleTimeout,
  // the session's doing
  kReplaced,  // by a newer handshake
  kKicked,
  kSessionEnded,  // the agent is gone
  // the other side's and the network's
  kPeerClosed,
  kPeerReset,
  kShutdown,
};
inline constexpr std::size_t kEndings = static_cast<std::size_t>(Ending::kShutdown) + 1;

[[nodiscard]] std::string_view name(Ending ending);
[[nodiscard]] bool is_refusal(Ending ending);
// What the transport is told.
[[nodiscard]] net::CloseReason close_reason(Ending ending);
// The code of the kick that tells an extended client; 0: it is not told, or by other means.
[[nodiscard]] int kick_code(Ending ending);
// How a connection that its transport ended, ended.
[[nodiscard]] Ending ending_of(net::CloseReason reason);

}  // namespace gatehouse::gate
