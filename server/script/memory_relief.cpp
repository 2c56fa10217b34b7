#include "script/memory_relief.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "base/assert.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "script/lua_service.hpp"
#include "script/vm.hpp"

namespace gatehouse::script {
namespace {

constexpr std::int64_t kCollectEveryMs = 100;
// A collection takes a twentieth of the time at most.
constexpr std::int64_t kCollectShare = 20;

constexpr std::size_t kObjectsMax = 1 << 20;
constexpr std::size_t kObjectsMin = 1'024;  // of one holding
constexpr int kWalkDepthMax = 2'000;
constexpr int kFramesMax = 64;

// Estimates by the sizes of Lua 5.4 on 64 bits.
constexpr std::size_t kTableBytes = 56, kEntryBytes = 24, kItemBytes = 16, kStringBytes = 25,
                      kClosureBytes = 40, kUpvalueBytes = 16, kUserdataBytes = 40,
                      kThreadBytes = 1'024;

// Walks what holdings reach. An object that a second one reaches is nobody's, with all below it,
// so that each is entered twice at most.
class Walk {
 public:
  Walk(lua_State* L, std::vector<Holding>& holdings) : L_(L), holdings_(holdings) {}

  void run() {
    add_boundaries();
    for (std::size_t i = 0; i < holdings_.size(); ++i) {
      current_ = static_cast<std::uint32_t>(i);
      const std::size_t left = kObjectsMax - std::min(kObjectsMax, objects_.size());
      objects_max_ = objects_.size() + std::max(left / 2, kObjectsMin);
      if (holdings_[i].self != LUA_NOREF) {
        lua_rawgeti(L_, LUA_REGISTRYINDEX, holdings_[i].self);
        enter(0);
      }
      visit_tasks(*holdings_[i].service);
    }
  }

 private:
  static constexpr std::uint32_t kNobody = UINT32_MAX;
  struct Object {
    std::uint32_t owner;
    std::size_t bytes;
  };

  // What is not entered from elsewhere: modules, globals, and everybody's `self`.
  void add_boundaries() {
    lua_pushvalue(L_, LUA_REGISTRYINDEX);
    stop_at_top();
    lua_pushglobaltable(L_);
    stop_at_top();
    if (lua_getfield(L_, LUA_REGISTRYINDEX, LUA_LOADED_TABLE) == LUA_TTABLE) {
      for (lua_pushnil(L_); lua_next(L_, -2) != 0;) stop_at_top();
    }
    stop_at_top();
    for (const Holding& holding : holdings_) {
      if (holding.self == LUA_NOREF) continue;
      lua_rawgeti(L_, LUA_REGISTRYINDEX, holding.self);
      stop_at_top();
    }
  }

  void stop_at_top() {
    if (const void* object = lua_topointer(L_, -1)) objects_.try_emplace(object, kNobody, 0);
    lua_pop(L_, 1);
  }

  // Takes the value on top of the stack off.
  void visit(int depth) {
    const void* object = lua_topointer(L_, -1);
    if (object != nullptr && lua_type(L_, -1) != LUA_TLIGHTUSERDATA && take(object)) {
      enter(depth);
    } else {
      lua_pop(L_, 1);
    }
  }

  // Whether the current holding has to go into this object.
  bool take(const void* object) {
    const auto found = objects_.find(object);
    if (found == objects_.end()) {
      if (objects_.size() >= objects_max_) return false;
      const std::size_t bytes = shallow_bytes();
      objects_.emplace(object, Object{current_, bytes});
      holdings_[current_].bytes += bytes;
      return true;
    }
    Object& known = found->second;
    if (known.owner == kNobody || known.owner == current_) return false;
    GATEHOUSE_ASSERT(holdings_[known.owner].bytes >= known.bytes);
    holdings_[known.owner].bytes -= known.bytes;
    known.owner = kNobody;
    return true;
  }

  // Of the value on top of the stack, without a table's entries.
  std::size_t shallow_bytes() {
    switch (lua_type(L_, -1)) {
      case LUA_TSTRING:
        return kStringBytes + lua_rawlen(L_, -1);
      case LUA_TUSERDATA:
        return kUserdataBytes + lua_rawlen(L_, -1);
      case LUA_TTABLE:
        return kTableBytes + entry_bytes();
      case LUA_TTHREAD:
        return kThreadBytes;
      case LUA_TFUNCTION:
        return kClosureBytes;
      default:
        return 0;
    }
  }

  std::size_t entry_bytes() {
    if (!lua_checkstack(L_, 3)) return 0;
    const std::size_t length = lua_rawlen(L_, -1);
    std::size_t entries = 0;
    for (lua_pushnil(L_); lua_next(L_, -2) != 0; lua_pop(L_, 1)) ++entries;
    const std::size_t items = std::min(length, entries);
    return (items == 0 ? 0 : std::bit_ceil(items) * kItemBytes) +
           (entries == items ? 0 : std::bit_ceil(entries - items) * kEntryBytes);
  }

  // Visits what the value on top of the stack refers to, and takes it off.
  void enter(int depth) {
    if (depth < kWalkDepthMax && lua_checkstack(L_, 4)) {
      if (lua_istable(L_, -1)) {
        for (lua_pushnil(L_); lua_next(L_, -2) != 0;) {
          visit(depth + 1);
          lua_pushvalue(L_, -1);
          visit(depth + 1);
        }
      } else if (lua_isfunction(L_, -1)) {
        for (int i = 1; lua_getupvalue(L_, -1, i) != nullptr; ++i) {
          holdings_[current_].bytes += kUpvalueBytes;
          visit(depth + 1);
        }
      } else if (lua_type(L_, -1) == LUA_TUSERDATA) {
        for (int i = 1; lua_getiuservalue(L_, -1, i) != LUA_TNONE; ++i) visit(depth + 1);
        lua_pop(L_, 1);
      }
    }
    lua_pop(L_, 1);
  }

  // What the locals of waiting coroutines hold.
  void visit_tasks(const LuaService& service) {
    for (const Task* task = service.tasks(); task != nullptr; task = task->next) {
      lua_State* thread = task->thread;
      if (task->state == Task::State::kRunning || !lua_checkstack(thread, 2)) continue;
      holdings_[current_].bytes += kThreadBytes;
      lua_Debug frame;
      for (int level = 0; level < kFramesMax && lua_getstack(thread, level, &frame); ++level) {
        for (int n = 1; lua_getlocal(thread, &frame, n) != nullptr; ++n) {
          lua_xmove(thread, L_, 1);
          visit(0);
        }
      }
    }
  }

  lua_State* const L_;
  std::vector<Holding>& holdings_;
  std::unordered_map<const void*, Object> objects_;
  std::size_t objects_max_ = 0;
  std::uint32_t current_ = 0;
};

}  // namespace

bool collect_garbage(Vm& vm) {
  const std::int64_t before = vm.clock().monotonic_ms();
  if (before < vm.next_collection_ms) return false;
  static_cast<void>(vm.protect([](lua_State* L) { lua_gc(L, LUA_GCCOLLECT); }));
  const std::int64_t after = vm.clock().monotonic_ms();
  vm.next_collection_ms = after + std::max(kCollectEveryMs, (after - before) * kCollectShare);
  return vm.nearly_full();
}

void report_full(LuaService& owner, const std::string& holders) {
  Vm& vm = owner.vm();
  if (!vm.full_reports.admit(vm.clock().monotonic_ms())) return;
  log::error(owner.id(), "{} is out of memory: {} bytes of {} are in use{}", owner.description(),
             vm.memory_bytes(), vm.memory_bytes_max(), holders);
}

void measure(Vm& vm, std::vector<Holding>& holdings) {
  const bool outer_reserve = vm.use_reserve(true);
  std::optional<Walk> walk;
  // Whatever raises ends the walk; what it has found by then is an answer, too.
  const auto walked = vm.protect([&walk, &holdings](lua_State* L) {
    walk.emplace(L, holdings);
    walk->run();
  });
  vm.use_reserve(outer_reserve);
  if (!walked) log::warn({}, "memory of players: {}", walked.error().message);
}

}  // namespace gatehouse::script
