#include "actor/entity_manager.hpp"

#include "base/assert.hpp"

namespace gatehouse::actor {

std::string EntityManager::key(std::string_view kind, std::string_view id) {
  std::string k;
  k.reserve(kind.size() + id.size() + 1);
  k.append(kind).append(1, '\0').append(id);
  return k;
}

EntityManager::Shard& EntityManager::shard(const std::string& key) const {
  return shards_[std::hash<std::string>{}(key) % kShards];
}

EntityManager::OwnerShard& EntityManager::owner(ServiceId actor) {
  return owners_[actor.value % kShards];
}

Result<> EntityManager::add(std::string_view kind, std::string_view id, ServiceId actor) {
  if (kind.empty() || kind.find('\0') != std::string_view::npos) {
    return fail(Errc::kInvalid, "an entity kind is a non-empty name");
  }
  GATEHOUSE_ASSERT(actor.value != 0);
  std::string k = key(kind, id);
  {
    Shard& s = shard(k);
    std::lock_guard lock(s.mutex);
    if (!s.entries.try_emplace(k, actor).second) {
      return fail(Errc::kExists, "the entity is registered already");
    }
  }
  OwnerShard& o = owner(actor);
  std::lock_guard lock(o.mutex);
  o.keys.emplace(actor.value, std::move(k));
  return {};
}

Result<> EntityManager::remove(std::string_view kind, std::string_view id) {
  const std::string k = key(kind, id);
  ServiceId actor;
  {
    Shard& s = shard(k);
    std::lock_guard lock(s.mutex);
    const auto it = s.entries.find(k);
    if (it == s.entries.end()) return fail(Errc::kNotFound, "no such entity");
    actor = it->second;
    GATEHOUSE_ASSERT(actor.value != 0);
    s.entries.erase(it);
  }
  OwnerShard& o = owner(actor);
  std::lock_guard lock(o.mutex);
  const auto [first, last] = o.keys.equal_range(actor.value);
  for (auto it = first; it != last; ++it) {
    if (it->second == k) {
      o.keys.erase(it);
      break;
    }
  }
  return {};
}

ServiceId EntityManager::find(std::string_view kind, std::string_view id) const {
  const std::string k = key(kind, id);
  Shard& s = shard(k);
  std::lock_guard lock(s.mutex);
  const auto it = s.entries.find(k);
  return it == s.entries.end() ? ServiceId{} : it->second;
}

std::size_t EntityManager::count(std::string_view kind) const {
  const std::string prefix = key(kind, {});
  std::size_t n = 0;
  for (const Shard& s : shards_) {
    std::lock_guard lock(s.mutex);
    for (const auto& [k, actor] : s.entries) n += k.starts_with(prefix) ? 1 : 0;
  }
  return n;
}

std::vector<EntityManager::Entry> EntityManager::list(std::string_view kind) const {
  const std::string prefix = key(kind, {});
  std::vector<Entry> entries;
  for (const Shard& s : shards_) {
    std::lock_guard lock(s.mutex);
    for (const auto& [k, actor] : s.entries) {
      if (k.starts_with(prefix)) entries.push_back({k.substr(prefix.size()), actor});
    }
  }
  return entries;
}

void EntityManager::remove_all(ServiceId actor) {
  GATEHOUSE_ASSERT(actor.value != 0);
  std::vector<std::string> keys;
  {
    OwnerShard& o = owner(actor);
    std::lock_guard lock(o.mutex);
    const auto [first, last] = o.keys.equal_range(actor.value);
    for (auto it = first; it != last; ++it) keys.push_back(std::move(it->second));
    o.keys.erase(first, last);
  }
  for (const std::string& k : keys) {
    Shard& s = shard(k);
    std::lock_guard lock(s.mutex);
    const auto it = s.entries.find(k);
    if (it != s.entries.end() && it->second == actor) s.entries.erase(it);
  }
}

}  // namespace gatehouse::actor
