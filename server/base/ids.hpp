// Ids are types of their own, never bare integers.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace gatehouse {

// Address of a service: high 8 bits node, low 24 bits local (skynet's handle,
// docs/skynet-rules.md 2.9). 0 is nobody. Local ids are not reused before tens of thousands of
// others were, so that a stale address is recognised.
struct ServiceId {
  std::uint32_t value = 0;
  explicit operator bool() const { return value != 0; }
  auto operator<=>(const ServiceId&) const = default;
};

// Connection of a worker: slot plus generation, so that a stale id finds nothing.
struct ConnectionId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;  // 0: no connection
  explicit operator bool() const { return generation != 0; }
  auto operator<=>(const ConnectionId&) const = default;
};

// Row id of an account in the store; 0 is nobody.
struct AccountId {
  std::uint64_t value = 0;
  explicit operator bool() const { return value != 0; }
  auto operator<=>(const AccountId&) const = default;
};

}  // namespace gatehouse

template <>
struct std::hash<gatehouse::ServiceId> {
  std::size_t operator()(gatehouse::ServiceId id) const noexcept { return id.value; }
};
