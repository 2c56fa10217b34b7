#include "config/network_rows.hpp"

#include <utility>

namespace gatehouse::config {

bool NetworkRows::add(net::NetworkSet& set, const char* table, const std::string& network) {
  const auto added = set.add(network);
  if (!added) bad.push_back({table, network, added.error().message});
  return added.has_value();
}

void NetworkRows::ban(const store::AddressBan& row) {
  if (!add(rules.banned, "address_ban", row.network) || row.reason.empty()) return;
  net::NetworkSet alone;
  if (alone.add(row.network)) rules.reasons.emplace_back(std::move(alone), row.reason);
}

}  // namespace gatehouse::config
