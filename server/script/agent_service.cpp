#include "script/agent_service.hpp"

#include "actor/system.hpp"
#include "base/assert.hpp"
#include "base/log.hpp"
#include "script/agent_manager.hpp"
#include "script/player_data.hpp"
#include "script/runtime.hpp"

namespace gatehouse::script {
namespace {

// All functions below are the first of a task's coroutine, so that what Lua raises ends there.

AgentService& agent_of(lua_State* L) {
  return static_cast<AgentService&>(*Vm::of(L).scheduler().current());
}

int no_results(lua_State*, int, lua_KContext) { return 0; }

void push_handler(lua_State* L, int handler) { lua_rawgeti(L, LUA_REGISTRYINDEX, handler); }

int start_main(lua_State* L) {
  AgentService& agent = agent_of(L);
  const AgentSpec& spec = *agent.spec();
  push_handler(L, agent.host().handlers().start);
  lua_pushlstring(L, spec.grant.uid.data(), spec.grant.uid.size());
  lua_pushlstring(L, spec.grant.server.data(), spec.grant.server.size());
  if (spec.data.has_data) {
    push_player_data(L, spec.data.data);
  } else {
    lua_pushnil(L);
  }
  lua_callk(L, 3, 0, 0, no_results);
  return 0;
}

int commit_done(lua_State* L, int, lua_KContext) {
  // The handler is above the reply: committing raised nothing, so the reply may leave.
  AgentService& agent = agent_of(L);
  std::size_t size = 0;
  const char* reply = lua_tolstring(L, -1, &size);
  agent.answer(*Vm::of(L).scheduler().running(), true, {reply, size});
  return 0;
}

int request_done(lua_State* L, int, lua_KContext) {
  AgentService& agent = agent_of(L);
  Task& task = *Vm::of(L).scheduler().running();
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushliteral(L, "");
  } else if (lua_type(L, -1) != LUA_TSTRING && lua_type(L, -1) != LUA_TNUMBER) {
    return luaL_error(L, "request() returns a string, got a %s", luaL_typename(L, -1));
  }
  if (!task.commit) return commit_done(L, LUA_OK, 0);
  push_handler(L, agent.host().handlers().commit);
  push_handler(L, agent.self());
  lua_pushvalue(L, -3);
  lua_callk(L, 2, 0, 0, commit_done);
  return commit_done(L, LUA_OK, 0);
}

int request_main(lua_State* L) {
  AgentService& agent = agent_of(L);
  const Task& task = *Vm::of(L).scheduler().running();
  push_handler(L, agent.host().handlers().request);
  push_handler(L, agent.self());
  const std::string_view content = agent.starting_content(task);
  lua_pushlstring(L, content.data(), content.size());
  agent.started(task);
  lua_callk(L, 2, 1, 0, request_done);
  return request_done(L, LUA_OK, 0);
}

int connected_main(lua_State* L) {
  AgentService& agent = agent_of(L);
  push_handler(L, agent.host().handlers().connected);
  push_handler(L, agent.self());
  lua_callk(L, 1, 0, 0, no_results);
  return 0;
}

int disconnected_main(lua_State* L) {
  AgentService& agent = agent_of(L);
  push_handler(L, agent.host().handlers().disconnected);
  push_handler(L, agent.self());
  lua_callk(L, 1, 0, 0, no_results);
  return 0;
}

int logout_main(lua_State* L) {
  AgentService& agent = agent_of(L);
  push_handler(L, agent.host().handlers().logout);
  push_handler(L, agent.self());
  lua_pushinteger(L, static_cast<lua_Integer>(agent.logout_code()));
  lua_pushlstring(L, agent.logout_reason().data(), agent.logout_reason().size());
  lua_callk(L, 3, 0, 0, no_results);
  return 0;
}

}  // namespace

AgentService::AgentService(AgentHost& host, std::unique_ptr<AgentSpec> spec)
    : LuaService(host.runtime(), host.share_vm()),
      host_(host),
      spec_(std::move(spec)),
      account_(spec_->grant.account),
      epoch_(spec_->epoch),
      version_(spec_->data.version),
      clock_(*this) {}

AgentService::~AgentService() = default;

std::string AgentService::uid() const {
  return session_ ? std::string(session_->uid()) : spec_->grant.uid;
}

std::string AgentService::server() const {
  return session_ ? std::string(session_->server()) : spec_->grant.server;
}

std::string AgentService::description() const { return "msgagent " + uid() + "@" + server(); }

void AgentService::on_start() {
  LuaService::on_start();
  // A start that never ends is ended like a logout that takes too long.
  arm(host_.manager().options().logout_timeout_ms);
  run_handler(start_main);
}

Result<> AgentService::ready(int self) {
  GATEHOUSE_ASSERT(spec_ != nullptr);
  actor::EntityManager& entities = runtime().system.entities();
  if (auto added = entities.add("player", spec_->grant.uid, id()); !added) return added;
  auto session = spec_->gate->create_session(
      {spec_->grant.uid, spec_->grant.server, spec_->subid, spec_->grant.secret,
       spec_->grant.suite},
      worker(), *this);
  if (!session) return tl::unexpected<Error>(session.error());
  session_ = std::move(*session);
  self_ = self;
  const std::unique_ptr<AgentSpec> spec = std::move(spec_);
  restore_replies(spec->data.replies);
  // Until the client connects it counts as away.
  arm(host_.manager().options().afk_timeout_ms);
  spec->done(login::Placement{spec->subid, {spec->gate->advertise()}});
  return {};
}

void AgentService::restore_replies(std::string_view stored) {
  if (stored.empty()) return;
  auto replies = CommittedReplies::decode(stored);
  if (!replies) {
    log::error(id(), "{}: {}", description(), replies.error().message);
    return;
  }
  committed_ = std::make_unique<CommittedReplies>(std::move(*replies));
  session_->restore_conversation(committed_->conversation());
  for (const CommittedReplies::Entry& entry : committed_->entries()) {
    session_->restore_reply(entry.session, entry.content);
  }
}

std::uint64_t AgentService::begin_save(std::size_t hash) {
  saved_hash_ = 0;
  newest_hash_ = hash;
  return ++version_;
}

void AgentService::end_save(std::uint64_t version) {
  if (version == version_) saved_hash_ = newest_hash_;
}

void AgentService::add_committed(const Task& task, std::string_view reply) {
  GATEHOUSE_ASSERT(session_ && !session_->conversation().empty());
  if (!committed_) committed_ = std::make_unique<CommittedReplies>();
  committed_->add(session_->conversation(), task.ticket.session, reply);
  committed_changed_ = true;
}

std::optional<std::string> AgentService::committed() const {
  if (!committed_changed_) return std::nullopt;
  return committed_->encode();
}

void AgentService::drop_committed(const Task& task) {
  if (committed_) committed_->drop(task.ticket.session);
}

void AgentService::run_handler(lua_CFunction main) {
  const auto work = [&] {
    Scheduler& scheduler = vm().scheduler();
    Task& task = scheduler.create_task(*this);
    lua_pushcfunction(task.thread, main);
    scheduler.resume(task, 0);
  };
  enter(ServiceId{}, work);
}

void AgentService::on_request(protocol::RequestTicket ticket, std::string_view content) {
  if (leaving_) {
    session_->respond(ticket, false, {});
    return;
  }
  if (busy_ && !host_.handlers().concurrent) {
    if (!waiting_) waiting_ = std::make_unique<std::deque<Waiting>>();
    waiting_->push_back({ticket, std::string(content)});
    return;
  }
  const auto work = [&] {
    content_ = content;
    Scheduler& scheduler = vm().scheduler();
    Task& task = scheduler.create_task(*this);
    task.on_client = true;
    task.ticket = ticket;
    busy_ = true;
    lua_pushcfunction(task.thread, request_main);
    scheduler.resume(task, 0);
  };
  enter(ServiceId{}, work);
}

std::string_view AgentService::starting_content(const Task& task) const {
  return task.queued ? std::string_view(waiting_->front().content) : content_;
}

void AgentService::started(const Task& task) {
  content_ = {};
  if (!task.queued) return;
  waiting_->pop_front();
  if (waiting_->empty()) waiting_.reset();
}

void AgentService::answer(Task& task, bool ok, std::string_view reply) {
  if (task.answered || !session_) return;
  task.answered = true;
  session_->respond(task.ticket, ok, reply);
}

void AgentService::on_client_task_end(Task& task, bool ok) {
  if (!ok) answer(task, false, {});
  busy_ = false;
  if (!waiting_ || leaving_ || exiting()) return;
  Scheduler& scheduler = vm().scheduler();
  Task& next = scheduler.create_task(*this);
  next.on_client = true;
  next.queued = true;
  next.ticket = waiting_->front().ticket;
  busy_ = true;
  lua_pushcfunction(next.thread, request_main);
  scheduler.fork(next);
}

void AgentService::on_connected(bool) {
  if (leaving_) return;
  clock_.cancel();
  if (host_.handlers().connected != LUA_NOREF) run_handler(connected_main);
}

void AgentService::on_disconnected() {
  if (leaving_) return;
  arm(host_.manager().options().afk_timeout_ms);
  if (host_.handlers().disconnected != LUA_NOREF) run_handler(disconnected_main);
}

void AgentService::arm(std::uint32_t ms) {
  if (ms == 0) {
    clock_.cancel();
  } else {
    worker().timers().add(clock_, monotonic_ms() + ms);
  }
}

void AgentService::on_clock() {
  if (spec_ || (leaving_ && !saving_)) {
    log::error(id(), "{} takes too long to {}: ended", description(),
               spec_ ? "start" : "log out");
    worker().retire(*this);
  } else if (leaving_) {
    // The store is away and the data is not lost yet: stay, and let nobody wait for it.
    host_.manager().agent_stuck(*this);
    arm(host_.manager().options().logout_timeout_ms);
  } else {
    log_out(LogoutCode::kIdle, "away for too long");
  }
}

void AgentService::log_out(LogoutCode code, std::string_view reason) {
  if (leaving_ || exiting()) return;
  if (spec_) {
    worker().retire(*this);
    return;
  }
  leaving_ = true;
  logout_code_ = code;
  logout_reason_ = std::make_unique<std::string>(reason);
  log::info(id(), "kick {}@{}: {}", session_->uid(), session_->server(), reason);
  session_->kick(static_cast<int>(code), reason);
  arm(host_.manager().options().logout_timeout_ms);
  run_handler(logout_main);
}

void AgentService::on_message(actor::MessagePtr message) {
  if (message->type == actor::MessageType::kSystem && !message->source) {
    log_out(static_cast<LogoutCode>(message->session), message->view());
    return;
  }
  LuaService::on_message(std::move(message));
}

void AgentService::on_exit() {
  clock_.cancel();
  runtime().system.entities().remove_all(id());
  LuaService::on_exit();
  host_.manager().agent_ended(*this);
  if (spec_) spec_->done(fail(Errc::kUnavailable, "the agent did not start"));
  spec_.reset();
  session_.reset();
  if (self_ != LUA_NOREF) luaL_unref(vm().main(), LUA_REGISTRYINDEX, self_);
}

}  // namespace gatehouse::script
