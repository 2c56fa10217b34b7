#include "script/agent_host.hpp"

#include "script/agent_manager.hpp"

namespace gatehouse::script {

bool AgentHost::has_room(std::uint32_t per_vm) const {
  if (exiting() || closing_ || vm().light_service_count() >= per_vm) return false;
  const std::size_t limit = vm().memory_bytes_max();
  return limit == 0 || vm().memory_bytes() < limit - limit / 10;
}

bool AgentHost::ends_when_asked(bool) {
  if (closing_ || vm().light_service_count() == 0) return true;
  closing_ = true;
  for (const LuaService* player : vm().light_services()) {
    manager_.log_out(player->id(), LogoutCode::kRemoved, "the game's VM ends");
  }
  return false;
}

void AgentHost::player_left() {
  if (closing_ && vm().light_service_count() == 0) worker().retire(*this);
}

void AgentHost::on_exit() {
  manager_.host_ended(*this);
  LuaService::on_exit();
}

}  // namespace gatehouse::script
