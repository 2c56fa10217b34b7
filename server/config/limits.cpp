#include "config/limits.hpp"

#include <cstdint>

#include "config/tls.hpp"
#include "protocol/first_bytes.hpp"

namespace gatehouse::config {
namespace {

constexpr std::uint64_t kMemoryBytesMin = 64u << 20;

void read_gate_limits(ConfigReader& reader, Limits& limits) {
  reader.read("gate_handshake_timeout_ms", limits.gate_handshake_timeout_ms, 1);
  reader.read("gate_handshake_frame_bytes_max", limits.gate_handshake_frame_bytes_max, 64,
              protocol::kToldFrameBytesMax);
  reader.read("gate_unsent_bytes_max", limits.gate_unsent_bytes_max);
  reader.read("gate_idle_timeout_ms", limits.gate_idle_timeout_ms);
  reader.read("gate_half_closed_timeout_ms", limits.gate_half_closed_timeout_ms, 1, 600'000);
  reader.read("gate_frames_per_s_max", limits.gate_frames_per_s_max);
  reader.read("gate_bytes_per_s_max", limits.gate_bytes_per_s_max);
  reader.read("gate_pending_requests_max", limits.gate_pending_requests_max);
  reader.read("gate_pending_bytes_max", limits.gate_pending_bytes_max);
  if (limits.gate_pending_bytes_max != 0 && limits.gate_pending_bytes_max < kFrameBytesMax)
    reader.reject("gate_pending_bytes_max", "a request of 65535 bytes has to fit, or 0");
  reader.read("gate_reserve_max", limits.gate_reserve_max, 0, 65'536);
  reader.read("gate_reserve_timeout_ms", limits.gate_reserve_timeout_ms, 1);
  reader.read("gate_address_frames_per_s_max", limits.gate_address_frames_per_s_max);
  reader.read("gate_address_bytes_per_s_max", limits.gate_address_bytes_per_s_max);
  reader.read("gate_address_pending_bytes_max", limits.gate_address_pending_bytes_max);
  reader.read("gate_seat_keep_ms", limits.gate_seat_keep_ms, 1'000);
  reader.read("gate_push_log_count_max", limits.gate_push_log_count_max);
  reader.read("gate_push_log_bytes_max", limits.gate_push_log_bytes_max);
}

// Of connections that have not logged in, and of the process.
void read_edge_limits(ConfigReader& reader, Limits& limits) {
  reader.read("unauthenticated_max", limits.unauthenticated_max);
  reader.read("address_connections_max", limits.address_connections_max);
  reader.read("address_connections_per_s", limits.address_connections_per_s);
  reader.read("address_connections_burst", limits.address_connections_burst, 1);
  reader.read("connections_per_s", limits.connections_per_s);
  reader.read("handshake_progress_ms", limits.handshake_progress_ms);
  reader.read("memory_bytes", limits.memory_bytes);
  if (limits.memory_bytes != 0 && limits.memory_bytes < kMemoryBytesMin)
    reader.reject("memory_bytes", "must be 67108864 (64 MiB) at least, or 0");
}

}  // namespace

void read_limits(ConfigReader& reader, Config& config) {
  Limits& limits = config.limits;
  std::size_t profile = 0;
  reader.read_choice("profile", {"default", "off"}, profile);
  read_edge_limits(reader, limits);
  reader.read("login_connections_max", limits.login_connections_max, 1);
  reader.read("login_handshake_timeout_ms", limits.login_handshake_timeout_ms, 1);
  reader.read("login_queue_max", limits.login_queue_max, 1);
  reader.read("hash_threads", limits.hash_threads, 1, 256);
  reader.read("login_address_per_s", limits.login_address_per_s);
  reader.read("login_address_burst", limits.login_address_burst, 1);
  reader.read("login_address_failures_max", limits.login_address_failures_max);
  reader.read("login_account_per_min", limits.login_account_per_min);
  reader.read("login_account_burst", limits.login_account_burst, 1);
  reader.read("login_account_failures_max", limits.login_account_failures_max);
  reader.read("login_lock_ms", limits.login_lock_ms, 1);
  reader.read("login_lock_ms_max", limits.login_lock_ms_max, 1);
  reader.read("login_account_lock_ms_max", limits.login_account_lock_ms_max, 1);
  reader.read("login_account_failures_day_max", limits.login_account_failures_day_max);
  reader.read("login_known_failures_day_max", limits.login_known_failures_day_max);
  reader.read("login_totp_failures_day_max", limits.login_totp_failures_day_max, 2, 10'000);
  reader.read("login_answer_floor_ms_max", limits.login_answer_floor_ms_max, 0, 20'000);
  reader.read("login_failure_memory_ms", limits.login_failure_memory_ms, 1);
  reader.read("login_throttle_entries_max", limits.login_throttle_entries_max, 1'000);
  reader.read("login_rate_per_s", limits.login_rate_per_s);
  reader.read("waiting_places_max", limits.waiting_places_max, 1);
  reader.read("waiting_keep_ms", limits.waiting_keep_ms);
  reader.read("waiting_update_ms", limits.waiting_update_ms, 100);
  read_tls_limits(reader, config.tls.handshakes);
  read_gate_limits(reader, limits);
  reader.read("mailbox_bytes_max", limits.mailbox_bytes_max, 4096);
  reader.read("vm_memory_bytes_max", limits.vm_memory_bytes_max);
  reader.read("vm_memory_reserve_bytes", limits.vm_memory_reserve_bytes);
  reader.read("endless_loop_report_ms", limits.endless_loop_report_ms, 10);
  reader.read("endless_loop_break_ms", limits.endless_loop_break_ms);
  reader.read("endless_loop_close_ms", limits.endless_loop_close_ms, 1);
  reader.read("worker_stuck_ms", limits.worker_stuck_ms);
  reader.read("sockets_max", limits.sockets_max, 1);
  if (profile == 1) {
    limits.login_connections_max = UINT32_MAX;
    limits.login_address_per_s = limits.login_address_failures_max = 0;
    limits.login_account_per_min = limits.login_account_failures_max = 0;
    limits.login_account_failures_day_max = limits.login_known_failures_day_max = 0;
    limits.login_rate_per_s = 0;
    config.tls.handshakes.per_s = 0;
    limits.unauthenticated_max = limits.address_connections_max = 0;
    limits.address_connections_per_s = limits.connections_per_s = 0;
    limits.handshake_progress_ms = 0;
    limits.gate_frames_per_s_max = 0;
    limits.gate_bytes_per_s_max = 0;
    limits.gate_address_frames_per_s_max = 0;
    limits.gate_address_bytes_per_s_max = 0;
    limits.gate_address_pending_bytes_max = 0;
    config.without_limits = true;
  }
}

}  // namespace gatehouse::config
