// Shared tables as a VM sees them: Lua tables that stand for the tables of a SharedTree. Two kinds:
//   proxies (sharedata)            empty for ever; every read is a C function that looks into the
//                                  tree. They cost the VM nothing but the proxies it holds.
//   sheets (sharetable, datasheet) empty until the first access, then filled and plain.
// Each table of a tree has one Lua table as long as that is held. A table that is not filled keeps
// the address of its SharedTable under a hidden key. Proxies and datasheets follow: between two
// handlers they move to the newest version, by their paths. One that has no place there any more
// keeps its path instead of an address, and raises.
#pragma once

#include <array>
#include <cstdint>
#include <lua.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/log_limit.hpp"
#include "base/result.hpp"
#include "script/vm.hpp"
#include "tables/shared_tables.hpp"

namespace gatehouse::modules {

class TableViews;

// One version in a VM, in a userdata that its tables reach by their metatables: collected after
// the last of them.
struct TableView {
  TableViews* owner = nullptr;
  tables::SharedFace face = tables::SharedFace::kSharedata;
  bool following = false;
  std::string name;
  tables::SharedTables::Current current;
  std::vector<tables::SharedTreePtr> retained;  // versions that a failed move may have left in use
};

// Of one VM, on its thread. Functions that take L may raise.
class TableViews final : public script::BeforeRun, public tables::Follower {
 public:
  // Those of L's VM, made at the first use.
  [[nodiscard]] static TableViews& of(lua_State* L);
  TableViews(script::Vm& vm, tables::SharedTables& store);
  TableViews(const TableViews&) = delete;
  TableViews& operator=(const TableViews&) = delete;

  // Moves what follows to the newest versions. The first form logs what goes wrong, which is
  // memory; the version before stays in use then, until it is called again.
  void refresh() override;
  void before_run() override {
    if (store_.epoch() != seen_) refresh();
  }
  void refresh(lua_State* L);
  // Pushes the root of a name's newest version, or nil. The same table as long as it is held.
  void push(lua_State* L, tables::SharedFace face, std::string_view name);
  // Moves the tables of a name that do not follow.
  void renew(lua_State* L, tables::SharedFace face, std::string_view name);

  // --- For table_access.cpp and __gc ---
  // `cache_index`: where the table of cached strings is.
  void push_string(lua_State* L, const tables::SharedString* string, int cache_index);
  // Keeps a text until the next call; Lua errors run no destructors.
  std::string_view keep(std::string text);
  void close(TableView& view);

 private:
  using Moves = std::vector<std::pair<const tables::SharedTable*, const tables::SharedTable*>>;

  static void open(lua_State* L);
  static lua_Integer push_views(lua_State* L);
  void create(lua_State* L, tables::SharedFace face, std::string_view name);
  void move(lua_State* L, int view_index);
  const tables::SharedTable* resolve(const tables::SharedTable& old,
                                     const tables::SharedTable& root);

  static constexpr std::size_t kStringsCached = 256;

  script::Vm& vm_;
  tables::SharedTables& store_;
  static constexpr std::uint64_t kUnseen = 0;  // no epoch
  std::uint64_t seen_ = kUnseen;
  LogLimit reports_{1, 1'000};
  bool follows_ = false;  // registered with the store
  std::array<const tables::SharedString*, kStringsCached> cached_{};
  // Of the function that runs; here, because Lua errors run no destructors.
  tables::SharedTables::Current found_;
  Moves moves_;
  std::unordered_map<const tables::SharedTable*, const tables::SharedTable*> resolved_;
  std::string text_;
};

// The value at `index`, a table of nothing but nil, numbers, strings, booleans and such tables,
// as a tree. Raises nothing; views of other trees are copied.
[[nodiscard]] Result<tables::SharedTreePtr> read_tree(lua_State* L, int index);
// Pushes a plain table with everything below `table`.
void push_copy(lua_State* L, const tables::SharedTable& table);
void push_scalar(lua_State* L, const tables::SharedValue& value);

// The SharedTable that the Lua table on top of the stack stands for without being filled, or
// null. Raises nothing; needs 4 places on the stack.
[[nodiscard]] const tables::SharedTable* shared_table(lua_State* L);
// lua_next that knows shared tables.
int next_entry(lua_State* L, int index);
// Replaces the global `next` by one that knows shared tables.
void replace_next(lua_State* L);

}  // namespace gatehouse::modules
