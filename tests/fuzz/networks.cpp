// Endpoints, addresses and networks as people write them: what is taken reads back as itself, and a
// network holds the address that it is written with. Spans of time come along.
#include "gatectl/duration.hpp"
#include "net/network_set.hpp"

#include "fuzz.hpp"

namespace gatehouse::net {

FUZZ_TARGET(networks) {
  if (const auto endpoint = Endpoint::parse(input)) {
    GATEHOUSE_ASSERT(!endpoint->host.empty());
    GATEHOUSE_ASSERT(Endpoint::parse(endpoint->to_string()).value() == *endpoint);
  }
  const std::size_t slash = input.find('/');
  const auto address = Address::from(std::string(input.substr(0, slash)), 4711);
  if (address) {
    GATEHOUSE_ASSERT(address->known() && address->port() == 4711);
    GATEHOUSE_ASSERT(Address::from(address->ip(), 4711).value() == *address);
    const auto shown = Endpoint::parse(address->to_string());
    GATEHOUSE_ASSERT(shown && shown->host == address->ip() && shown->port == 4711);
    GATEHOUSE_ASSERT(network_bytes(*address, 128) == address->bytes());
  }
  NetworkSet set;
  GATEHOUSE_ASSERT(set.empty() && !set.contains(Address()));
  if (set.add(input)) {
    GATEHOUSE_ASSERT(address && set.contains(*address) && !set.empty());
    GATEHOUSE_ASSERT(!set.contains(Address()));
    NetworkSet whole;
    GATEHOUSE_ASSERT(whole.add(subscriber_text(*address)) && whole.contains(*address));
    const Address other = Address::from(address->is_v6() ? "192.0.2.1" : "2001:db8::1", 0).value();
    GATEHOUSE_ASSERT(!set.contains(other));
  } else {
    GATEHOUSE_ASSERT(set.empty());
  }
  if (const auto span = gatectl::parse_duration_s(std::string(input)))
    GATEHOUSE_ASSERT(*span > 0 && *span <= std::int64_t{36'500} * 86'400);
}

}  // namespace gatehouse::net
