// skynet's serialisation of Lua values (sk 2.8), byte for byte: type byte = type + 8 * cookie. A
// table that is marked as an array (array_mark.hpp) ends with the byte 8 instead of 0: skynet reads
// a plain table there.
// Packs straight into a message's payload and unpacks straight onto the Lua stack.
#pragma once

#include <cstddef>
#include <lua.hpp>

#include "actor/message.hpp"

namespace gatehouse::script {

// A packer's block, kept by the VM so that an error raised half-way leaks nothing.
class PackBuffer {
 public:
  // What is packed outlives the process: a pointer cannot be in it.
  bool durable = false;

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
};

// A value nested deeper than this cannot be packed.
inline constexpr int kPackDepthMax = 32;

// Packs the stack values from..top into `buffer` (after reset). Raises a Lua error for what
// cannot be packed: "Unsupport type function to serialize", too deep a table.
void pack(lua_State* L, int from, PackBuffer& buffer);
// The same without the reset: appends.
void pack_more(lua_State* L, int from, PackBuffer& buffer);

// Pushes the values of a packed payload and returns their number. Raises "Invalid serialize
// stream" for garbage. An empty payload is no values.
int unpack(lua_State* L, const char* data, std::size_t size);

}  // namespace gatehouse::script
