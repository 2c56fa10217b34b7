#include "script/shared_tables.hpp"

#include <algorithm>

#include "actor/worker.hpp"
#include "script/vm.hpp"

namespace gatehouse::script {

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

void SharedTables::add_follower(std::weak_ptr<Vm> vm, actor::Worker& worker) {
  const std::lock_guard lock(mutex_);
  if (followers_.size() >= followers_limit_) {
    std::erase_if(followers_, [](const Follower& f) { return f.vm.expired(); });
    followers_limit_ = std::max<std::size_t>(64, 2 * followers_.size());
  }
  followers_.push_back({std::move(vm), &worker});
}

void SharedTables::announce() {
  epoch_.fetch_add(1, std::memory_order_acq_rel);
  std::vector<Follower> followers;
  {
    const std::lock_guard lock(mutex_);
    followers = followers_;
  }
  for (Follower& follower : followers) {
    if (follower.vm.expired()) continue;
    follower.worker->post([weak = std::move(follower.vm)] {
      // On the VM's own thread, where nobody else can drop the last reference meanwhile.
      if (const std::shared_ptr<Vm> vm = weak.lock()) vm->refresh_tables();
    });
  }
}

}  // namespace gatehouse::script
