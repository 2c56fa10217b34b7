// AgentManager: sessions of networks that are banned.
#include <utility>

#include "base/log.hpp"
#include "game/agent_manager.hpp"

namespace gatehouse::game {

std::optional<std::string> AgentManager::refusal_of(const Online& entry) const {
  if (!address_rules_ || !address_rules_->refuses(entry.client)) return std::nullopt;
  return std::string(address_rules_->reason_for(entry.client));
}

// Who is made while the rules change is looked at by spawn(), under the same lock.
void AgentManager::set_address_rules(std::shared_ptr<const net::AddressRules> rules) {
  struct Refused {
    ServiceId agent;
    std::string uid;
    std::string reason;
  };
  std::vector<Refused> refused;
  {
    std::lock_guard lock(mutex_);
    address_rules_ = std::move(rules);
    if (address_rules_->banned.empty()) return;
    for (const auto& [uid, entry] : online_) {
      if (!entry.agent) continue;
      if (auto reason = refusal_of(entry))
        refused.push_back({entry.agent, uid, std::move(*reason)});
    }
  }
  for (const Refused& player : refused) kick_for_network(player.agent, player.uid, player.reason);
}

void AgentManager::client_at(AgentService& agent) {
  const std::string uid = agent.uid();
  std::optional<std::string> refusal;
  {
    std::lock_guard lock(mutex_);
    const auto it = online_.find(uid);
    if (it == online_.end() || it->second.agent != agent.id()) return;
    it->second.client = agent.session()->peer_address();
    refusal = refusal_of(it->second);
  }
  if (refusal) kick_for_network(agent.id(), uid, *refusal);
}

void AgentManager::kick_for_network(ServiceId agent, const std::string& uid,
                                    std::string_view reason) {
  bans_enforced_.add();
  log::info({}, "{} is kicked: its network is banned", uid);
  send_logout(agent, LogoutCode::kBanned, reason);
}

}  // namespace gatehouse::game
