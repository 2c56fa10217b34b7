// Messages that arrive: requests, replies, and the ends of others.
#include "base/assert.hpp"
#include "script/scheduler.hpp"

#include <algorithm>

#include "actor/system.hpp"
#include "base/log.hpp"
#include "script/lua_service.hpp"
#include "script/runtime.hpp"
#include "script/vm.hpp"

namespace gatehouse::script {

using actor::Message;
using actor::MessagePtr;
using actor::MessageType;

namespace {

// First function of a request's coroutine: unpacks the incoming message and calls the handler.
int message_main(lua_State* L) {
  Vm& vm = Vm::of(L);
  Scheduler& scheduler = vm.scheduler();
  const Message& message = *scheduler.incoming();
  const auto protocol = vm.protocol(scheduler.current()->light(), message.type);
  lua_rawgeti(L, LUA_REGISTRYINDEX, protocol.dispatch);
  lua_pushinteger(L, message.session);
  lua_pushinteger(L, message.source.value);
  int count = 0;
  if (protocol.unpack == Vm::kBuiltinCodec) {
    count = unpack(L, message);
  } else {
    const int base = lua_gettop(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, protocol.unpack);
    lua_pushlightuserdata(L, const_cast<char*>(message.data()));
    lua_pushinteger(L, message.size);
    lua_call(L, 2, LUA_MULTRET);
    count = lua_gettop(L) - base;
  }
  GATEHOUSE_ASSERT(count >= 0);
  lua_callk(L, 2 + count, 0, 0, [](lua_State*, int, lua_KContext) { return 0; });
  return 0;
}

// First function of the coroutine of a message that nobody expects (skynet.dispatch_unknown_*):
// calls the handler with (session, source, pointer, size, type).
int unknown_main(lua_State* L) {
  Vm& vm = Vm::of(L);
  const Message& message = *vm.scheduler().incoming();
  const bool response = message.type == MessageType::kResponse;
  lua_rawgeti(L, LUA_REGISTRYINDEX, response ? vm.unknown_response : vm.unknown_request);
  lua_pushinteger(L, response ? -message.session : message.session);
  lua_pushinteger(L, message.source.value);
  lua_pushlightuserdata(L, const_cast<char*>(message.data()));
  lua_pushinteger(L, message.size);
  lua_pushinteger(L, static_cast<lua_Integer>(message.type));
  lua_callk(L, 5, 0, 0, [](lua_State*, int, lua_KContext) { return 0; });
  return 0;
}

// What wakes others, tells of deaths and of launched services, or lets operators look into a
// full VM.
bool is_essential(MessageType type) {
  return type == MessageType::kSocket || type == MessageType::kError ||
         type == MessageType::kSystem || type == MessageType::kText || type == MessageType::kDebug;
}

}  // namespace

void Scheduler::dispatch(LuaService& service, MessagePtr message) {
  GATEHOUSE_ASSERT(running_ == nullptr);
  switch (message->type) {
    case MessageType::kResponse:
      on_reply(service, std::move(message));
      break;
    case MessageType::kError:
      if (message->session != 0) {
        on_reply(service, std::move(message));
      } else {
        incoming_ = message.get();
        on_peer_death(service, message->source);
        if (vm_.protocol(service.light(), MessageType::kError).dispatch != LUA_NOREF) {
          on_request(service, std::move(message));
        }
      }
      break;
    default:
      on_request(service, std::move(message));
  }
  incoming_ = nullptr;
  run_queues();
}

void Scheduler::on_reply(LuaService& service, MessagePtr message) {
  if (message->session == 0 && message->source == service.id()) {
    reminded_ = {};  // run_queues comes next
    return;
  }
  Task* task = sessions_.take(service.id(), message->session);
  if (task == nullptr) {
    refuse_reply(service, std::move(message));
    return;
  }
  GATEHOUSE_ASSERT(task->service == &service && task->session == message->session);
  incoming_ = message.get();
  delete std::exchange(task->timer, nullptr);
  if (task->has_token) drop_token(*task);
  resume(*task, task->state == Task::State::kNew ? lua_gettop(task->thread) - 1 : 0);
  incoming_ = nullptr;
  const bool forwards = vm_.forwards(service.light(), MessageType::kResponse).has_value();
  if (std::exchange(reply_lent_, false) && forwards) message.release();
}

// A timer of a task that was ended, or an answer that came twice.
void Scheduler::refuse_reply(LuaService& service, MessagePtr message) {
  if (message->type != MessageType::kResponse || message->source == service.id()) return;
  if (vm_.unknown_response != LUA_NOREF) {
    message->session = -message->session;  // whatever the handler does, nobody waits
    run_request(service, *message, unknown_main);
    return;
  }
  log::error(service.id(), "Unknown session : {} from {:x}", message->session,
             message->source.value);
}

void Scheduler::on_peer_death(LuaService& service, ServiceId peer) {
  std::vector<std::pair<Task*, std::int32_t>> failed;
  for (Task* task = service.tasks_; task != nullptr; task = task->next) {
    if (task->state == Task::State::kCalling && task->callee == peer) {
      failed.emplace_back(task, task->session);
    }
  }
  // The list has the newest first.
  std::reverse(failed.begin(), failed.end());
  for (const auto& [task, session] : failed) {
    // An earlier one of them may have ended it.
    if (sessions_.find(service.id(), session) != task) continue;
    GATEHOUSE_ASSERT(task->service == &service && task->callee == peer);
    sessions_.take(service.id(), session);
    resume(*task, 0);
    while (!woken_.empty()) run_next(woken_);
  }
}

void Scheduler::on_request(LuaService& service, MessagePtr message) {
  const auto forward = vm_.forwards(service.light(), message->type);
  if (forward) message->type = *forward;
  if (vm_.protocol(service.light(), message->type).dispatch == LUA_NOREF &&
      !load_debug(service, message->type)) {
    refuse_request(service, *message);
    return;
  }
  run_request(service, *message, message_main);
  if (starved_) {
    // Nobody says it again, and a coroutine may wait for it. What the handler did before is done
    // once more, as with a datagram that comes twice.
    if (is_essential(message->type) && message->session <= 0) {
      service.postpone(std::move(message));
    }
  } else if (forward) {
    message.release();
  }
}

// Serves a message with a new task that begins with `main`. For want of memory its sender gets
// an error, and starved_ is set.
void Scheduler::run_request(LuaService& service, const Message& message, lua_CFunction main) {
  Task* task = create_task(service);
  starved_ = task == nullptr;
  if (starved_) {
    log::error(service.id(), "not enough memory for a message of :{:08x}", message.source.value);
    vm_.runtime().system.reply_error(message);
    return;
  }
  GATEHOUSE_ASSERT(!task->has_request);
  task->essential = task->essential || is_essential(message.type);
  task->has_request = true;
  task->request_session = message.session;
  task->request_source = message.source;
  task->request_size = message.size;
  incoming_ = &message;
  lua_pushcfunction(task->thread, main);
  resume(*task, 0);
  incoming_ = nullptr;
}

// Every service answers debug messages (docs/skynet-rules.md 1.6), by a module that is loaded for
// the first one.
bool Scheduler::load_debug(LuaService& service, MessageType type) {
  if (type != MessageType::kDebug) return false;
  LuaService* const outer = std::exchange(current_, &service);
  const bool outer_reserve = vm_.use_reserve(true);
  int& dispatch = vm_.edit_protocol(service.light(), type).dispatch;
  const auto loaded = vm_.protect([&dispatch](lua_State* L) {
    lua_getglobal(L, "require");
    lua_pushliteral(L, "skynet.debug");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "dispatch");
    luaL_checktype(L, -1, LUA_TFUNCTION);
    dispatch = luaL_ref(L, LUA_REGISTRYINDEX);
  });
  if (!loaded) log::error(service.id(), "skynet.debug: {}", loaded.error().message);
  vm_.use_reserve(outer_reserve);
  current_ = outer;
  return loaded.has_value();
}

void Scheduler::refuse_request(LuaService& service, const Message& message) {
  if (vm_.unknown_request != LUA_NOREF) {
    run_request(service, message, unknown_main);
    return;
  }
  if (message.session > 0) {
    vm_.runtime().system.reply_error(message);
    return;
  }
  constexpr std::size_t kShown = 64;
  log::error(service.id(), "Unknown request ({}): {}", static_cast<int>(message.type),
             message.view().substr(0, kShown));
}

}  // namespace gatehouse::script
