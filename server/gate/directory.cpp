#include "gate/directory.hpp"

#include <functional>
#include <utility>

#include "base/assert.hpp"
#include "protocol/gate_handshake.hpp"

namespace gatehouse::gate {

const Directory::Part& Directory::part(std::string_view name) const {
  // The high bits: the map of the part takes the low ones.
  return parts_[(std::hash<std::string_view>{}(name) >> 48) % kShards];
}

Directory::Part& Directory::part(std::string_view name) {
  return const_cast<Part&>(std::as_const(*this).part(name));
}

bool Directory::add(std::string_view name, const Entry& entry) {
  GATEHOUSE_ASSERT(entry.session != nullptr);
  Part& p = part(name);
  std::lock_guard lock(p.mutex);
  return p.entries.try_emplace(name, entry).second;
}

void Directory::remove(std::string_view name) {
  Part& p = part(name);
  std::lock_guard lock(p.mutex);
  GATEHOUSE_ASSERT(p.entries.erase(name) == 1);
}

std::optional<Directory::Entry> Directory::find(std::string_view name) const {
  const Part& p = part(name);
  std::lock_guard lock(p.mutex);
  const auto it = p.entries.find(name);
  if (it == p.entries.end()) return std::nullopt;
  return it->second;
}

std::optional<Directory::Entry> Directory::find_spelled(std::string_view name) const {
  if (auto found = find(name)) return found;
  const auto canonical = protocol::canonical_gate_name(name);
  if (!canonical) return std::nullopt;
  return find(*canonical);
}

std::size_t Directory::count() const {
  std::size_t count = 0;
  for (const Part& p : parts_) {
    std::lock_guard lock(p.mutex);
    count += p.entries.size();
  }
  return count;
}

}  // namespace gatehouse::gate
