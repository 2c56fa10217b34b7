// One Lua state with its allocator and scheduler. It hosts one service, or thousands of light
// ones; it lives as long as any of them, on their worker's thread.
//
// Memory may run out at every call of Lua's that allocates, and Lua raises then. So C++ calls
// what may raise only where that is caught: in a C function that Lua calls, the first function
// of a task included, or in protect(). Nobody else gets hold of the main state.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <lua.hpp>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "actor/message.hpp"
#include "actor/worker.hpp"
#include "base/assert.hpp"
#include "base/log_limit.hpp"
#include "base/result.hpp"
#include "base/world.hpp"
#include "script/codec.hpp"
#include "script/lua_args.hpp"
#include "script/scheduler.hpp"

namespace gatehouse::script {

struct AllocationFaults;
class Code;
struct Runtime;

// Brings what a VM shows up to date before one of its coroutines runs. Owned by the VM.
class BeforeRun {
 public:
  virtual ~BeforeRun() = default;
  virtual void before_run() = 0;
};

class Vm : public std::enable_shared_from_this<Vm> {
 public:
  // A state with the standard libraries, the module searchers and no script loaded, that takes
  // its files from `code`. kFull when memory is short.
  [[nodiscard]] static Result<std::shared_ptr<Vm>> create(Runtime& runtime,
                                                          std::size_t memory_bytes_max,
                                                          std::shared_ptr<Code> code);
  ~Vm();
  Vm(const Vm&) = delete;
  Vm& operator=(const Vm&) = delete;

  // The VM a state or coroutine belongs to.
  [[nodiscard]] static Vm& of(lua_State* L) { return **static_cast<Vm**>(lua_getextraspace(L)); }

  // Runs work(L) in a protected call on the main state; L's stack is empty. What Lua or C++ raises
  // in it is the error. `work` owns nothing with a destructor where Lua may raise.
  template <class Work>
  [[nodiscard]] Result<> protect(Work&& work) {
    using Callable = std::remove_reference_t<Work>;
    const lua_CFunction body = [](lua_State* L) {
      auto* callable = static_cast<Callable*>(lua_touserdata(L, 1));
      lua_settop(L, 0);
      try {
        (*callable)(L);
        return 0;
      } catch (const std::exception& e) {
        lua_pushstring(L, e.what());
      }
      return lua_error(L);
    };
    return run_protected(body, &work);
  }
  // Resumes a coroutine; what is raised in it is the status, with the error value on its stack.
  [[nodiscard]] int resume(lua_State* thread, int arguments, int& results);
  // Ends a coroutine: runs its to-be-closed variables and leaves its stack empty.
  void reset(lua_State* thread);
  // Removes the entry of a task from the token table (Scheduler::await_token); its coroutine
  // sleeps. Raises nothing: the key is there already.
  void forget_token(lua_State* thread, const void* task);
  // Gives a registry reference back; LUA_NOREF is fine.
  void unref(int reference) { luaL_unref(main_, LUA_REGISTRYINDEX, reference); }
  [[nodiscard]] Runtime& runtime() const { return runtime_; }
  [[nodiscard]] const World& world() const;
  [[nodiscard]] const Clock& clock() const { return world().clock; }
  [[nodiscard]] const std::shared_ptr<Code>& code() const { return code_; }
  [[nodiscard]] Scheduler& scheduler() { return scheduler_; }
  [[nodiscard]] PackBuffer& pack_buffer() { return pack_buffer_; }
  // Ends the task that runs here when the monitor says so.
  [[nodiscard]] actor::InterruptTarget interrupt_target();

  // How messages of a type are handled (docs/skynet-rules.md 1.1): one set for the service that
  // owns the VM, one shared by all light services in it.
  struct Protocol {
    int dispatch = LUA_NOREF;    // registry reference of f(session, source, ...)
    int unpack = kBuiltinCodec;  // registry reference of f(pointer, size)
  };
  static constexpr int kBuiltinCodec = LUA_NOREF;
  [[nodiscard]] Protocol protocol(bool light, actor::MessageType type) const {
    const auto number = static_cast<std::size_t>(type);
    if (number < kCommonTypes) return common_protocols_[light ? 1 : 0][number];
    return own_protocols_ ? (*own_protocols_)[light ? 1 : 0][number] : Protocol{};
  }
  [[nodiscard]] Protocol& edit_protocol(bool light, actor::MessageType type);

  // The type as which messages of a type are handled, without being freed afterwards
  // (docs/skynet-rules.md 1.2 forward_type); nothing: as what they are. Only for the service that
  // owns the VM.
  [[nodiscard]] std::optional<actor::MessageType> forwards(bool light,
                                                           actor::MessageType type) const {
    if (!forwards_ || light) return std::nullopt;
    return (*forwards_)[static_cast<std::size_t>(type)];
  }
  void forward_type(actor::MessageType type, actor::MessageType as);

  // Handlers of messages that nobody expects, as registry references (docs/skynet-rules.md 1.1).
  int unknown_request = LUA_NOREF;
  int unknown_response = LUA_NOREF;

  // The coroutine in which the start function runs, while it does.
  lua_State* init_thread = nullptr;
  // For Scheduler::stop_at_line: how deep in the stack it stops.
  int stop_depth_min = 0;
  int stop_depth_max = 0;

  [[nodiscard]] std::size_t memory_bytes() const { return memory_bytes_; }
  [[nodiscard]] std::size_t memory_bytes_max() const { return memory_bytes_max_; }
  // 0: no limit.
  void set_memory_bytes_max(std::size_t bytes);
  // Above nine tenths of the limit: takes no new players.
  [[nodiscard]] bool nearly_full() const {
    return memory_bytes_max_ != 0 && memory_bytes_ >= memory_bytes_max_ - memory_bytes_max_ / 10;
  }
  // What has been allocated since the VM was made, whether freed or not.
  [[nodiscard]] std::uint64_t allocated_bytes() const { return allocated_bytes_; }
  // Whether what runs now may use the reserve above the limit (limits.vm_memory_reserve_bytes):
  // the saving and ending of players, error reports, and what wakes others. Returns how it was.
  bool use_reserve(bool use) {
    const bool before = std::exchange(uses_reserve_, use);
    if (before != use) update_allowance();
    return before;
  }
  // Whether everything else may use half of the reserve, while somebody is on the way out.
  void lend_reserve(bool lend) {
    lends_reserve_ = lend;
    update_allowance();
  }
  // True once after memory was refused for the limit.
  [[nodiscard]] bool take_shortage() {
    return short_of_memory_ && std::exchange(short_of_memory_, false);
  }

  // When the next relief is due, and its lines in the log (script/memory_relief.hpp).
  std::int64_t next_collection_ms = 0;
  LogLimit full_reports{1, 1'000};

  // The service that the VM was made for, while it lives.
  [[nodiscard]] LuaService* owner() const { return owner_; }
  void set_owner(LuaService* owner) { owner_ = owner; }
  // True once for each doubling past 32 MiB (docs/skynet-rules.md 2.14).
  [[nodiscard]] bool take_memory_warning();

  // What is called before a coroutine runs; nullptr: nothing is.
  [[nodiscard]] BeforeRun* before_run() const { return before_run_.get(); }
  void set_before_run(std::unique_ptr<BeforeRun> hook) { before_run_ = std::move(hook); }

  // Light services in this VM; they end with its owner.
  void add_light_service(LuaService& service) { light_services_.push_back(&service); }
  void remove_light_service(LuaService& service) {
    const std::size_t removed = std::erase(light_services_, &service);
    GATEHOUSE_ASSERT(removed == 1);
  }
  [[nodiscard]] const std::vector<LuaService*>& light_services() const { return light_services_; }
  [[nodiscard]] std::size_t light_service_count() const { return light_services_.size(); }
  void end_light_services();

  // The text of the error value on top of the stack, which stays there.
  [[nodiscard]] static std::string error_text(lua_State* L, int index);

 private:
  Vm(Runtime& runtime, std::shared_ptr<Code> code);
  // Marks C++ that is about to enter Lua by a call that catches what is raised.
  class Protection {
   public:
    explicit Protection(Vm& vm) : vm_(vm) { ++vm_.protections_; }
    ~Protection() {
      GATEHOUSE_ASSERT(vm_.protections_ > 0);
      --vm_.protections_;
    }
    Protection(const Protection&) = delete;
    Protection& operator=(const Protection&) = delete;

   private:
    Vm& vm_;
  };

  static void* allocate(void* self, void* block, std::size_t old_size, std::size_t new_size);
  static int open(lua_State* L);
  Result<> run_protected(lua_CFunction body, void* work);
  [[nodiscard]] bool refuses(std::size_t growth);
  void update_allowance();

  Runtime& runtime_;
  const std::shared_ptr<Code> code_;
  lua_State* main_ = nullptr;
  std::size_t memory_bytes_ = 0;
  std::size_t memory_bytes_max_ = 0;
  std::size_t memory_bytes_allowed_ = SIZE_MAX;  // the limit, with what may be used of the reserve
  std::uint64_t allocated_bytes_ = 0;
  std::uint32_t protections_ = 0;
  bool uses_reserve_ = false;
  bool lends_reserve_ = false;
  bool short_of_memory_ = false;
  LuaService* owner_ = nullptr;
  AllocationFaults* const faults_;  // in tests; else nullptr
  std::size_t memory_warn_at_ = std::size_t{32} << 20;
  PackBuffer pack_buffer_;
  // Indexed by light and type: those that skynet defines, and the rest once one is used.
  static constexpr std::size_t kCommonTypes = 16;
  std::array<std::array<Protocol, kCommonTypes>, 2> common_protocols_;
  std::unique_ptr<std::array<std::array<Protocol, 256>, 2>> own_protocols_;
  std::unique_ptr<std::array<std::optional<actor::MessageType>, 256>> forwards_;
  std::vector<LuaService*> light_services_;
  std::unique_ptr<BeforeRun> before_run_;
  Scheduler scheduler_;
};

}  // namespace gatehouse::script
