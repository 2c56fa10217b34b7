// Which networks ops let in without limits, and which not at all (tables `address_allow` and
// `address_ban`).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/network_set.hpp"

namespace gatehouse::net {

struct AddressRules {
  NetworkSet allowed;  // no ban and no limit holds for these
  NetworkSet banned;
  // Of each ban that says why: its network alone, and what who is in is told.
  std::vector<std::pair<NetworkSet, std::string>> reasons;

  [[nodiscard]] bool refuses(const Address& address) const {
    return banned.contains(address) && !allowed.contains(address);
  }
  // What is said to somebody from there whom refuses() names.
  [[nodiscard]] std::string_view reason_for(const Address& address) const {
    for (const auto& [network, reason] : reasons)
      if (network.contains(address)) return reason;
    return "your network is banned";
  }
};

}  // namespace gatehouse::net
