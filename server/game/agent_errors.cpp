// AgentService: what operators read of a player's errors. A client may cause as many as it likes,
// so that each line is admitted by the player's share of the log first.
#include <fmt/format.h>

#include <string>

#include "base/log.hpp"
#include "game/agent_manager.hpp"
#include "game/agent_service.hpp"

namespace gatehouse::game {
namespace {

// Of an error's text, which may quote what a client sent; its traceback comes on top.
constexpr std::size_t kErrorBytesMax = 2'048;

}  // namespace

script::LuaService::ErrorReport AgentService::error_report(const script::Task& task) {
  const std::string player = uid();
  if (!log::admit(player)) return {.wanted = false};
  std::string whose = player + "@" + server();
  if (const auto& request = task.tag_as<Request>(); request.asked) {
    whose += fmt::format(" request {}", request.ticket.session);
  } else if (task.hook != script::Hook::kNone) {
    whose += fmt::format(" {}", name(task.hook));
  }
  return {.whose = whose + ": ", .bytes_max = kErrorBytesMax};
}

// A script's function that never ends: its task is ended, and what comes next comes.
void AgentService::on_overdue(script::LuaService& service, script::Task& task) {
  auto& agent = static_cast<AgentService&>(service);
  script::Scheduler& scheduler = agent.vm().scheduler();
  std::string text;
  if (log::admit(agent.uid())) {
    text =
        scheduler.with_traceback(task, fmt::format("{}@{}: {} takes too long: ended", agent.uid(),
                                                   agent.server(), name(task.hook)));
  }
  agent.host_.manager().hook_reports().timed_out(agent.id(), task.hook, text);
  if (task.hook == script::Hook::kSave || task.hook == script::Hook::kLastSave) {
    agent.save_failed("save() takes too long");
  }
  scheduler.kill(task);
}

}  // namespace gatehouse::game
