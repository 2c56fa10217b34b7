// The one place that includes libuv, for the sources of this layer. The public headers of net
// know its types by name only.
#pragma once

#include <uv.h>

#include "base/result.hpp"

namespace gatehouse::net {

// What a handle's `data` points to. Null: the loop closes the handle by itself.
class HandleOwner {
 public:
  // The loop ends: close the handle, unless that is under way.
  virtual void on_loop_end() = 0;

 protected:
  ~HandleOwner() = default;
};

template <class Handle>
[[nodiscard]] uv_handle_t* as_handle(Handle* handle) {
  return reinterpret_cast<uv_handle_t*>(handle);
}

}  // namespace gatehouse::net
