// One Lua state with its allocator and scheduler. It hosts one service, or thousands of light
// ones; it lives as long as any of them, on their worker's thread.
#pragma once

#include <array>
#include <cstddef>
#include <lua.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actor/message.hpp"
#include "base/result.hpp"
#include "script/codec.hpp"
#include "script/lua_args.hpp"
#include "script/scheduler.hpp"

namespace gatehouse::script {

struct Runtime;
class TableViews;

class Vm : public std::enable_shared_from_this<Vm> {
 public:
  // A state with the standard libraries, the module searchers and no script loaded. kFull when
  // memory is short.
  [[nodiscard]] static Result<std::shared_ptr<Vm>> create(Runtime& runtime,
                                                          std::size_t memory_bytes_max);
  ~Vm();
  Vm(const Vm&) = delete;
  Vm& operator=(const Vm&) = delete;

  // The VM a state or coroutine belongs to.
  [[nodiscard]] static Vm& of(lua_State* L) { return **static_cast<Vm**>(lua_getextraspace(L)); }

  [[nodiscard]] lua_State* main() const { return main_; }
  [[nodiscard]] Runtime& runtime() const { return runtime_; }
  [[nodiscard]] Scheduler& scheduler() { return scheduler_; }
  [[nodiscard]] PackBuffer& pack_buffer() { return pack_buffer_; }

  // How messages of a type are handled (sk 1.1 register_protocol): one set for the service that
  // owns the VM, one shared by all light services in it.
  struct Protocol {
    int dispatch = LUA_NOREF;  // registry reference of f(session, source, ...)
    int unpack = kBuiltinCodec;  // registry reference of f(pointer, size)
  };
  static constexpr int kBuiltinCodec = LUA_NOREF;
  [[nodiscard]] Protocol protocol(bool light, actor::MessageType type) const {
    const auto number = static_cast<std::size_t>(type);
    if (number < kCommonTypes) return common_protocols_[light ? 1 : 0][number];
    return own_protocols_ ? (*own_protocols_)[light ? 1 : 0][number] : Protocol{};
  }
  [[nodiscard]] Protocol& edit_protocol(bool light, actor::MessageType type);

  // The type as which messages of a type are handled, without being freed afterwards (sk 1.2
  // forward_type); nothing: as what they are. Only for the service that owns the VM.
  [[nodiscard]] std::optional<actor::MessageType> forwards(bool light,
                                                           actor::MessageType type) const {
    if (!forwards_ || light) return std::nullopt;
    return (*forwards_)[static_cast<std::size_t>(type)];
  }
  void forward_type(actor::MessageType type, actor::MessageType as);

  // Handlers of messages that nobody expects, as registry references (sk 1.1).
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
  void set_memory_bytes_max(std::size_t bytes) { memory_bytes_max_ = bytes; }
  // True once for each doubling past 32 MiB (sk 2.14).
  [[nodiscard]] bool take_memory_warning();

  // The shared tables that this VM uses; made by the first use.
  [[nodiscard]] TableViews& tables();
  // Shows the newest versions to what follows them; between two handlers.
  void refresh_tables();

  // Light services in this VM; they end with its owner.
  void add_light_service(LuaService& service) { light_services_.push_back(&service); }
  void remove_light_service(LuaService& service) { std::erase(light_services_, &service); }
  [[nodiscard]] const std::vector<LuaService*>& light_services() const { return light_services_; }
  [[nodiscard]] std::size_t light_service_count() const { return light_services_.size(); }
  void end_light_services();

  // The text of the error value on top of the stack, which stays there.
  [[nodiscard]] static std::string error_text(lua_State* L, int index);

 private:
  explicit Vm(Runtime& runtime);
  static void* allocate(void* self, void* block, std::size_t old_size, std::size_t new_size);
  static int open(lua_State* L);

  Runtime& runtime_;
  lua_State* main_ = nullptr;
  std::size_t memory_bytes_ = 0;
  std::size_t memory_bytes_max_ = 0;
  std::size_t memory_warn_at_ = std::size_t{32} << 20;
  PackBuffer pack_buffer_;
  // Indexed by light and type: those that skynet defines, and the rest once one is used.
  static constexpr std::size_t kCommonTypes = 16;
  std::array<std::array<Protocol, kCommonTypes>, 2> common_protocols_;
  std::unique_ptr<std::array<std::array<Protocol, 256>, 2>> own_protocols_;
  std::unique_ptr<std::array<std::optional<actor::MessageType>, 256>> forwards_;
  std::vector<LuaService*> light_services_;
  std::unique_ptr<TableViews> tables_;
  Scheduler scheduler_;
};

}  // namespace gatehouse::script
