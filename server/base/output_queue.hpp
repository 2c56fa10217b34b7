// Text for a reader who may stop reading: a pipe, a terminal, a FIFO, a full or a hung disk. What
// is written waits in a bounded queue, and a thread of the queue's own hands it on, in order: no
// caller ever waits for the reader. What finds no room is counted, and one line says so behind
// what did.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gatehouse {

// Of what waits or is being written.
struct OutputBounds {
  std::uint64_t bytes_max = 8u << 20;
  std::uint64_t lines_max = 100'000;
};

class OutputQueue {
 public:
  // The line that stands for `lines` that were lost, with its newline. `error`: why writing
  // failed; empty: there was no room. Called by the queue's thread.
  using LossNotice = std::function<std::string(std::uint64_t lines, std::string_view error)>;

  // Appends to the file, which is made with its folders. A FIFO needs no reader. kIo.
  [[nodiscard]] static Result<std::unique_ptr<OutputQueue>> open(const std::string& path,
                                                                 OutputBounds bounds = {});
  // Writes to a descriptor that somebody else owns and never closes.
  [[nodiscard]] static std::unique_ptr<OutputQueue> on(int descriptor, OutputBounds bounds = {});
  // Gives what is queued the time of one flush, kLeaveTimeout; then the rest is lost.
  ~OutputQueue();
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;

  static constexpr std::chrono::milliseconds kLeaveTimeout{1'000};

  // Ends a queue without waiting: its thread goes on with what is queued, for kLeaveTimeout.
  static void finish(std::unique_ptr<OutputQueue> queue);
  // Queues that do so now. Any thread.
  [[nodiscard]] static int finishing();

  // Whole lines, or a part of one. Any thread. False: lost.
  bool write(std::string_view text);
  // Opens the path anew; what was queued before goes to the old file, unless its reader takes
  // nothing. Any thread. kIo: it cannot be opened, and the old file stays in use; kTimeout: the
  // writer hangs in the system, and does it once it is back.
  [[nodiscard]] Result<> reopen(std::chrono::milliseconds timeout);
  // Waits until what was written before is with the reader, or is lost. False: not in time.
  bool flush(std::chrono::milliseconds timeout);

  // Any thread; for what is written later.
  void set_bounds(OutputBounds bounds);
  void set_loss_notice(LossNotice notice);

  [[nodiscard]] std::uint64_t lines_lost() const;
  [[nodiscard]] std::uint64_t write_errors() const;

  // Bytes taken and lines lost, and how much of both is settled: with the reader, or given up. May
  // be read in a signal handler.
  [[nodiscard]] std::uint64_t accepted() const noexcept;
  [[nodiscard]] std::uint64_t settled() const noexcept;

 private:
  struct State;
  class Writer;
  explicit OutputQueue(std::shared_ptr<State> state);
  bool wait_settled(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds timeout);

  std::shared_ptr<State> state_;
};

}  // namespace gatehouse
