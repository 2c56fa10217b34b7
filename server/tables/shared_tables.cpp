#include "tables/shared_tables.hpp"

#include <algorithm>

#include "actor/worker.hpp"

namespace gatehouse::tables {

Result<> SharedTables::publish(SharedFace face, std::string_view name, SharedTreePtr tree,
                               Mode mode) {
  if (name.size() > kNameBytesMax) return fail(Errc::kInvalid, "the name is too long");
  SharedTreePtr before;  // freed without the lock
  {
    const std::lock_guard lock(mutex_);
    Names& names = of(face);
    auto it = names.find(name);
    if (it == names.end()) {
      if (mode == Mode::kReplace) return fail(Errc::kNotFound, "there is no such name");
      if (names.size() >= kNamesMax) return fail(Errc::kFull, "there are too many names");
      it = names.emplace(std::string(name), Current{nullptr, ++last_lineage_}).first;
    } else if (mode == Mode::kNew) {
      return fail(Errc::kExists, "the name exists already");
    }
    before = std::exchange(it->second.tree, std::move(tree));
  }
  announce();
  return {};
}

bool SharedTables::remove(SharedFace face, std::string_view name) {
  Names::node_type removed;
  {
    const std::lock_guard lock(mutex_);
    Names& names = of(face);
    const auto it = names.find(name);
    if (it == names.end()) return false;
    removed = names.extract(it);
  }
  announce();
  return true;
}

SharedTables::Current SharedTables::find(SharedFace face, std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const Names& names = names_[static_cast<std::size_t>(face)];
  const auto it = names.find(name);
  return it == names.end() ? Current{} : it->second;
}

std::vector<std::string> SharedTables::names(SharedFace face) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  for (const auto& [name, current] : names_[static_cast<std::size_t>(face)]) all.push_back(name);
  return all;
}

void SharedTables::add_follower(std::weak_ptr<Follower> follower, actor::Worker& worker) {
  const std::lock_guard lock(mutex_);
  if (followers_.size() >= followers_limit_) {
    std::erase_if(followers_, [](const Following& f) { return f.follower.expired(); });
    followers_limit_ = std::max<std::size_t>(64, 2 * followers_.size());
  }
  followers_.push_back({std::move(follower), &worker});
}

void SharedTables::announce() {
  epoch_.fetch_add(1, std::memory_order_acq_rel);
  std::vector<Following> followers;
  {
    const std::lock_guard lock(mutex_);
    followers = followers_;
  }
  for (Following& following : followers) {
    if (following.follower.expired()) continue;
    following.worker->post([weak = std::move(following.follower)] {
      // On its own thread, where nobody else can drop the last reference meanwhile.
      if (const std::shared_ptr<Follower> follower = weak.lock()) follower->refresh();
    });
  }
}

}  // namespace gatehouse::tables
