// skynet's serialisation from anybody (skynet.unpack, messages of a cluster, stored player data):
// what is read can be packed and read again as the same, no pointer comes out of it, and its memory
// is bounded by its bytes.
#include "game/player_data.hpp"
#include "lua_target.hpp"
#include "script/codec.hpp"

namespace gatehouse::script {

namespace {

// The costliest of bytes: values on the stack, each 16 bytes for one, while the stack doubles.
constexpr std::uint64_t kMemoryPerByte = 128;
constexpr std::uint64_t kMemoryBase = 65'536;

std::string show_all(lua_State* L, int from) {
  std::string text;
  for (int i = from; i <= lua_gettop(L); ++i) text += fuzz::show_value(L, i) + ';';
  return text;
}

}  // namespace

FUZZ_TARGET(unpack) {
  Vm& vm = fuzz::lua_vm();
  std::string shown;
  std::string packed;
  const std::uint64_t before = vm.allocated_bytes();
  const std::string error = fuzz::raised_by([&](lua_State* L) { unpack(L, input); });
  GATEHOUSE_ASSERT(vm.allocated_bytes() - before <= kMemoryBase + kMemoryPerByte * input.size());
  static_cast<void>(fuzz::raised_by([&](lua_State* L) { game::push_player_data(L, input); }));
  if (!error.empty()) return;

  bool packs = false;
  const std::string pack_error = fuzz::raised_by([&](lua_State* L) {
    const int count = unpack(L, input);
    GATEHOUSE_ASSERT(count == lua_gettop(L) && static_cast<std::size_t>(count) <= input.size());
    shown = show_all(L, 1);
    packs = true;
    pack(L, 1, vm.pack_buffer());
    packed.assign(vm.pack_buffer().data(), vm.pack_buffer().size());
  });
  GATEHOUSE_ASSERT(packs);
  // Only what is nested by one level more than can be packed is read and cannot be packed.
  if (!pack_error.empty()) {
    GATEHOUSE_ASSERT(pack_error.find("too depth") != std::string::npos);
    return;
  }
  const std::string again = fuzz::raised_by([&](lua_State* L) {
    unpack(L, packed);
    GATEHOUSE_ASSERT(show_all(L, 1) == shown);
  });
  GATEHOUSE_ASSERT(again.empty());
}

}  // namespace gatehouse::script
