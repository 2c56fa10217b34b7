#include "script/lua_service.hpp"

#include <algorithm>
#include <cstring>

#include "actor/system.hpp"
#include "base/assert.hpp"
#include "base/log.hpp"
#include "script/memory_relief.hpp"
#include "script/message_log.hpp"
#include "script/runtime.hpp"

namespace gatehouse::script {

using actor::MessagePtr;

namespace {

struct LoadArguments {
  Runtime* runtime;
  const std::vector<std::string>* words;
};

void set_global(lua_State* L, const char* name, const std::string& value) {
  lua_pushlstring(L, value.data(), value.size());
  lua_setglobal(L, name);
}

// Runs the file on top of the stack with the service's words as arguments.
void run_file(lua_State* L, const std::vector<std::string>& words, std::size_t first_word) {
  int status = LUA_OK;
  {
    const std::string file = lua_tostring(L, -1);
    status = Vm::of(L).code()->load(L, file);
  }
  if (status != LUA_OK) lua_error(L);
  luaL_checkstack(L, static_cast<int>(words.size()) + 1, "too many arguments");
  for (std::size_t i = first_word; i < words.size(); ++i) {
    lua_pushlstring(L, words[i].data(), words[i].size());
  }
  lua_call(L, static_cast<int>(words.size() - first_word), 0);
}

// Pushes the file of a service and returns the pattern that found it; raises. Names are file
// names: dots are not folders.
std::string_view find_service(lua_State* L, std::string_view patterns, const std::string& name) {
  bool pushed = false, found = false;
  std::string_view pattern;
  {
    const Code::Found file = Vm::of(L).code()->find(patterns, name);
    found = !file.path.empty();
    pattern = file.pattern;
    pushed = push_owned(L, found ? file.path : file.tried);
  }
  if (!pushed) lua_error(L);
  if (!found) luaL_error(L, "cannot open %s:\n\t%s", name.c_str(), lua_tostring(L, -1));
  return pattern;
}

// Sets SERVICE_PATH, the pattern's folder. A pattern with the name in its folder, x/?/init.lua,
// also lets the service find the modules there.
void set_service_path(lua_State* L, std::string_view pattern, const std::string& name) {
  const std::size_t slash = pattern.rfind('/');
  const std::string_view folder =
      pattern.substr(0, slash == std::string_view::npos ? 0 : slash + 1);
  lua_pushlstring(L, folder.data(), folder.size());
  luaL_gsub(L, lua_tostring(L, -1), "?", name.c_str());
  lua_pushvalue(L, -1);
  lua_setglobal(L, "SERVICE_PATH");
  if (folder.find('?') != std::string_view::npos) {
    lua_getglobal(L, "package");
    lua_insert(L, -2);
    lua_pushliteral(L, "?.lua;");
    lua_getfield(L, -3, "path");
    lua_concat(L, 3);
    lua_setfield(L, -2, "path");
  }
  lua_pop(L, 2);
}

// pcall body: finds the service's file and runs it (docs/skynet-rules.md 1.0).
int load_service(lua_State* L) {
  const auto* arguments = static_cast<const LoadArguments*>(lua_touserdata(L, 1));
  Runtime& runtime = *arguments->runtime;
  const std::vector<std::string>& words = *arguments->words;
  set_global(L, "SERVICE_NAME", words[0]);
  std::string_view patterns = runtime.service_path;
  const std::vector<std::string>& hidden = runtime.hidden_services;
  if (std::find(hidden.begin(), hidden.end(), words[0]) != hidden.end()) {
    const std::size_t library = patterns.find(';');
    patterns.remove_prefix(library == std::string_view::npos ? patterns.size() : library + 1);
  }
  const std::string_view pattern = find_service(L, patterns, words[0]);
  set_service_path(L, pattern, words[0]);
  if (!runtime.preload.empty()) {
    lua_pushlstring(L, runtime.preload.data(), runtime.preload.size());
    run_file(L, words, 0);
    lua_pop(L, 1);
  }
  run_file(L, words, 1);
  return 0;
}

int add_load_traceback(lua_State* L) {
  const char* text = lua_tostring(L, 1);
  luaL_traceback(L, L, text == nullptr ? "(error object is not a string)" : text, 1);
  return 1;
}

std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(" \t\r\n", at)) != std::string::npos) {
    const std::size_t end = std::min(text.find_first_of(" \t\r\n", at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

}  // namespace

// Messages that wait for memory, and the timer that sends them again.
class LuaService::Postponed final : public actor::Timer {
 public:
  explicit Postponed(actor::System& system) : system_(system) {}
  void add(actor::Worker& worker, MessagePtr message) {
    messages_.push_back(std::move(message));
    if (!waiting()) worker.timers().add(*this, worker.clock().monotonic_ms() + kWaitMs);
  }
  [[nodiscard]] std::size_t count() const { return messages_.size(); }
  void fire() override {
    // A full mailbox would have refused them when they came first, too.
    for (MessagePtr& message : std::exchange(messages_, {})) system_.send(std::move(message));
  }

 private:
  static constexpr std::int64_t kWaitMs = 20;

  actor::System& system_;
  std::vector<MessagePtr> messages_;
};

std::unique_ptr<LuaService> LuaService::make(Runtime& runtime, std::string arguments) {
  return std::unique_ptr<LuaService>(new LuaService(runtime, std::move(arguments)));
}

LuaService::LuaService(Runtime& runtime, std::string arguments)
    : runtime_(runtime), arguments_(std::move(arguments)), light_(false) {}

LuaService::LuaService(Runtime& runtime, std::shared_ptr<Vm> vm)
    : runtime_(runtime), vm_(std::move(vm)), light_(true) {
  GATEHOUSE_ASSERT(vm_ != nullptr);
}

LuaService::~LuaService() {
  GATEHOUSE_ASSERT(tasks_ == nullptr);
}

void LuaService::on_start() {
  GATEHOUSE_ASSERT(light_ == (vm_ != nullptr));  // one of its own comes with load()
  log::info(id(), "LAUNCH {}", description());
  if (light_) {
    vm_->add_light_service(*this);
    return;
  }
  if (!load()) {
    on_init_failed();
    tell_launcher(false);
    worker().retire(*this);
  }
}

void LuaService::tell_launcher(bool started) {
  MessagePtr message = actor::make_message(std::string_view(started ? "" : "ERROR"));
  message->type = actor::MessageType::kText;
  message->source = id();
  message->destination = runtime_.system.registry().find_name(".launcher");
  if (message->destination) runtime_.system.send(std::move(message));
}

bool LuaService::load() {
  const std::vector<std::string> words = split_words(arguments_);
  if (words.empty()) {
    log::error(id(), "lua loader error : no service name");
    return false;
  }
  auto vm = Vm::create(runtime_, runtime_.system.limits().vm_memory_bytes_max, code_to_run());
  if (!vm) {
    log::error(id(), "lua loader error : {}", vm.error().message);
    return false;
  }
  vm_ = std::move(*vm);
  GATEHOUSE_ASSERT(vm_->owner() == nullptr);
  vm_->set_owner(this);
  const LoadArguments arguments{&runtime_, &words};
  Result<> loaded;
  enter(ServiceId{}, [this, &arguments, &loaded] {
    loaded = vm_->protect([&arguments](lua_State* L) {
      lua_pushcfunction(L, add_load_traceback);
      lua_pushcfunction(L, load_service);
      lua_pushlightuserdata(L, const_cast<LoadArguments*>(&arguments));
      if (lua_pcall(L, 1, 0, 1) != LUA_OK) lua_error(L);
    });
  });
  if (!loaded && !exiting()) log::error(id(), "lua loader error : {}", loaded.error().message);
  return loaded.has_value();
}

LuaService::Outer LuaService::begin(ServiceId source) {
  GATEHOUSE_ASSERT(vm_ != nullptr);
  worker().pin(*this);
  Outer outer;
  outer.activity = worker().begin_activity(source, id());
  outer.target = actor::set_interrupt_target(vm_->interrupt_target());
  outer.service = vm_->scheduler().set_current(this);
  return outer;
}

void LuaService::end(const Outer& outer) {
  GATEHOUSE_ASSERT(vm_->scheduler().current() == this);
  vm_->scheduler().run_queues();
  vm_->scheduler().set_current(outer.service);
  actor::set_interrupt_target(outer.target);
  worker().end_activity(outer.activity);
  after_handler();
  worker().unpin(*this);
}

void LuaService::after_handler() {
  if (!vm_->take_shortage()) [[likely]]
    return;
  if (LuaService* owner = vm_->owner()) owner->relieve();
}

void LuaService::on_message(actor::MessagePtr message) {
  GATEHOUSE_ASSERT(vm_ != nullptr && !exiting());
  if (message_log_) message_log_->write(*message, runtime_.system.now_cs());
  const actor::InterruptTarget outer = actor::set_interrupt_target(vm_->interrupt_target());
  vm_->scheduler().dispatch(*this, std::move(message));
  actor::set_interrupt_target(outer);
  if (vm_->take_memory_warning()) {
    log::warn(id(), "Memory warning {:.2f} M",
              static_cast<double>(vm_->memory_bytes()) / (1024 * 1024));
  }
  after_handler();
}

void LuaService::relieve() {
  if (collect_garbage(*vm_)) report_full(*this, "");
}

void LuaService::on_exit() {
  GATEHOUSE_ASSERT(exiting());
  log::info(id(), "KILL self");
  if (!vm_) return;
  // `__close` handlers run now, maybe outside any handler.
  const actor::Activity outer = worker().begin_activity(ServiceId{}, id());
  const actor::InterruptTarget outer_target = actor::set_interrupt_target(vm_->interrupt_target());
  vm_->scheduler().end_service(*this);
  actor::set_interrupt_target(outer_target);
  worker().end_activity(outer);
  runtime_.sockets.drop_service(id());
  if (runtime_.on_service_end) runtime_.on_service_end(id());
  if (owed_) {
    for (const auto& [ticket, reply] : *owed_) {
      runtime_.system.send_error(reply.source, id(), reply.session);
    }
    owed_.reset();
  }
  if (forgotten_) {
    for (const OwedReply& reply : *forgotten_) {
      runtime_.system.send_error(reply.source, id(), reply.session);
    }
    forgotten_.reset();
  }
  postponed_.reset();
  if (light_) {
    vm_->remove_light_service(*this);
  } else {
    vm_->end_light_services();
    vm_->set_owner(nullptr);
  }
}

void LuaService::postpone(MessagePtr message) {
  if (exiting()) return;
  if (!postponed_) postponed_ = std::make_unique<Postponed>(runtime_.system);
  if (postponed_->count() < kPostponedMax) {
    postponed_->add(worker(), std::move(message));
  } else {
    log::error(id(), "an event is lost: there is no memory to handle it");
  }
}

std::shared_ptr<Code> LuaService::code_to_run() const {
  return runtime_.code.current();
}

std::string LuaService::description() const {
  return light_ ? "light" : "snlua " + arguments_;
}

void LuaService::on_watched_task_end(Task&, bool) {}

void LuaService::on_start_failed() {
  if (exiting()) return;
  tell_launcher(false);
  init_failed();
  worker().retire(*this);
}

void LuaService::log_messages(std::unique_ptr<MessageLog> log) {
  message_log_ = std::move(log);
}

std::uint32_t LuaService::owe(OwedReply reply) {
  if (!owed_) owed_ = std::make_unique<std::unordered_map<std::uint32_t, OwedReply>>();
  const bool fresh = owed_->emplace(++last_ticket_, reply).second;
  GATEHOUSE_ASSERT(fresh && reply.session > 0);
  return last_ticket_;
}

void LuaService::owe_forgotten(OwedReply reply) {
  GATEHOUSE_ASSERT(reply.session > 0);
  if (!forgotten_) forgotten_ = std::make_unique<std::vector<OwedReply>>();
  if (forgotten_->size() < kForgottenMax) forgotten_->push_back(reply);
}

OwedReply LuaService::take_owed(std::uint32_t ticket) {
  if (!owed_) return {};
  const auto it = owed_->find(ticket);
  if (it == owed_->end()) return {};
  const OwedReply reply = it->second;
  owed_->erase(it);
  if (owed_->empty()) owed_.reset();
  return reply;
}

bool LuaService::owes(std::uint32_t ticket) const {
  return owed_ && owed_->contains(ticket);
}

}  // namespace gatehouse::script
