// AgentManager: the sessions of its players in the store.
#include <string>
#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "game/agent_manager.hpp"

namespace gatehouse::game {

// One job in the store: claim the session, take the player's row over.
void AgentManager::claim(std::unique_ptr<Placing> placing) {
  // Shared, because a job that the store refuses is destroyed uncalled.
  auto shared = std::make_shared<std::unique_ptr<Placing>>(std::move(placing));
  GATEHOUSE_ASSERT((*shared)->gate != nullptr && (*shared)->done);
  const auto owner = store::Store::Owner::account((*shared)->grant.uid);
  const auto submitted = store_.submit(owner, [this, shared](store::Driver& driver) {
    return claim_in_store(driver, std::move(*shared));
  });
  if (!submitted) give_up(**shared, submitted.error());
}

Result<store::PlayerData> AgentManager::take_session(store::Driver& driver, const Placing& placing,
                                                     store::Fence& fence) {
  const login::Grant& grant = placing.grant;
  const store::SessionClaim claim{.gate = placing.gate->advertise(),
                                  .server = grant.server,
                                  .address = grant.address,
                                  .subid = "",
                                  .credentials = grant.credentials,
                                  .family = grant.family,
                                  .node = options_.node};
  for (bool again = false;; again = true) {
    const auto claimed = driver.claim_session(grant.account, claim);
    if (!claimed) return tl::unexpected<Error>(claimed.error());
    fence = *claimed;
    auto data = driver.load_player(grant.account, grant.server, fence);
    if (data || data.error().code != Errc::kFenced || again) return data;
    const auto raised = driver.catch_up_session(grant.account, fence);
    if (!raised || !*raised) return data;
    if (may_log_unsaved())
      log::warn({}, "{}: {}; its epoch is raised", grant.uid, data.error().message);
  }
}

store::Store::Reply AgentManager::claim_in_store(store::Driver& driver,
                                                 std::unique_ptr<Placing> placing) {
  store::Fence fence;
  auto data = take_session(driver, *placing, fence);
  return [this, placing = std::move(placing), fence,
          data = std::move(data)](const Result<>& durable) mutable {
    if (!data || !durable) {
      if (fence.epoch != 0) release_session(placing->grant.uid, placing->grant.account, fence);
      return give_up(*placing, data ? durable.error() : data.error());
    }
    auto spec = std::make_unique<AgentSpec>();
    spec->grant = std::move(placing->grant);
    spec->done = std::move(placing->done);
    spec->gate = placing->gate;
    GATEHOUSE_ASSERT(fence.epoch != 0);
    spec->fence = fence;
    spec->subid = std::to_string(fence.epoch);
    spec->data = std::move(*data);
    post_spawn(std::move(spec));
  };
}

void AgentManager::give_up(Placing& placing, const Error& error) {
  const std::string uid = placing.grant.uid;
  if (may_log_unsaved())
    log::error({}, "{}@{} cannot be placed: the store is {}: {}", uid, placing.grant.server,
               name(error.code), error.message);
  Done done = std::move(placing.done);
  release(uid);
  done(tl::unexpected<Error>(error));
}

// The account shows as offline; a newer session keeps its own mark. What the store does not take
// now is kept for release_again().
void AgentManager::release_session(const std::string& uid, AccountId account, store::Fence fence) {
  const auto owner = store::Store::Owner::account(uid);
  const auto submitted = store_.submit(owner, [this, account, fence](store::Driver& driver) {
    const auto released = driver.release_session(account, fence);
    return store::Store::Reply(
        [this, account, fence, fine = released.has_value()](const Result<>& durable) {
          if (!fine || !durable) remember_unreleased(account, fence);
        });
  });
  if (!submitted) remember_unreleased(account, fence);
}

void AgentManager::remember_unreleased(AccountId account, store::Fence fence) {
  std::lock_guard lock(mutex_);
  unreleased_[account.value] = fence;
}

Result<> AgentManager::release_again(store::Driver& driver) {
  std::unordered_map<std::uint64_t, store::Fence> sessions;
  {
    std::lock_guard lock(mutex_);
    sessions.swap(unreleased_);
  }
  Result<> done;
  for (const auto& [account, fence] : sessions) {
    if (done) {
      if (auto released = driver.release_session(AccountId{account}, fence); !released)
        done = tl::unexpected<Error>(released.error());
    }
    if (done) continue;
    std::lock_guard lock(mutex_);
    unreleased_.try_emplace(account, fence);
  }
  return done;
}

Result<> AgentManager::mark_all(store::Driver& driver) {
  std::vector<store::HeldSession> sessions;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [uid, entry] : online_) {
      if (entry.agent) sessions.push_back(entry.held);
    }
  }
  for (const store::HeldSession& session : sessions) {
    if (auto marked = driver.mark_session(session, options_.node); !marked)
      return tl::unexpected<Error>(marked.error());
  }
  return {};
}

}  // namespace gatehouse::game
