// Every limit of the server, with its unit in the name. The configuration section `limits` has
// a key for each field of Limits (config/config); constants that are part of a protocol are not
// configurable.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gatehouse {

// Part of the protocols (docs/protocol.md 2 and 3).
inline constexpr std::size_t kLoginLineBytesMax = 8192;
inline constexpr std::size_t kFrameBytesMax = 65535;            // 2-byte length
inline constexpr std::size_t kRequestContentBytesMax = 65531;   // frame less session
inline constexpr std::size_t kResponseContentBytesMax = 65530;  // frame less kind and session
inline constexpr std::size_t kSealBytes = 16;                   // more of a sealed frame
inline constexpr std::size_t kUserNameCharactersMax = 64;
inline constexpr std::size_t kConversationCharactersMax = 32;

struct Limits {
  // connections that have not logged in, login and gates together (edge/guard.hpp); 0: no limit
  std::uint32_t unauthenticated_max = 10'000;
  std::uint32_t address_connections_max = 256;  // of an address (IPv6: a /64)
  std::uint32_t address_connections_per_s = 50;
  std::uint32_t address_connections_burst = 500;  // many players share one address
  std::uint32_t connections_per_s = 0;            // of all addresses
  std::uint32_t handshake_progress_ms = 5'000;    // for each line or frame of a handshake
  std::uint64_t memory_bytes = 0;  // of the process; 0 in the configuration: 80 % of what there is
  // login
  std::uint32_t login_connections_max = 20'000;  // open login connections, authenticated or not
  std::uint32_t login_handshake_timeout_ms = 10'000;
  std::uint32_t login_queue_max = 4'096;  // logins waiting for the hash pool
  std::uint32_t hash_threads = 2;
  // logins an address (IPv6: a /64) or an account; a rate of 0 and a maximum of 0: no limit
  std::uint32_t login_address_per_s = 20;
  std::uint32_t login_address_burst = 1'000;      // many players share one address
  std::uint32_t login_address_failures_max = 30;  // wrong passwords, then locked out
  std::uint32_t login_account_per_min = 60;
  std::uint32_t login_account_burst = 20;
  std::uint32_t login_account_failures_max = 10;  // of a network at one account
  std::uint32_t login_lock_ms = 30'000;           // the first lock-out; each later one doubles
  std::uint32_t login_lock_ms_max = 900'000;      // of an address, and of a known network
  std::uint32_t login_account_lock_ms_max = 86'400'000;  // of another network from an account
  // wrong guesses in any 24 hours: half at once, the other half in the course of the day
  std::uint32_t login_account_failures_day_max = 300;  // at one account, by strangers together
  std::uint32_t login_known_failures_day_max = 100;    // and from networks that it knows
  std::uint32_t login_totp_failures_day_max = 100;     // codes of its second factor; no 0
  std::uint32_t login_answer_floor_ms_max = 2'000;     // a 401 is not held back longer
  std::uint32_t login_failure_memory_ms = 600'000;     // without a failure, then all is forgotten
  std::uint32_t login_throttle_entries_max = 200'000;  // addresses and accounts remembered
  // waiting room
  std::uint32_t login_rate_per_s = 0;         // logins let in to the game; 0: no limit
  std::uint32_t waiting_places_max = 10'000;  // a room
  std::uint32_t waiting_keep_ms = 60'000;     // a place, for a client that dropped
  std::uint32_t waiting_update_ms = 1'000;    // between two `102 Waiting`
  // gate
  std::uint32_t gate_handshake_timeout_ms = 10'000;
  std::uint32_t gate_handshake_frame_bytes_max = 1'024;  // before authentication
  std::uint32_t gate_unsent_bytes_max = 1'048'576;       // a slow reader is closed beyond this
  std::uint32_t gate_idle_timeout_ms = 0;                // 0: never
  std::uint32_t gate_half_closed_timeout_ms = 10'000;    // for answers to who sends no more
  std::uint32_t gate_frames_per_s_max = 2'000;           // a player, burst of one second
  std::uint32_t gate_bytes_per_s_max = 4'194'304;
  std::uint32_t gate_pending_requests_max = 1'024;   // waiting or running, a player
  std::uint32_t gate_pending_bytes_max = 1'048'576;  // of their contents
  std::uint32_t gate_reserve_max = 256;              // connections beyond maxclient
  std::uint32_t gate_reserve_timeout_ms = 1'000;     // for their handshakes
  // an address (IPv6: a /64) at a gate; 0: no limit
  std::uint32_t gate_address_frames_per_s_max = 50'000;
  std::uint32_t gate_address_bytes_per_s_max = 67'108'864;
  std::uint32_t gate_address_pending_bytes_max = 67'108'864;
  std::uint32_t gate_seat_keep_ms = 60'000;  // who is away counts against capacity
  std::uint32_t gate_push_log_count_max = 128;
  std::uint32_t gate_push_log_bytes_max = 65'536;
  // actors
  std::uint64_t mailbox_bytes_max = 64u << 20;       // queued for one service
  std::uint64_t vm_memory_bytes_max = 1u << 30;      // one Lua VM
  std::uint64_t vm_memory_reserve_bytes = 4u << 20;  // above it, for what ends players well
  std::uint32_t endless_loop_report_ms = 5'000;
  std::uint32_t endless_loop_break_ms = 60'000;  // 0: report only
  std::uint32_t endless_loop_close_ms = 1'000;   // for `__close` of what was broken
  std::uint32_t worker_stuck_ms = 1'000;         // then others do its work; 0: never
  std::uint32_t sockets_max = 65'536;            // sockets of Lua services
};

// Who has not logged in does not take the room of those who wait for the answer to their login.
static_assert(Limits().login_connections_max > Limits().unauthenticated_max);
static_assert(Limits().address_connections_burst >= Limits().address_connections_max);
// A player can always have one request of any size.
static_assert(Limits{}.gate_pending_bytes_max > kRequestContentBytesMax);
// One network alone does not come near the account's budget.
static_assert(Limits().login_account_failures_day_max >= 8 * Limits().login_account_failures_max);
static_assert(kRequestContentBytesMax + 4 == kFrameBytesMax);
static_assert(kResponseContentBytesMax + 5 == kFrameBytesMax);

}  // namespace gatehouse
