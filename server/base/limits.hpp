// Every limit of the server, with its unit in the name. The configuration section `limits` has
// a key for each field of Limits (app/config); constants that are part of a protocol are not
// configurable.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gatehouse {

// Part of the protocols (DESIGN sections 5 and 6, sk 4.2 to 4.5).
inline constexpr std::size_t kLoginLineBytesMax = 8192;
inline constexpr std::size_t kFrameBytesMax = 65535;             // 2-byte length
inline constexpr std::size_t kRequestContentBytesMax = 65531;    // frame less session
inline constexpr std::size_t kResponseContentBytesMax = 65530;   // frame less kind and session
inline constexpr std::size_t kUserNameCharactersMax = 64;
inline constexpr std::size_t kConversationCharactersMax = 32;

struct Limits {
  // login
  std::uint32_t login_connections_max = 10'000;      // open login connections in the process
  std::uint32_t login_handshake_timeout_ms = 10'000;
  std::uint32_t login_queue_max = 4'096;              // logins waiting for the hash pool
  std::uint32_t hash_threads = 2;
  // gate
  std::uint32_t gate_handshake_timeout_ms = 10'000;
  std::uint32_t gate_handshake_frame_bytes_max = 1'024;  // before authentication
  std::uint32_t gate_unauthenticated_max = 10'000;       // connections still in the handshake
  std::uint32_t gate_unsent_bytes_max = 1'048'576;       // a slow reader is closed beyond this
  std::uint32_t gate_idle_timeout_ms = 0;                // 0: never
  std::uint32_t gate_frames_per_s_max = 2'000;           // a connection, burst of one second
  std::uint32_t gate_bytes_per_s_max = 4'194'304;
  std::uint32_t gate_pending_requests_max = 1'024;       // waiting or running, a player
  std::uint32_t gate_push_log_count_max = 128;
  std::uint32_t gate_push_log_bytes_max = 65'536;
  // actors
  std::uint64_t mailbox_bytes_max = 64u << 20;           // queued for one service
  std::uint64_t vm_memory_bytes_max = 1u << 30;          // one Lua VM
  std::uint32_t endless_loop_report_ms = 5'000;
  std::uint32_t endless_loop_break_ms = 60'000;          // 0: report only
  std::uint32_t sockets_max = 65'536;                    // sockets of Lua services
};

static_assert(kRequestContentBytesMax + 4 == kFrameBytesMax);
static_assert(kResponseContentBytesMax + 5 == kFrameBytesMax);

}  // namespace gatehouse
