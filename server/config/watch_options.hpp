// How the store is watched (configuration sections `login` and `store`).
#pragma once

#include <cstdint>

namespace gatehouse::config {

struct AuditBounds {
  std::uint32_t keep_days = 90;          // login.audit_keep_days
  std::uint64_t rows_max = 1'000'000;    // login.audit_rows_max
  std::uint64_t bytes_max = 512u << 20;  // login.audit_bytes_max
};

struct WatchOptions {
  std::uint32_t interval_ms = 2'000;
  AuditBounds audit;
  std::uint32_t session_lease_ms = 30'000;  // SessionKeeperOptions
};

}  // namespace gatehouse::config
