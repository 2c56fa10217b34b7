// What ops write into the tables `address_ban` and `address_allow`, made of rules for every port
// that lets strangers in; and the rows there that nobody can read.
#pragma once

#include <string>
#include <vector>

#include "net/address_rules.hpp"
#include "store/records.hpp"

namespace gatehouse::config {

// A row that has no effect, and why.
struct BadRow {
  std::string table;
  std::string network;  // as it was written
  std::string why;
};

// The rules that the rows make, and the rows that make none.
struct NetworkRows {
  net::AddressRules rules;
  std::vector<BadRow> bad;

  void ban(const store::AddressBan& row);
  void allow(const store::AddressAllow& row) { add(rules.allowed, "address_allow", row.network); }

 private:
  bool add(net::NetworkSet& set, const char* table, const std::string& network);
};

}  // namespace gatehouse::config
