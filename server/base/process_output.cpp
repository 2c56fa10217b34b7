#include "base/process_output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "base/assert.hpp"

namespace gatehouse::process_output {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Read by signal handlers. The queues of the descriptors are never freed.
enum Slot { kOut, kError, kLogFile, kSlots };
std::array<std::atomic<OutputQueue*>, kSlots> queues{};
std::atomic<std::int64_t> leave_ms{OutputQueue::kLeaveTimeout.count()};
static_assert(std::atomic<OutputQueue*>::is_always_lock_free);

bool same_file(int one, int other) {
  struct stat a {
  }, b{};
  return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino && a.st_rdev == b.st_rdev;
}

// Not a static of the function: a queue must outlive the statics that print in their destructors.
OutputQueue& keep(Slot slot, OutputQueue* queue) {
  queues[slot].store(queue);
  std::atexit(flush);
  return *queue;
}

// --- C's streams ---

// What is lost is counted by the queue; for the writer it is written.
ssize_t write_queue(void* queue, const char* text, std::size_t size) {
  static_cast<OutputQueue*>(queue)->write({text, size});
  return static_cast<ssize_t>(size);
}

ssize_t read_what_is_there(void*, char* buffer, std::size_t size) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  if (::poll(&input, 1, 0) == 0) {
    errno = EAGAIN;
    return -1;
  }
  return ::read(STDIN_FILENO, buffer, size);
}

std::FILE* open_stream(OutputQueue& queue, int buffering) {
  std::FILE* stream = fopencookie(&queue, "w", {nullptr, write_queue, nullptr, nullptr});
  GATEHOUSE_ASSERT(stream != nullptr);
  GATEHOUSE_ASSERT(std::setvbuf(stream, nullptr, buffering, BUFSIZ) == 0);
  return stream;
}

// --- The end of the process ---

bool settled(const std::array<std::uint64_t, kSlots>& goals) {
  for (std::size_t i = 0; i < kSlots; ++i) {
    const OutputQueue* queue = queues[i].load();
    if (queue != nullptr && queue->settled() < goals[i]) return false;
  }
  return true;
}

// Async-signal-safe. The queues' threads go on meanwhile; should they not, be it that the thread
// that crashed held their lock, the time ends it.
void on_crash(int signal) {
  std::array<std::uint64_t, kSlots> goals{};
  for (std::size_t i = 0; i < kSlots; ++i) {
    if (const OutputQueue* queue = queues[i].load()) goals[i] = queue->accepted();
  }
  constexpr std::int64_t kStepMs = 2;
  for (std::int64_t waited = 0; waited < leave_ms.load() && !settled(goals); waited += kStepMs) {
    const timespec step{0, kStepMs * 1'000'000};
    nanosleep(&step, nullptr);
  }
  // The signal has its default action again, and comes back when it was not a fault.
  raise(signal);
}

}  // namespace

OutputQueue& standard_output() {
  static OutputQueue& queue = keep(kOut, OutputQueue::on(STDOUT_FILENO).release());
  return queue;
}

OutputQueue& standard_error() {
  static OutputQueue& queue = same_file(STDOUT_FILENO, STDERR_FILENO)
                                  ? standard_output()
                                  : keep(kError, OutputQueue::on(STDERR_FILENO).release());
  return queue;
}

void set_log_file(OutputQueue* queue) {
  static const bool registered = std::atexit(flush) == 0;
  static_cast<void>(registered);
  queues[kLogFile].store(queue);
}

void open_missing_descriptors() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    GATEHOUSE_ASSERT(::open("/dev/null", O_RDWR) == descriptor);
  }
}

void take_standard_streams() {
  stdout = open_stream(standard_output(), _IOLBF);
  stderr = open_stream(standard_error(), _IONBF);
  stdin = fopencookie(nullptr, "r", {read_what_is_there, nullptr, nullptr, nullptr});
  GATEHOUSE_ASSERT(stdin != nullptr);
}

Losses losses() {
  Losses sum;
  for (const auto& slot : queues) {
    const OutputQueue* queue = slot.load();
    if (queue == nullptr) continue;
    sum.lines += queue->lines_lost();
    sum.write_errors += queue->write_errors();
  }
  return sum;
}

void set_leave_timeout(milliseconds timeout) {
  leave_ms.store(timeout.count());
}

void flush() {
  std::fflush(stdout);
  std::fflush(stderr);
  const auto end = steady_clock::now() + milliseconds(leave_ms.load());
  for (const auto& slot : queues) {
    if (OutputQueue* queue = slot.load()) {
      const auto left = std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
      queue->flush(std::max(left, milliseconds(0)));
    }
  }
  while (OutputQueue::finishing() > 0 && steady_clock::now() < end) {
    const timespec step{0, 2'000'000};
    nanosleep(&step, nullptr);
  }
}

void end_now(int code) {
  flush();
  _exit(code);
}

void flush_at_crash() {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP}) {
    struct sigaction before {};
    if (sigaction(signal, nullptr, &before) != 0 || before.sa_handler != SIG_DFL) continue;
    struct sigaction action {};
    action.sa_handler = on_crash;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(signal, &action, nullptr);
  }
}

}  // namespace gatehouse::process_output
