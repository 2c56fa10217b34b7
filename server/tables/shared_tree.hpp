// A tree of tables that never changes: what sharedata, sharetable and datasheet share between all
// VMs (docs/skynet-rules.md 1.5). Held once in memory, in one arena; any thread reads it without a
// lock. Integers and floats stay apart, keys are strings or integers, each string is there once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"

namespace gatehouse::tables {

struct SharedTable;

struct SharedString {
  std::uint32_t size;
  std::uint32_t hash;
  [[nodiscard]] std::string_view view() const {
    return {reinterpret_cast<const char*>(this + 1), size};  // ends with a zero byte as well
  }
};

// kNull: a light userdata of a null pointer, json.null.
enum class SharedKind : std::uint8_t {
  kNil,
  kFalse,
  kTrue,
  kInteger,
  kNumber,
  kString,
  kTable,
  kNull
};

union SharedPayloadBits {
  std::int64_t integer = 0;
  double number;
  const SharedString* string;
  const SharedTable* table;
};

struct SharedValue {
  SharedKind kind = SharedKind::kNil;
  SharedPayloadBits bits;
};

// A table: items 1..array_size, then entries in the order in which they were added.
struct SharedTable {
  struct Entry {
    SharedPayloadBits key, value;
    std::uint32_t hash;
    SharedKind key_kind, value_kind;
  };

  const SharedTable* parent = nullptr;  // null: the root
  SharedValue parent_key;               // its place in the parent
  std::uint16_t depth = 1;              // of the root
  bool is_array = false;                // marked as one (array_mark.hpp)
  std::uint32_t array_size = 0;
  std::uint32_t entry_count = 0;
  std::uint32_t index_mask = 0;
  const SharedPayloadBits* array = nullptr;
  const SharedKind* array_kinds = nullptr;
  const Entry* entries = nullptr;
  const std::uint32_t* index = nullptr;  // open addressing: entry number + 1; null for few entries

  // kNil when there is no such key.
  [[nodiscard]] SharedValue find(std::string_view key) const;
  [[nodiscard]] SharedValue find(std::int64_t key) const;
  [[nodiscard]] SharedValue find(const SharedValue& key) const;
  // Walks all entries: 0 is before the first. Returns the position of the next entry behind
  // `position` and what is there, or 0 at the end.
  std::uint32_t next(std::uint32_t position, SharedValue& key, SharedValue& value) const;
  // The position of a key; 0 when it is not there.
  [[nodiscard]] std::uint32_t position_of(std::string_view key) const;
  [[nodiscard]] std::uint32_t position_of(std::int64_t key) const;
  // ".b.c": the keys from the root, each after a dot.
  [[nodiscard]] std::string path() const;

 private:
  [[nodiscard]] const Entry* entry(std::string_view key) const;
  [[nodiscard]] const Entry* entry(std::int64_t key) const;
  template <class Matches>
  [[nodiscard]] const Entry* probe(std::uint32_t hash, Matches&& matches) const;
};

class SharedTree {
 public:
  static constexpr std::size_t kBytesMax = std::size_t{1} << 30;
  static constexpr std::uint32_t kDepthMax = 64;

  SharedTree() = default;
  SharedTree(const SharedTree&) = delete;
  SharedTree& operator=(const SharedTree&) = delete;

  [[nodiscard]] const SharedTable& root() const { return *root_; }
  // What it takes in memory.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  friend class SharedTreeBuilder;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::size_t bytes_ = 0;
  const SharedTable* root_ = nullptr;
};
using SharedTreePtr = std::shared_ptr<const SharedTree>;

// Makes a tree: open() a table, make its values (which may be tables opened and closed
// meanwhile), then close() it. The table opened first is the root.
class SharedTreeBuilder {
 public:
  struct Contents {
    std::vector<SharedValue> array;
    std::vector<SharedTable::Entry> entries;
    void add(const SharedValue& key, const SharedValue& value);
  };

  SharedTreeBuilder();
  SharedTable* open(const SharedTable* parent, const SharedValue& key);
  // Keys must be distinct, and no integer key lies in 1..array.size().
  void close(SharedTable& table, const Contents& contents);
  [[nodiscard]] SharedValue string(std::string_view text);
  [[nodiscard]] static SharedValue integer(std::int64_t value);
  [[nodiscard]] static SharedValue number(double value);
  [[nodiscard]] static SharedValue boolean(bool value);
  [[nodiscard]] static SharedValue table(const SharedTable* table);
  // The same contents under another key, perhaps of another tree.
  [[nodiscard]] SharedTable* copy(const SharedTable& from, const SharedTable* parent,
                                  const SharedValue& key);
  // Past a limit of SharedTree: the tree must not be used.
  [[nodiscard]] bool too_large() const { return tree_->bytes_ > SharedTree::kBytesMax; }
  [[nodiscard]] bool too_deep() const { return depth_ > SharedTree::kDepthMax; }
  [[nodiscard]] SharedTreePtr finish();

 private:
  void* allocate(std::size_t bytes);
  template <class T>
  T* allocate_array(std::size_t count) {
    return count == 0 ? nullptr : static_cast<T*>(allocate(count * sizeof(T)));
  }

  std::shared_ptr<SharedTree> tree_;
  std::byte* free_ = nullptr;
  std::size_t free_bytes_ = 0;
  std::uint32_t depth_ = 0;  // of the deepest table
  std::unordered_map<std::string_view, const SharedString*> strings_;
};

}  // namespace gatehouse::tables
