// Which networks ops let in without limits, and which not at all (tables `address_allow` and
// `address_ban`).
#pragma once

#include "net/network_set.hpp"

namespace gatehouse::login {

struct AddressRules {
  net::NetworkSet allowed;  // no ban and no limit holds for these
  net::NetworkSet banned;

  [[nodiscard]] bool refuses(const net::Address& address) const {
    return banned.contains(address) && !allowed.contains(address);
  }
};

}  // namespace gatehouse::login
