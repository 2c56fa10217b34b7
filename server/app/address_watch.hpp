// Reads the tables `address_ban` and `address_allow` (config/network_rows.hpp).
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/metrics.hpp"
#include "base/result.hpp"
#include "config/network_rows.hpp"
#include "net/address_rules.hpp"
#include "store/driver.hpp"

namespace gatehouse::app {

// Read by one thread, the Watch's. Gauge `address_rows_bad`.
class AddressWatch {
 public:
  explicit AddressWatch(MetricSet& metrics);

  // Reads both tables; null: they are as they were read last. A row that cannot be read is logged
  // once.
  [[nodiscard]] Result<std::shared_ptr<const net::AddressRules>> read(store::Driver& driver,
                                                                      std::int64_t now_s);
  // The rows without effect, as they were read last. Any thread.
  [[nodiscard]] std::vector<config::BadRow> bad_rows() const;

 private:
  Metric& bad_metric_;
  // As they were read last.
  std::optional<std::pair<std::vector<store::AddressBan>, std::vector<store::AddressAllow>>> seen_;
  std::set<std::pair<std::string, std::string>> reported_;  // table and network
  mutable std::mutex mutex_;
  std::vector<config::BadRow> bad_;  // under mutex_
};

}  // namespace gatehouse::app
