#include "tables/shared_tree.hpp"

#include <algorithm>
#include <bit>

#include "base/assert.hpp"

namespace gatehouse::tables {
namespace {

constexpr std::uint32_t kScanMax = 8;  // entries that are searched without an index
constexpr std::size_t kBlockBytesMin = 1024, kBlockBytesMax = 256 * 1024;
constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;

std::uint64_t mixed(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * kFactor;
  return hash ^ hash >> 32;
}

std::uint32_t hash_of(std::string_view text) {
  const char* p = text.data();
  std::size_t left = text.size();
  std::uint64_t hash = left, word = 0;
  for (; left > 8; p += 8, left -= 8) {
    std::memcpy(&word, p, 8);
    hash = mixed(hash, word);
  }
  if (left >= 4) {
    std::uint32_t head, tail;
    std::memcpy(&head, p, 4);
    std::memcpy(&tail, p + left - 4, 4);
    word = head | std::uint64_t{tail} << 32;
  } else {
    word = 0;
    std::memcpy(&word, p, left);
  }
  return static_cast<std::uint32_t>(mixed(hash, word));
}

std::uint32_t hash_of(std::int64_t key) {
  return static_cast<std::uint32_t>(mixed(1, static_cast<std::uint64_t>(key)));
}

}  // namespace

template <class Matches>
const SharedTable::Entry* SharedTable::probe(std::uint32_t hash, Matches&& matches) const {
  if (index == nullptr) {
    for (const Entry* e = entries; e != entries + entry_count; ++e) {
      if (e->hash == hash && matches(*e)) return e;
    }
    return nullptr;
  }
  for (std::uint32_t at = hash;; ++at) {
    const std::uint32_t number = index[at & index_mask];
    if (number == 0) return nullptr;
    const Entry& e = entries[number - 1];
    if (e.hash == hash && matches(e)) return &e;
  }
}

const SharedTable::Entry* SharedTable::entry(std::string_view key) const {
  return probe(hash_of(key), [key](const Entry& e) {
    return e.key_kind == SharedKind::kString && e.key.string->view() == key;
  });
}

const SharedTable::Entry* SharedTable::entry(std::int64_t key) const {
  return probe(hash_of(key), [key](const Entry& e) {
    return e.key_kind == SharedKind::kInteger && e.key.integer == key;
  });
}

SharedValue SharedTable::find(std::string_view key) const {
  const Entry* e = entry(key);
  return e == nullptr ? SharedValue{} : SharedValue{e->value_kind, e->value};
}

SharedValue SharedTable::find(std::int64_t key) const {
  const auto at = static_cast<std::uint64_t>(key) - 1;
  if (at < array_size) return {array_kinds[at], array[at]};
  const Entry* e = entry(key);
  return e == nullptr ? SharedValue{} : SharedValue{e->value_kind, e->value};
}

SharedValue SharedTable::find(const SharedValue& key) const {
  if (key.kind == SharedKind::kString) return find(key.bits.string->view());
  return find(key.bits.integer);
}

std::uint32_t SharedTable::next(std::uint32_t position, SharedValue& key,
                                SharedValue& value) const {
  for (; position < array_size; ++position) {
    if (array_kinds[position] == SharedKind::kNil) continue;
    key = SharedTreeBuilder::integer(std::int64_t{position} + 1);
    value = {array_kinds[position], array[position]};
    return position + 1;
  }
  if (position - array_size >= entry_count) return 0;
  const Entry& e = entries[position - array_size];
  key = {e.key_kind, e.key};
  value = {e.value_kind, e.value};
  return position + 1;
}

std::uint32_t SharedTable::position_of(std::string_view key) const {
  const Entry* e = entry(key);
  return e == nullptr ? 0 : array_size + static_cast<std::uint32_t>(e - entries) + 1;
}

std::uint32_t SharedTable::position_of(std::int64_t key) const {
  const auto at = static_cast<std::uint64_t>(key) - 1;
  if (at < array_size) return static_cast<std::uint32_t>(at + 1);
  const Entry* e = entry(key);
  return e == nullptr ? 0 : array_size + static_cast<std::uint32_t>(e - entries) + 1;
}

std::string SharedTable::path() const {
  if (parent == nullptr) return "";
  const std::string above = parent->path();
  if (parent_key.kind == SharedKind::kInteger)
    return above + "." + std::to_string(parent_key.bits.integer);
  return above + "." + std::string(parent_key.bits.string->view());
}

void SharedTreeBuilder::Contents::add(const SharedValue& key, const SharedValue& value) {
  const std::uint32_t hash =
      key.kind == SharedKind::kString ? key.bits.string->hash : hash_of(key.bits.integer);
  entries.push_back({key.bits, value.bits, hash, key.kind, value.kind});
}

SharedTreeBuilder::SharedTreeBuilder() : tree_(std::make_shared<SharedTree>()) {}

void* SharedTreeBuilder::allocate(std::size_t bytes) {
  bytes = (bytes + 7) & ~std::size_t{7};
  if (bytes > free_bytes_) {
    // Blocks grow with the tree, so that a small one stays small.
    const std::size_t wanted =
        std::max(bytes, std::clamp(tree_->bytes_, kBlockBytesMin, kBlockBytesMax));
    tree_->blocks_.push_back(std::make_unique<std::byte[]>(wanted));
    tree_->bytes_ += wanted;
    free_ = tree_->blocks_.back().get();
    free_bytes_ = wanted;
  }
  void* block = free_;
  free_ += bytes;
  free_bytes_ -= bytes;
  return block;
}

SharedTable* SharedTreeBuilder::open(const SharedTable* parent, const SharedValue& key) {
  auto* table = new (allocate(sizeof(SharedTable))) SharedTable();
  table->parent = parent;
  table->parent_key = key;
  if (parent != nullptr) table->depth = static_cast<std::uint16_t>(parent->depth + 1);
  depth_ = std::max<std::uint32_t>(depth_, table->depth);
  if (tree_->root_ == nullptr) tree_->root_ = table;
  return table;
}

void SharedTreeBuilder::close(SharedTable& table, const Contents& contents) {
  const std::size_t items = contents.array.size(), count = contents.entries.size();
  auto* array = allocate_array<SharedPayloadBits>(items);
  auto* kinds = allocate_array<SharedKind>(items);
  for (std::size_t i = 0; i < items; ++i) {
    array[i] = contents.array[i].bits;
    kinds[i] = contents.array[i].kind;
  }
  auto* entries = allocate_array<SharedTable::Entry>(count);
  std::copy(contents.entries.begin(), contents.entries.end(), entries);
  table.array = array;
  table.array_kinds = kinds;
  table.array_size = static_cast<std::uint32_t>(items);
  table.entries = entries;
  table.entry_count = static_cast<std::uint32_t>(count);
  if (count <= kScanMax) return;
  const std::size_t slots = std::bit_ceil(count + count / 2);
  auto* index = allocate_array<std::uint32_t>(slots);
  std::fill(index, index + slots, 0);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t at = entries[i].hash & (slots - 1);
    while (index[at] != 0) at = (at + 1) & (slots - 1);
    index[at] = static_cast<std::uint32_t>(i + 1);
  }
  table.index = index;
  table.index_mask = static_cast<std::uint32_t>(slots - 1);
}

SharedValue SharedTreeBuilder::string(std::string_view text) {
  SharedValue value{SharedKind::kString, {}};
  const auto it = strings_.find(text);
  if (it != strings_.end()) {
    value.bits.string = it->second;
    return value;
  }
  void* block = allocate(sizeof(SharedString) + text.size() + 1);
  auto* string = new (block) SharedString{static_cast<std::uint32_t>(text.size()), hash_of(text)};
  auto* characters = reinterpret_cast<char*>(string + 1);
  if (!text.empty()) std::memcpy(characters, text.data(), text.size());
  characters[text.size()] = '\0';
  strings_.emplace(string->view(), string);
  value.bits.string = string;
  return value;
}

SharedValue SharedTreeBuilder::integer(std::int64_t number) {
  SharedValue value{SharedKind::kInteger, {}};
  value.bits.integer = number;
  return value;
}

SharedValue SharedTreeBuilder::number(double number) {
  SharedValue value{SharedKind::kNumber, {}};
  value.bits.number = number;
  return value;
}

SharedValue SharedTreeBuilder::boolean(bool truth) {
  return {truth ? SharedKind::kTrue : SharedKind::kFalse, {}};
}

SharedValue SharedTreeBuilder::table(const SharedTable* table) {
  SharedValue value{SharedKind::kTable, {}};
  value.bits.table = table;
  return value;
}

SharedTable* SharedTreeBuilder::copy(const SharedTable& from, const SharedTable* parent,
                                     const SharedValue& key) {
  SharedTable* to = open(parent, key);
  to->is_array = from.is_array;
  const auto copied = [&](const SharedValue& value, const SharedValue& place) {
    if (value.kind == SharedKind::kString) return string(value.bits.string->view());
    if (value.kind != SharedKind::kTable) return value;
    return table(copy(*value.bits.table, to, place));
  };
  Contents contents;
  for (std::uint32_t i = 0; i < from.array_size; ++i) {
    contents.array.push_back(copied({from.array_kinds[i], from.array[i]}, integer(i + 1)));
  }
  for (std::uint32_t i = 0; i < from.entry_count; ++i) {
    const SharedTable::Entry& e = from.entries[i];
    SharedValue place{e.key_kind, e.key};
    if (place.kind == SharedKind::kString) place = string(place.bits.string->view());
    contents.add(place, copied({e.value_kind, e.value}, place));
  }
  close(*to, contents);
  return to;
}

SharedTreePtr SharedTreeBuilder::finish() {
  GATEHOUSE_ASSERT(tree_->root_ != nullptr);
  strings_.clear();
  return std::move(tree_);
}

}  // namespace gatehouse::tables
