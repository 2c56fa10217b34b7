#include "gate/ending.hpp"

#include <array>

#include "base/assert.hpp"
#include "protocol/control.hpp"

namespace gatehouse::gate {
namespace {

// The frame cannot be read, or the request number is in use: the client's program is wrong.
constexpr int kKickBadRequest = 400;
// It is not who showed the session's secret. The session stays.
constexpr int kKickNotTheClient = 401;

struct Row {
  Ending ending;
  std::string_view name;
  net::CloseReason reason;
  int kick_code;
};

using enum net::CloseReason;
constexpr std::array<Row, kEndings> kRows{{
    {Ending::kMaxclient, "maxclient", kLimit, 0},
    {Ending::kHandshakeTimeout, "handshake_timeout", kTimeout, 0},
    {Ending::kHandshakeStalled, "handshake_stalled", kTimeout, 0},
    {Ending::kUserNotFound, "user_not_found", kProtocol, 0},
    {Ending::kBadRequest, "bad_request", kProtocol, 0},
    {Ending::kIndexExpired, "index_expired", kProtocol, 0},
    {Ending::kUnauthorized, "unauthorized", kProtocol, 0},
    {Ending::kTooManyHandshakes, "too_many_handshakes", kLimit, 0},
    {Ending::kWorkerStuck, "worker_stuck", kLocal, 0},
    {Ending::kNoDescriptor, "no_descriptor", kLimit, 0},
    {Ending::kFrameTooBig, "frame_too_big", kProtocol, kKickBadRequest},
    {Ending::kFrameTooShort, "frame_too_short", kProtocol, kKickBadRequest},
    {Ending::kBadSeal, "bad_seal", kProtocol, kKickNotTheClient},
    {Ending::kSessionConflict, "session_conflict", kProtocol, kKickBadRequest},
    {Ending::kTooManyRequests, "too_many_requests", kLimit, protocol::kKickTooFast},
    {Ending::kFramesPerSecond, "frames_per_second", kLimit, protocol::kKickTooFast},
    {Ending::kBytesPerSecond, "bytes_per_second", kLimit, protocol::kKickTooFast},
    {Ending::kAddressRate, "address_rate", kLimit, protocol::kKickTooFast},
    {Ending::kSlowReader, "slow_reader", kSlowReader, 0},
    {Ending::kIdleTimeout, "idle_timeout", kTimeout, protocol::kKickIdle},
    {Ending::kReplaced, "replaced", kReplaced, protocol::kKickReplaced},
    {Ending::kKicked, "kicked", kKicked, 0},
    {Ending::kSessionEnded, "session_ended", kLocal, protocol::kKickInternalError},
    {Ending::kPeerClosed, "peer_closed", kPeerClosed, 0},
    {Ending::kPeerReset, "peer_reset", kPeerReset, 0},
    {Ending::kShutdown, "shutdown", kShutdown, 0},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kEndings; ++i)
    if (static_cast<std::size_t>(kRows[i].ending) != i) return false;
  return true;
}
static_assert(in_order());

const Row& row(Ending ending) {
  const auto index = static_cast<std::size_t>(ending);
  GATEHOUSE_ASSERT(index < kEndings);
  return kRows[index];
}

}  // namespace

std::string_view name(Ending ending) {
  return row(ending).name;
}
bool is_refusal(Ending ending) {
  const net::CloseReason reason = row(ending).reason;
  return reason == kLimit || reason == kTimeout || reason == kProtocol || reason == kSlowReader;
}
net::CloseReason close_reason(Ending ending) {
  return row(ending).reason;
}
int kick_code(Ending ending) {
  return row(ending).kick_code;
}

Ending ending_of(net::CloseReason reason) {
  switch (reason) {
    case kSlowReader:
      return Ending::kSlowReader;
    case kPeerReset:
      return Ending::kPeerReset;
    case kShutdown:
      return Ending::kShutdown;
    default:
      return Ending::kPeerClosed;
  }
}

}  // namespace gatehouse::gate
