#include "game/agent_service.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "actor/system.hpp"
#include "base/assert.hpp"
#include "base/log.hpp"
#include "game/agent_manager.hpp"
#include "game/agent_tasks.hpp"
#include "script/runtime.hpp"

namespace gatehouse::game {
namespace {

constexpr std::uint32_t kSaveRetryMs = 100;

}  // namespace

AgentService::AgentService(AgentHost& host, std::unique_ptr<AgentSpec> spec)
    : script::LuaService(host.runtime(), host.share_vm()),
      host_(host),
      spec_(std::move(spec)),
      account_(spec_->grant.account),
      fence_(spec_->fence),
      version_(spec_->data.version),
      clock_(*this),
      watch_(*this, on_overdue) {}

AgentService::~AgentService() = default;

std::string AgentService::uid() const {
  return session_ ? std::string(session_->uid()) : spec_->grant.uid;
}

std::string AgentService::server() const {
  return session_ ? std::string(session_->server()) : spec_->grant.server;
}

std::string AgentService::description() const {
  return "msgagent " + uid() + "@" + server();
}

void AgentService::on_start() {
  script::LuaService::on_start();
  run_hook(script::Hook::kLoad, start_main, host_.manager().options().load_timeout_ms);
}

void AgentService::refuse_login(Errc code, std::string_view reason) {
  if (!spec_ || spec_->refusal) return;
  spec_->refusal = Error{code, std::string(reason)};
  if (code == Errc::kDenied)
    log::info(id(), "the login of {}@{} is refused: {}", uid(), server(), reason);
}

Result<> AgentService::ready(int self) {
  GATEHOUSE_ASSERT(spec_ != nullptr && session_ == nullptr && self_ == LUA_NOREF);
  if (spec_->grant.nobody_waits()) {
    return fail(Errc::kClosed, "nobody waits for this login any more");
  }
  actor::EntityManager& entities = runtime().system.entities();
  if (auto added = entities.add("player", spec_->grant.uid, id()); !added) return added;
  auto session = spec_->gate->create_session({spec_->grant.uid, spec_->grant.server, spec_->subid,
                                              spec_->grant.secret, spec_->grant.suite},
                                             worker(), *this);
  if (!session) return tl::unexpected<Error>(session.error());
  session_ = std::move(*session);
  self_ = self;
  saved_ms_ = worker().now();
  const std::unique_ptr<AgentSpec> spec = std::move(spec_);
  load_replies(spec->data.replies);
  // Until the client connects it counts as away.
  arm(host_.manager().options().afk_timeout_ms);
  spec->done(login::Placement{spec->subid, {spec->gate->advertise()}});
  return {};
}

void AgentService::load_replies(std::string_view stored) {
  if (stored.empty()) return;
  auto known = Conversations::decode(stored, session_->reply_count_max());
  if (!known) {
    log::error(id(), "{}: {}", description(), known.error().message);
    return;
  }
  conversations_ = std::make_unique<Conversations>(std::move(*known));
}

// Marks first: in the window they are older than all else.
void AgentService::on_conversation(std::string_view name, std::uint32_t number) {
  if (!conversations_) return;
  const Conversations::Conversation& known = conversations_->enter(name, number);
  session_->restore_floor(std::max(known.floor, known.accepted));
  for (const Conversations::Reply& reply : known.replies)
    if (!reply.kept) session_->restore_mark(reply.session);
  for (const Conversations::Reply& reply : known.replies)
    if (reply.kept) session_->restore_reply(reply.session, reply.content);
}

void AgentService::note_accepted(protocol::RequestTicket ticket) {
  if (session_->conversation().empty()) return;
  if (!conversations_) {
    conversations_ = std::make_unique<Conversations>(session_->reply_count_max());
    conversations_->enter(session_->conversation(), ticket.conversation_number);
  }
  conversations_->accept(ticket);
}

void AgentService::note_started(protocol::RequestTicket ticket) {
  ++requests_running_;
  if (!conversations_) return;
  conversations_->start(ticket);
  conversations_changed_ = true;
}

std::uint64_t AgentService::begin_save(std::size_t hash) {
  GATEHOUSE_ASSERT(saves_running_ < UINT32_MAX);
  saved_hash_ = 0;
  newest_hash_ = hash;
  ++saves_running_;
  return ++version_;
}

void AgentService::end_save(std::uint64_t version, SaveOutcome outcome) {
  GATEHOUSE_ASSERT(saves_running_ > 0 && version <= version_);
  --saves_running_;
  if (outcome != SaveOutcome::kNothingDone) saved_max_ = std::max(saved_max_, version);
  if (outcome != SaveOutcome::kDone) return;
  if (version == version_) {
    saved_hash_ = newest_hash_;
    pending_.reset();
    unsaved_.reset();
  }
  save_succeeded();
}

std::uint32_t AgentService::limit_save() {
  script::Task& task = *vm().scheduler().running();
  if (task.hook != script::Hook::kSave && task.hook != script::Hook::kLastSave)
    return 0;  // a request has its own
  const AgentManager& manager = host_.manager();
  const std::uint32_t ms = task.hook == script::Hook::kLastSave
                               ? manager.leaving_ms(manager.options().save_timeout_ms)
                               : manager.options().save_timeout_ms;
  watch_.limit(task, task.hook, ms);
  watch_.look(task);
  return ms;
}

void AgentService::limit_receive() {
  script::Task& task = *vm().scheduler().running();
  watch_.limit(task, script::Hook::kReceive, host_.manager().options().request_timeout_ms);
  watch_.look(task);
}

void AgentService::pause_hook() {
  watch_.pause(*vm().scheduler().running());
}

void AgentService::continue_hook() {
  watch_.go_on(*vm().scheduler().running());
}

void AgentService::save_succeeded() {
  saved_ms_ = worker().now();
  save_error_.reset();
  failed_saves_ = 0;
  if (!pending_ && std::exchange(listed_, false)) host_.manager().player_saved(uid());
}

void AgentService::report_loss(std::string_view why) {
  log::error(id(),
             "{}@{}: what was done in the last {} s is lost, the store has what was before: {}",
             uid(), server(), (worker().now() - saved_ms_) / 1000, why);
}

void AgentService::begin_commit(Request& request) {
  request.commit = true;
  session_->hold(request.ticket);
}

bool AgentService::committable(const Request& request) const {
  return conversations_ != nullptr && conversations_->knows(request.ticket);
}

void AgentService::add_committed(const Request& request, std::string_view reply) {
  GATEHOUSE_ASSERT(request.commit && conversations_ != nullptr);
  conversations_->add(request.ticket, reply);
  conversations_changed_ = true;
}

void AgentService::end_commit(Request& request, bool done) {
  request.commit_save = 0;
  if (!done && conversations_) conversations_->drop(request.ticket);
}

std::optional<std::string> AgentService::replies() const {
  if (!conversations_changed_) return std::nullopt;
  return conversations_->encode();
}

void AgentService::rolled_back(script::Task& task) {
  GATEHOUSE_ASSERT(rolling_back_);
  rolling_back_ = false;
  saved_hash_ = 0;
  pending_.reset();  // `self` is what the store has: nothing of it is left to rescue
  unsaved_.reset();
  answer(task, false, {});
}

void AgentService::give_up(int code, std::string_view reason) {
  if (exiting()) return;
  log::error(id(), "{}@{} is ended without a save: {}", uid(), server(), reason);
  if (session_) session_->kick(code, reason);
  worker().retire(*this);
}

void AgentService::fork_hook(script::Hook hook, lua_CFunction main, std::uint32_t ms) {
  script::Scheduler& scheduler = vm().scheduler();
  script::Task* task = scheduler.create_task(*this);
  if (task == nullptr) return on_no_memory(hook);
  task->essential = task->essential || leaving_;
  watch_.limit(*task, hook, ms);
  watch_.look(*task);
  lua_pushcfunction(task->thread, main);
  scheduler.fork(*task);
}

void AgentService::run_hook(script::Hook hook, lua_CFunction main, std::uint32_t ms) {
  enter(ServiceId{}, [this, hook, main, ms] { fork_hook(hook, main, ms); });
}

void AgentService::on_no_memory(script::Hook hook) {
  if (log::admit(uid()))
    log::error(id(), "{}@{}: not enough memory for {}", uid(), server(), name(hook));
  switch (hook) {
    case script::Hook::kLoad:
      return worker().retire(*this);
    case script::Hook::kLogout:
      return fork_hook(script::Hook::kLastSave, last_save_main, 0);
    case script::Hook::kLastSave:
      // Others leave, too, and make room.
      save_waits_ = true;
      return arm(kSaveRetryMs);
    default:
      return;
  }
}

bool AgentService::run_periodic_save(lua_State* L) {
  if (periodic_save_ || leaving_ || self_ == LUA_NOREF) return false;
  script::Scheduler& scheduler = vm().scheduler();
  script::Task* task = scheduler.create_task(*this);
  if (task == nullptr) return false;
  periodic_save_ = true;
  task->essential = true;
  task->hook = script::Hook::kSave;  // its deadline begins with save()
  lua_rawgeti(L, LUA_REGISTRYINDEX, self_);
  lua_xmove(L, task->thread, 2);
  scheduler.fork(*task);
  return true;
}

void AgentService::on_request(protocol::RequestTicket ticket, std::string_view content) {
  GATEHOUSE_ASSERT(session_ != nullptr && self_ != LUA_NOREF && !exiting());
  if (leaving_) {
    session_->respond(ticket, false, {});
    return;
  }
  note_accepted(ticket);
  if (busy_ && !host_.handlers().concurrent) {
    if (!waiting_) waiting_ = std::make_unique<std::deque<Waiting>>();
    waiting_->push_back({ticket, std::string(content)});
    return;
  }
  const std::uint32_t timeout_ms = host_.manager().options().request_timeout_ms;
  const auto work = [&] {
    script::Scheduler& scheduler = vm().scheduler();
    script::Task* task = scheduler.create_task(*this);
    if (task == nullptr) return session_->respond(ticket, false, {});
    content_ = content;
    auto& request = task->tag_as<Request>();
    request.asked = true;
    request.ticket = ticket;
    busy_ = true;
    watch_.limit(*task, script::Hook::kRequest, timeout_ms);
    note_started(ticket);
    lua_pushcfunction(task->thread, request_main);
    scheduler.resume(*task, 0);
    content_ = {};
    // Most requests have ended by now; an overlapping one is found by the look for its neighbour.
    const bool runs = busy_ || host_.handlers().concurrent;
    if (timeout_ms != 0 && runs && !exiting()) watch_.look_in(timeout_ms);
  };
  enter(ServiceId{}, work);
}

std::string_view AgentService::starting_content(const Request& request) const {
  return request.queued ? std::string_view(waiting_->front().content) : content_;
}

void AgentService::started(Request& request) {
  request.begun = true;
  if (request.queued) drop_front();
}

void AgentService::answer(script::Task& task, bool ok, std::string_view reply) {
  if (task.answered || !session_) return;
  task.answered = true;
  session_->respond(task.tag_as<Request>().ticket, ok, reply);
}

void AgentService::on_watched_task_end(script::Task& task, bool ok) {
  switch (task.hook) {
    case script::Hook::kRequest:
      return on_request_end(task, ok);
    case script::Hook::kLoad:
      if (!spec_) return;
      if (!spec_->refusal && log::admit(uid()))
        log::error(id(), "{}@{} cannot start", uid(), server());
      return worker().retire(*this);
    case script::Hook::kSave:
      periodic_save_ = false;
      return;
    case script::Hook::kLogout:
      return fork_hook(script::Hook::kLastSave, last_save_main, 0);
    case script::Hook::kLastSave:
      if (rescued_) return;
      if (!ok && lua_status(task.thread) == LUA_ERRMEM)
        return on_no_memory(script::Hook::kLastSave);
      // Its script ended the task, not save() or the clock: once more.
      if (!ok && !save_error_ && !std::exchange(saved_again_, true)) {
        return fork_hook(script::Hook::kLastSave, last_save_main, 0);
      }
      if (failed_saves_ != 0 || !ok) {
        report_loss(save_error_ ? *save_error_ : "the last save was ended");
      }
      return worker().retire(*this);
    default:
      return;
  }
}

void AgentService::on_request_end(script::Task& task, bool ok) {
  const auto& request = task.tag_as<Request>();
  if (!ok && (request.rolls_back || request.commit_save != 0)) {
    give_up(protocol::kKickInternalError, request.rolls_back
                                              ? "what a request did cannot be taken back"
                                              : "it is not known what became of a commit");
    return;
  }
  if (!ok && request.commit) return begin_rollback(request);
  if (!ok) answer(task, false, {});
  if (request.queued && !request.begun) drop_front();  // it failed before it took its content
  GATEHOUSE_ASSERT(requests_running_ > 0);
  --requests_running_;
  run_next();
}

// The request that asked for commit is over, and nothing of it is stored. It counts as running
// until it is undone.
void AgentService::begin_rollback(const Request& failed) {
  GATEHOUSE_ASSERT(!rolling_back_ && failed.commit && !failed.rolls_back);
  rolling_back_ = true;
  script::Scheduler& scheduler = vm().scheduler();
  script::Task* task = scheduler.create_task(*this);
  if (task == nullptr) {
    return give_up(protocol::kKickInternalError, "what a request did cannot be taken back");
  }
  task->essential = true;
  auto& request = task->tag_as<Request>();
  request.asked = request.commit = request.rolls_back = true;
  request.ticket = failed.ticket;
  watch_.limit(*task, script::Hook::kRequest, host_.manager().options().request_timeout_ms);
  watch_.look(*task);
  lua_pushcfunction(task->thread, rollback_main);
  scheduler.fork(*task);
}

void AgentService::run_next() {
  busy_ = false;
  while (waiting_ && !leaving_ && !exiting()) {
    const protocol::RequestTicket ticket = waiting_->front().ticket;
    script::Scheduler& scheduler = vm().scheduler();
    if (script::Task* next = scheduler.create_task(*this)) {
      auto& request = next->tag_as<Request>();
      request.asked = request.queued = true;
      request.ticket = ticket;
      busy_ = true;
      watch_.limit(*next, script::Hook::kRequest, host_.manager().options().request_timeout_ms);
      watch_.look(*next);
      note_started(ticket);
      lua_pushcfunction(next->thread, request_main);
      scheduler.fork(*next);
      return;
    }
    drop_front();
    session_->respond(ticket, false, {});
  }
}

void AgentService::drop_front() {
  GATEHOUSE_ASSERT(waiting_ != nullptr && !waiting_->empty());
  waiting_->pop_front();
  if (waiting_->empty()) waiting_.reset();
}

void AgentService::on_connected(bool resumed) {
  if (leaving_) return;
  host_.manager().client_at(*this);
  clock_.cancel();
  if (host_.handlers().connected == LUA_NOREF) return;
  run_hook(script::Hook::kResume, resumed ? resumed_main : connected_main,
           host_.manager().options().hook_timeout_ms);
}

void AgentService::on_disconnected() {
  if (leaving_) return;
  arm(host_.manager().options().afk_timeout_ms);
  if (host_.handlers().disconnected == LUA_NOREF) return;
  run_hook(script::Hook::kAfk, disconnected_main, host_.manager().options().hook_timeout_ms);
}

void AgentService::arm(std::uint32_t ms) {
  if (ms == 0) {
    clock_.cancel();
  } else {
    worker().timers().add(clock_, worker().clock().monotonic_ms() + ms);
  }
}

void AgentService::on_clock() {
  if (!leaving_) return log_out(LogoutCode::kIdle, "away for too long");
  if (rescue_due()) start_rescue();
  // The store is away, or there is no memory, and the data is not lost yet: stay, and let nobody
  // wait for it.
  stuck_ = true;
  host_.manager().agent_stuck(*this);
  arm(host_.manager().options().logout_timeout_ms);
  if (std::exchange(save_waits_, false)) run_hook(script::Hook::kLastSave, last_save_main, 0);
}

void AgentService::log_out(LogoutCode code, std::string_view reason) {
  if (exiting()) return;
  if (spec_) {
    const bool denied = code == LogoutCode::kRemoved || code == LogoutCode::kBanned;
    refuse_login(denied ? Errc::kDenied : Errc::kUnavailable, reason);
    worker().retire(*this);
    return;
  }
  AgentManager& manager = host_.manager();
  if (leaving_) {
    if (code == LogoutCode::kShutdown) watch_.hurry(manager.leaving_ms(UINT32_MAX));
    return;
  }
  leaving_ = true;
  logout_reason_ = std::make_unique<std::string>(reason);
  log::info(id(), "kick {}@{}: {}", session_->uid(), session_->server(), reason);
  session_->kick(static_cast<int>(code), reason);
  arm(manager.options().logout_timeout_ms + manager.options().save_timeout_ms);
  if (host_.handlers().logout == LUA_NOREF) {
    run_hook(script::Hook::kLastSave, last_save_main, 0);
  } else {
    run_hook(script::Hook::kLogout, logout_main,
             manager.leaving_ms(manager.options().logout_timeout_ms));
  }
}

// A player who plays is logged out and saved. Who leaves already does so, whatever scripts say; an
// operator may give up one that the store keeps waiting.
bool AgentService::ends_when_asked(bool itself) {
  if (spec_ || self_ == LUA_NOREF) return true;
  if (leaving_) return !itself && stuck_;
  host_.manager().log_out(id(), LogoutCode::kRemoved,
                          itself ? "ended by the game" : "ended by an operator");
  return false;
}

void AgentService::on_message(actor::MessagePtr message) {
  if (message->type == actor::MessageType::kSystem && !message->source) {
    if (message->session == kRescueMessage) return want_rescue();
    log_out(static_cast<LogoutCode>(message->session), message->view());
    return;
  }
  script::LuaService::on_message(std::move(message));
}

void AgentService::on_exit() {
  clock_.cancel();
  watch_.cancel();
  if (unsaved_ && pending_) {
    log::error(id(), "{}@{} ends, and the store has not its last data", uid(), server());
  }
  if (listed_) host_.manager().player_saved(uid());
  runtime().system.entities().remove_all(id());
  script::LuaService::on_exit();
  host_.manager().agent_ended(*this);
  if (spec_) {
    refuse_login(Errc::kUnavailable, "the agent did not start");
    spec_->done(tl::unexpected<Error>(*spec_->refusal));
  }
  spec_.reset();
  session_.reset();
  vm().unref(self_);
  self_ = LUA_NOREF;
  if (!host_.exiting()) host_.player_left(id());
}

}  // namespace gatehouse::game
