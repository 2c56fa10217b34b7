// Sets of networks in CIDR notation (RFC 4632, RFC 4291 section 2.3), as ops write them into
// tables: `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/32`. A network is of one family: `::/0`
// holds no IPv4 address, and one mapped into IPv6 is an IPv4 address however it is written.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/result.hpp"
#include "net/address.hpp"

namespace gatehouse::net {

// An address, or a network without the bits behind its prefix; IPv4 is mapped into IPv6.
using NetworkBytes = std::array<unsigned char, 16>;
struct NetworkBytesHash {
  std::size_t operator()(const NetworkBytes& bytes) const noexcept;
};

// Built on one thread, then read by any.
class NetworkSet {
 public:
  // Adds an address or a network; bits behind the prefix may be set and do not count. kInvalid
  // for any other text, and for a prefix that cuts a mapped address before its IPv4 part: it may
  // mean either family.
  [[nodiscard]] Result<> add(std::string_view text);
  // One look-up for each length of prefix in the set. The unknown address is in no set.
  [[nodiscard]] bool contains(const Address& address) const;
  [[nodiscard]] bool empty() const { return v4_.empty() && v6_.empty(); }

 private:
  // By the bits of the prefix, counted in IPv6 (IPv4 mapped: 96 more): the networks' bytes.
  using Networks = std::map<unsigned, std::unordered_set<NetworkBytes, NetworkBytesHash>>;

  Networks v4_;
  Networks v6_;
};

// The bytes of the address with all bits behind the first `bits` cleared; bits: 0 to 128.
[[nodiscard]] NetworkBytes network_bytes(const Address& address, unsigned bits);

// What limits count by: an IPv4 address, or the /64 of an IPv6 address, because that is what one
// subscriber has (RFC 6177).
[[nodiscard]] NetworkBytes subscriber_bytes(const Address& address);
// The same as text: "203.0.113.7", "2001:db8::/64".
[[nodiscard]] std::string subscriber_text(const Address& address);

}  // namespace gatehouse::net
