#include "base/output_queue.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <thread>

#include "base/assert.hpp"
#include "base/output_target.hpp"

namespace gatehouse {
namespace {

// Buffers that a burst made larger are given back.
constexpr std::size_t kKeptBytesMax = 256 * 1024;

// A part of a line counts as one.
std::uint64_t lines_in(std::string_view text) {
  const auto newlines = static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
  return newlines + (text.ends_with('\n') ? 0 : 1);
}

// See OutputQueue::finishing().
std::atomic<int> finishing_queues{0};

std::string plain_notice(std::uint64_t lines, std::string_view error) {
  std::string text = std::to_string(lines) + " lines were lost";
  if (!error.empty()) text.append(": ").append(error);
  return text + "\n";
}

}  // namespace

// Shared by the queue and its thread, which may outlive it: a system that hangs holds the thread.
struct OutputQueue::State {
  ~State() {
    if (wake >= 0) ::close(wake);
  }
  void wake_writer() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t done = ::write(wake, &one, sizeof one);
  }
  [[nodiscard]] bool has_work() const { return !pending.empty() || lost > 0 || reopen_wanted; }

  std::string path;  // empty: a descriptor of somebody else
  int wake = -1;     // an eventfd: there is work, or a wish

  std::mutex mutex;
  std::condition_variable progressed;  // a batch is settled, the file is opened, the thread ended
  OutputBounds bounds;
  LossNotice notice = plain_notice;
  std::string pending;
  std::uint64_t pending_lines = 0;
  std::uint64_t taken_bytes = 0;  // what the writer holds
  std::uint64_t taken_lines = 0;
  std::uint64_t lost = 0;  // lines since the writer took the last batch; while > 0 nothing is taken
  bool idle = false;       // the writer waits for work
  bool stopping = false;   // the queue is gone, and what it holds with it
  std::optional<std::chrono::steady_clock::time_point> finish_by;  // the queue is gone
  bool ended = false;
  bool reopen_wanted = false;
  std::uint64_t reopenings = 0;
  std::optional<Error> reopen_error;

  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> settled{0};
  std::atomic<std::uint64_t> lines_lost{0};
  std::atomic<std::uint64_t> write_errors{0};

  std::optional<OutputTarget> first_target;  // until the thread takes it
  std::thread thread;                        // started by the first write
};

// The queue's thread.
class OutputQueue::Writer {
 public:
  explicit Writer(std::shared_ptr<State> state)
      : state_(std::move(state)), target_(std::move(*state_->first_target)) {}

  void run() {
    std::unique_lock lock(state_->mutex);
    while (true) {
      while (!state_->has_work() && !state_->stopping && !state_->finish_by) {
        state_->idle = true;
        lock.unlock();
        await(nullptr);
        lock.lock();
      }
      state_->idle = false;
      if (!state_->has_work()) break;
      write_batch(lock);
      if (gave_up_) break;
      if (state_->reopen_wanted) reopen(lock);
    }
    state_->ended = true;
    if (state_->finish_by) finishing_queues.fetch_sub(1);
    state_->progressed.notify_all();
  }

 private:
  // Waits for a wish or for work, and for room in the target when that is given.
  void await(const OutputTarget* target) const {
    pollfd polls[] = {{state_->wake, POLLIN, 0}, {target ? target->descriptor() : -1, POLLOUT, 0}};
    ::poll(polls, target ? 2 : 1, finish_by_ ? kFinishPollMs : -1);
    if ((polls[0].revents & POLLIN) == 0) return;
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t done = ::read(state_->wake, &count, sizeof count);
  }

  void write_batch(std::unique_lock<std::mutex>& lock) {
    batch_.clear();
    batch_.swap(state_->pending);
    const std::uint64_t lines = std::exchange(state_->pending_lines, 0);
    const std::uint64_t lost = std::exchange(state_->lost, 0);
    const std::uint64_t bytes = batch_.size();
    state_->taken_bytes = bytes;
    state_->taken_lines = lines;
    const LossNotice notice = state_->notice;
    lock.unlock();
    put_all(notice, lines, lost);
    if (batch_.capacity() > kKeptBytesMax) batch_ = std::string();
    lock.lock();
    state_->taken_bytes = state_->taken_lines = 0;
    state_->settled.fetch_add(bytes + lost, std::memory_order_release);
    state_->progressed.notify_all();
  }

  // What was lost before the batch, the batch, and what was lost after it.
  void put_all(const LossNotice& notice, std::uint64_t lines, std::uint64_t lost) {
    if (unsaid_ > 0) {
      if (!put(line_of(notice, unsaid_, error_)).empty()) {
        count_lost(lines);
        unsaid_ += lines + lost;
        return;
      }
      unsaid_ = 0;
      error_.clear();
    }
    const std::string_view rest = put(batch_);
    if (!rest.empty()) {
      const std::uint64_t unwritten = std::min(lines, lines_in(rest));
      count_lost(unwritten);
      unsaid_ = unwritten + lost;
    } else if (lost > 0 && !put(line_of(notice, lost, {})).empty()) {
      unsaid_ = lost;
    }
  }

  std::string line_of(const LossNotice& notice, std::uint64_t lines, std::string_view error) {
    return (inside_line_ ? "\n" : "") + notice(lines, error);
  }

  // Writes all of the text, waiting for room: what is left after an error, or when the queue goes.
  std::string_view put(std::string_view text) {
    const char* const begin = text.data();
    while (!text.empty() && !gave_up_) {
      const long done = target_.write_some(text);
      if (done > 0) {
        text.remove_prefix(static_cast<std::size_t>(done));
        inside_line_ = text.data()[-1] != '\n';
      } else if (done < 0) {
        error_ = std::strerror(static_cast<int>(-done));
        state_->write_errors.fetch_add(1, std::memory_order_relaxed);
        return text;
      } else {
        await(&target_);
        std::unique_lock lock(state_->mutex);
        finish_by_ = state_->finish_by;
        gave_up_ =
            state_->stopping || (finish_by_ && std::chrono::steady_clock::now() >= *finish_by_);
        if (state_->reopen_wanted && reopen(lock)) text = from_line(begin, text);
      }
    }
    return text;
  }

  // The rest of a text, with the whole of the line that it begins in.
  static std::string_view from_line(const char* begin, std::string_view rest) {
    const char* at = rest.data();
    while (at > begin && at[-1] != '\n') --at;
    return {at, static_cast<std::size_t>(rest.data() + rest.size() - at)};
  }

  void count_lost(std::uint64_t lines) {
    state_->lines_lost.fetch_add(lines, std::memory_order_relaxed);
  }

  bool reopen(std::unique_lock<std::mutex>& lock) {
    state_->reopen_wanted = false;
    lock.unlock();
    auto opened = OutputTarget::open(state_->path);
    lock.lock();
    state_->reopen_error.reset();
    if (opened) {
      target_ = std::move(*opened);
      inside_line_ = false;
    } else {
      state_->reopen_error = opened.error();
    }
    ++state_->reopenings;
    state_->progressed.notify_all();
    return opened.has_value();
  }

  static constexpr int kFinishPollMs = 50;

  const std::shared_ptr<State> state_;
  std::optional<std::chrono::steady_clock::time_point> finish_by_;
  OutputTarget target_;
  std::string batch_;
  std::string error_;         // of the last write that failed
  std::uint64_t unsaid_ = 0;  // lines lost that no line in the target speaks of
  bool inside_line_ = false;  // the target's last byte is no newline
  bool gave_up_ = false;
};

namespace {

// Runs in a thread that no signal is delivered to; false when the system has none.
template <class F>
bool start_thread(std::thread& thread, F&& function) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = true;
  try {
    thread = std::thread(std::forward<F>(function));
  } catch (const std::system_error&) {
    started = false;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

}  // namespace

OutputQueue::OutputQueue(std::shared_ptr<State> state) : state_(std::move(state)) {
  state_->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  GATEHOUSE_ASSERT(state_->wake >= 0);
}

Result<std::unique_ptr<OutputQueue>> OutputQueue::open(const std::string& path,
                                                       OutputBounds bounds) {
  auto target = OutputTarget::open(path);
  if (!target) return tl::unexpected<Error>(target.error());
  auto state = std::make_shared<State>();
  state->path = path;
  state->bounds = bounds;
  state->first_target.emplace(std::move(*target));
  return std::unique_ptr<OutputQueue>(new OutputQueue(std::move(state)));
}

std::unique_ptr<OutputQueue> OutputQueue::on(int descriptor, OutputBounds bounds) {
  auto state = std::make_shared<State>();
  state->bounds = bounds;
  state->first_target.emplace(OutputTarget::on(descriptor));
  return std::unique_ptr<OutputQueue>(new OutputQueue(std::move(state)));
}

void OutputQueue::finish(std::unique_ptr<OutputQueue> queue) {
  const std::shared_ptr<State> state = queue->state_;
  State& s = *state;
  std::lock_guard lock(s.mutex);
  if (!s.thread.joinable()) return;
  finishing_queues.fetch_add(1);
  s.finish_by = std::chrono::steady_clock::now() + kLeaveTimeout;
  s.thread.detach();
  s.wake_writer();
}

int OutputQueue::finishing() {
  return finishing_queues.load();
}

OutputQueue::~OutputQueue() {
  bool ended = false;
  {
    std::unique_lock lock(state_->mutex);
    if (!state_->thread.joinable()) return;
    wait_settled(lock, kLeaveTimeout);
    state_->stopping = true;
    state_->wake_writer();
    ended = state_->progressed.wait_for(lock, kLeaveTimeout, [this] { return state_->ended; });
  }
  if (ended) {
    state_->thread.join();
  } else {
    state_->thread.detach();
  }
}

bool OutputQueue::write(std::string_view text) {
  if (text.empty()) return true;
  State& s = *state_;
  const std::uint64_t lines = lines_in(text);
  bool wake = false, taken = false;
  {
    std::lock_guard lock(s.mutex);
    const bool running =
        s.thread.joinable() || start_thread(s.thread, [state = state_] { Writer(state).run(); });
    // After a loss nothing is taken until the writer has seen it: the line about it stands between.
    bool room = running && s.lost == 0 &&
                s.pending.size() + s.taken_bytes + text.size() <= s.bounds.bytes_max &&
                s.pending_lines + s.taken_lines + lines <= s.bounds.lines_max;
    try {
      if (room) s.pending.append(text);
    } catch (const std::bad_alloc&) {
      room = false;
    }
    if (room) {
      s.pending_lines += lines;
      s.accepted.fetch_add(text.size(), std::memory_order_release);
    } else {
      s.lost += lines;
      s.accepted.fetch_add(lines, std::memory_order_release);
      s.lines_lost.fetch_add(lines, std::memory_order_relaxed);
    }
    taken = room;
    wake = std::exchange(s.idle, false);
  }
  if (wake) s.wake_writer();
  return taken;
}

Result<> OutputQueue::reopen(std::chrono::milliseconds timeout) {
  State& s = *state_;
  std::unique_lock lock(s.mutex);
  if (s.path.empty()) return {};
  if (!s.thread.joinable()) {
    auto opened = OutputTarget::open(s.path);
    if (!opened) return tl::unexpected<Error>(opened.error());
    s.first_target.emplace(std::move(*opened));
    return {};
  }
  const std::uint64_t before = s.reopenings;
  s.reopen_wanted = true;
  s.wake_writer();
  if (!s.progressed.wait_for(lock, timeout, [&s, before] { return s.reopenings > before; })) {
    return fail(Errc::kTimeout, s.path + ": the system hangs in a write; opened anew after it");
  }
  if (s.reopen_error) return tl::unexpected<Error>(*s.reopen_error);
  return {};
}

bool OutputQueue::flush(std::chrono::milliseconds timeout) {
  std::unique_lock lock(state_->mutex);
  return wait_settled(lock, timeout);
}

bool OutputQueue::wait_settled(std::unique_lock<std::mutex>& lock,
                               std::chrono::milliseconds timeout) {
  State& s = *state_;
  const std::uint64_t goal = s.accepted.load();
  return s.progressed.wait_for(lock, timeout,
                               [&s, goal] { return s.settled.load() >= goal || s.ended; });
}

void OutputQueue::set_bounds(OutputBounds bounds) {
  std::lock_guard lock(state_->mutex);
  state_->bounds = bounds;
}

void OutputQueue::set_loss_notice(LossNotice notice) {
  std::lock_guard lock(state_->mutex);
  state_->notice = std::move(notice);
}

std::uint64_t OutputQueue::lines_lost() const {
  return state_->lines_lost.load();
}
std::uint64_t OutputQueue::write_errors() const {
  return state_->write_errors.load();
}
std::uint64_t OutputQueue::accepted() const noexcept {
  return state_->accepted.load();
}
std::uint64_t OutputQueue::settled() const noexcept {
  return state_->settled.load();
}

}  // namespace gatehouse
