// Where an OutputQueue writes to. One thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gatehouse {

class OutputTarget {
 public:
  // Appends to a file, which is made with its folders; a FIFO needs no reader. kIo.
  [[nodiscard]] static Result<OutputTarget> open(const std::string& path);
  // A descriptor of somebody else. Pipes and terminals are opened a second time, so that nobody
  // else sees that this side does not wait.
  [[nodiscard]] static OutputTarget on(int descriptor);
  OutputTarget() = default;
  OutputTarget(OutputTarget&& other) noexcept;
  OutputTarget& operator=(OutputTarget&& other) noexcept;
  ~OutputTarget();

  [[nodiscard]] int descriptor() const { return descriptor_; }
  // Writes some of the text, which is not empty: bytes, 0 when there is no room now, or -errno.
  // Only a disk, or a pipe that could not be opened a second time and that others fill, makes it
  // wait. Lines of at most PIPE_BUF bytes arrive in a pipe in one piece.
  [[nodiscard]] long write_some(std::string_view text) const;

 private:
  OutputTarget(int descriptor, bool owned);

  int descriptor_ = -1;
  bool owned_ = false;
  bool socket_ = false;
  bool disk_ = false;
};

}  // namespace gatehouse
