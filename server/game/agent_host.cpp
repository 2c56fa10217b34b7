#include "game/agent_host.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "game/agent_manager.hpp"
#include "script/memory_relief.hpp"

namespace gatehouse::game {
namespace {

// Who holds less than this part of a full VM is not what filled it.
constexpr std::size_t kBigPart = 8;
constexpr std::size_t kNamed = 3;

AgentService& agent_of(const script::Holding& holding) {
  return static_cast<AgentService&>(*holding.service);
}

}  // namespace

bool AgentHost::has_room(std::uint32_t per_vm) const {
  return !exiting() && !closing_ && vm().light_service_count() < per_vm && !vm().nearly_full() &&
         !outdated();
}

bool AgentHost::outdated() const {
  return code_ != runtime().code.current();
}

void AgentHost::relieve() {
  if (exiting() || !collect_garbage(vm())) return;
  std::string biggest;
  AgentService* agent = choose_leaver(biggest);
  report_full(*this, biggest);
  if (agent == nullptr) return;
  leaver_ = agent->id();
  leaver_until_ms_ = worker().clock().monotonic_ms() + manager_.options().logout_timeout_ms +
                     manager_.options().save_timeout_ms;
  vm().lend_reserve(true);
  manager_.ended_for_memory().add();
  manager_.log_out(leaver_, LogoutCode::kMemory, "out of memory: this player holds too much");
}

// Whoever holds most, if that is much. Else, when what fills the VM is kept in modules, whoever
// has allocated most since the last time.
AgentService* AgentHost::choose_leaver(std::string& biggest) {
  std::vector<script::Holding> holdings;
  for (script::LuaService* service : vm().light_services()) {
    holdings.push_back({service, static_cast<AgentService*>(service)->self(), 0});
  }
  std::ranges::sort(holdings, std::ranges::greater{}, [](const script::Holding& holding) {
    return holding.service->allocated_since_mark();
  });
  const std::vector<script::Holding> growing = holdings;
  measure(vm(), holdings);
  std::ranges::stable_sort(holdings, std::ranges::greater{}, &script::Holding::bytes);
  for (std::size_t i = 0; i < std::min(kNamed, holdings.size()); ++i) {
    const AgentService& agent = agent_of(holdings[i]);
    biggest += fmt::format("{}{}@{} holds {}", i == 0 ? "; " : ", ", agent.uid(), agent.server(),
                           holdings[i].bytes);
  }
  const bool watched = std::exchange(watched_, true);
  const auto stays = [](const script::Holding& holding) {
    return !agent_of(holding).leaving() && agent_of(holding).self() != LUA_NOREF;
  };
  AgentService* leaver = nullptr;
  const auto big = std::ranges::find_if(holdings, stays);
  const auto grown = std::ranges::find_if(growing, stays);
  if (leaver_ && worker().clock().monotonic_ms() < leaver_until_ms_) {
    leaver = nullptr;
  } else if (big != holdings.end() && big->bytes >= vm().memory_bytes() / kBigPart) {
    leaver = &agent_of(*big);
  } else if (watched && grown != growing.end()) {
    leaver = &agent_of(*grown);
  }
  for (const script::Holding& holding : holdings) holding.service->mark_allocated();
  return leaver;
}

void AgentHost::on_start_failed() {
  log::error(id(), "{} cannot start", description());
  if (ends_when_asked(false)) worker().retire(*this);
}

bool AgentHost::ends_when_asked(bool) {
  if (closing_ || vm().light_service_count() == 0) return true;
  closing_ = true;
  for (const script::LuaService* player : vm().light_services()) {
    manager_.log_out(player->id(), LogoutCode::kRemoved, "the game's VM ends");
  }
  return false;
}

void AgentHost::player_left(ServiceId agent) {
  GATEHOUSE_ASSERT(!exiting());
  const bool made_room = agent == leaver_;
  const bool last = vm().light_service_count() == 0;
  if (last && (closing_ || outdated())) return worker().retire(*this);
  if (!made_room && !(last && vm().nearly_full())) return;
  if (made_room) {
    leaver_ = {};
    vm().lend_reserve(false);
  }
  vm().next_collection_ms = 0;
  if (collect_garbage(vm()) && last) {
    log::warn(id(), "{} ends: it is full, and nobody is left in it", description());
    worker().retire(*this);
  }
}

void AgentHost::on_exit() {
  manager_.host_ended(*this);
  script::LuaService::on_exit();
}

}  // namespace gatehouse::game
