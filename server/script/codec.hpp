// skynet's serialisation of Lua values (docs/skynet-rules.md 2.8), byte for byte: type byte = type
// + 8 * cookie. A table that is marked as an array (array_mark.hpp) ends with the byte 8 instead of
// 0: skynet reads a plain table there.
//
// A light userdata is packed as the pointer that it is, and is read as one only where this process
// packed it: bytes that came from another node, a client or the store are no pointers, whatever
// they say. The null pointer (json.null) is harmless and always read.
//
// Packs straight into a message's payload and unpacks straight onto the Lua stack.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <lua.hpp>
#include <memory>
#include <string_view>

#include "actor/message.hpp"

namespace gatehouse::script {

// Whose pointers a reader believes.
enum class PointersOf : std::uint8_t {
  kNobody,      // the bytes may be anybody's
  kThisVm,      // those that this VM packed lately: skynet.unpack of skynet.packstring's string
  kThisProcess  // a message that the packer of some VM here made
};

// The pointers that a VM packed lately.
class PackedPointers {
 public:
  void remember(const void* pointer) {
    if (knows(pointer)) return;
    if (ring_ == nullptr) ring_ = std::make_unique<std::array<const void*, kCount>>();
    (*ring_)[next_++ % kCount] = pointer;
  }
  [[nodiscard]] bool knows(const void* pointer) const {
    return ring_ != nullptr && std::ranges::find(*ring_, pointer) != ring_->end();
  }

 private:
  static constexpr std::uint32_t kCount = 64;
  std::unique_ptr<std::array<const void*, kCount>> ring_;  // most VMs pack none
  std::uint32_t next_ = 0;
};

// A packer's block, kept by the VM so that an error raised half-way leaks nothing.
class PackBuffer {
 public:
  // What is packed outlives the process: a pointer cannot be in it.
  bool durable = false;

  // A pointer is packed.
  void note_pointer(const void* pointer) {
    pointers_ = true;
    packed_pointers_.remember(pointer);
  }
  [[nodiscard]] const PackedPointers& packed_pointers() const { return packed_pointers_; }

  PackBuffer() = default;
  PackBuffer(const PackBuffer&) = delete;
  PackBuffer& operator=(const PackBuffer&) = delete;

  // Starts over with an empty payload.
  void reset();
  // Room for `size` more payload bytes; the pointer is valid until the next call.
  char* extend(std::size_t size) {
    if (used_ + size > capacity_) grow(used_ + size);
    char* p = block_->data() + used_;
    used_ += size;
    return p;
  }
  [[nodiscard]] std::size_t size() const { return used_; }
  [[nodiscard]] const char* data() const { return block_->data(); }
  // Hands the block over as a message.
  [[nodiscard]] actor::MessagePtr take();

 private:
  void grow(std::size_t needed);

  actor::MessagePtr block_;
  std::size_t used_ = 0;
  std::size_t capacity_ = 0;
  std::size_t last_bytes_ = 0;  // of the message before: the next is likely to be as large
  bool pointers_ = false;       // since reset()
  PackedPointers packed_pointers_;
};

// A value nested deeper than this cannot be packed.
inline constexpr int kPackDepthMax = 32;

// Packs the stack values from..top into `buffer` (after reset). Raises a Lua error for what
// cannot be packed: "Unsupport type function to serialize", too deep a table.
void pack(lua_State* L, int from, PackBuffer& buffer);
// The same without the reset: appends.
void pack_more(lua_State* L, int from, PackBuffer& buffer);

// Pushes the values of a packed payload and returns their number. Raises "Invalid serialize
// stream" for garbage, and for a pointer that is not believed. An empty payload is no values.
int unpack(lua_State* L, std::string_view packed, PointersOf believed = PointersOf::kNobody);
// The same for a message's payload: its pointers are believed if they were packed here.
int unpack(lua_State* L, const actor::Message& message);

}  // namespace gatehouse::script
