#include "script/agent_host.hpp"

#include "script/agent_manager.hpp"

namespace gatehouse::script {

bool AgentHost::has_room(std::uint32_t per_vm) const {
  if (exiting() || vm().light_service_count() >= per_vm) return false;
  const std::size_t limit = vm().memory_bytes_max();
  return limit == 0 || vm().memory_bytes() < limit - limit / 10;
}

void AgentHost::on_exit() {
  manager_.host_ended(*this);
  LuaService::on_exit();
}

}  // namespace gatehouse::script
