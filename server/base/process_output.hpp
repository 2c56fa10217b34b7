// Standard output and error of the process, and its log's file: what a person or another program
// reads. They are queues, so that nobody in the process waits for a reader, and what they hold
// leaves at the end of the process, however it ends, within a time.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/output_queue.hpp"

namespace gatehouse::process_output {

// Made at their first use; they live until the process ends. One queue when both descriptors are
// the same file.
[[nodiscard]] OutputQueue& standard_output();
[[nodiscard]] OutputQueue& standard_error();
// The log's own file from now on; nullptr: it has none. It outlives its being set.
void set_log_file(OutputQueue* queue);

// Opens /dev/null where descriptors 0 to 2 are closed: the next file would get their number, and
// what is printed would go there. Before anything is opened.
void open_missing_descriptors();
// From now on C's stdout and stderr are the queues, and stdin has what is there now or fails with
// EAGAIN: scripts and libraries that use them never wait. std::cout stays what it was. Once, by
// main, before there are threads.
void take_standard_streams();

// Of all of them, until now.
struct Losses {
  std::uint64_t lines = 0;
  std::uint64_t write_errors = 0;
};
[[nodiscard]] Losses losses();

// How long the last lines may take at the end of the process; kLeaveTimeout until it is set.
void set_leave_timeout(std::chrono::milliseconds timeout);
// Waits for that time until all queues are with their readers. exit() and a crash do it, too.
void flush();
// Ends the process at once, but for the last lines. Any thread.
[[noreturn]] void end_now(int code);

// SIGABRT, SIGSEGV and their like let the last lines leave before they end the process. Once, by
// main. A handler that is there already, as a sanitizer's, stays.
void flush_at_crash();

}  // namespace gatehouse::process_output
