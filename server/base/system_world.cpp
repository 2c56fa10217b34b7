#include "base/system_world.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <thread>

#include "base/assert.hpp"
#include "base/secret.hpp"

namespace gatehouse {
namespace {

std::int64_t read_ns(clockid_t id) {
  timespec ts{};
  clock_gettime(id, &ts);
  return std::int64_t{ts.tv_sec} * 1'000'000'000 + ts.tv_nsec;
}

// getrandom() fills up to 256 bytes without being interrupted; longer requests may return short.
void fill_from_system(char* out, std::size_t size) {
  while (size > 0) {
    const ssize_t got = getrandom(out, size, 0);
    if (got < 0 && errno == EINTR) continue;
    GATEHOUSE_ASSERT(got > 0);
    out += got;
    size -= static_cast<std::size_t>(got);
  }
}

// Raised in a forked child, whose copy of the parent's pool must not be used a second time.
std::atomic<std::uint32_t> process_generation{1};

[[maybe_unused]] const int fork_watch = pthread_atfork(
    nullptr, nullptr, [] { process_generation.fetch_add(1, std::memory_order_relaxed); });

constexpr std::size_t kPoolBytes = 512;

// The unused bytes are the last `left`; generation 0 is a pool never filled.
struct Pool {
  std::array<char, kPoolBytes> bytes;
  std::size_t left;
  std::uint32_t generation;
};
thread_local Pool pool{};

// Keeps the signals sent to the process away from the threads that are started meanwhile, but not
// those that a thread brings upon itself.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t all;
    sigfillset(&all);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGPROF})
      sigdelset(&all, own);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_;
};

// Linux counts niceness by thread: the id of the calling thread names it alone. What the system
// refuses is left as it is.
void lower_own_priority(int nice) {
  const auto self = static_cast<id_t>(gettid());
  setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + nice);
}

class SystemThread final : public Thread {
 public:
  SystemThread(ThreadOptions options, std::unique_ptr<Runner> runner)
      : options_(std::move(options)), runner_(std::move(runner)) {
    if (options_.takes_signals) {
      begin();
    } else {
      const SignalsHeld held;
      begin();
    }
  }
  ~SystemThread() override { GATEHOUSE_ASSERT(!thread_.joinable()); }

  void join() override {
    GATEHOUSE_ASSERT(thread_.get_id() != std::this_thread::get_id());
    if (thread_.joinable()) thread_.join();
  }

 private:
  void begin() {
    thread_ = std::thread([this] {
      if (!options_.name.empty())
        pthread_setname_np(pthread_self(), options_.name.substr(0, 15).c_str());
      if (options_.nice > 0) lower_own_priority(options_.nice);
      runner_->run();
      runner_.reset();
    });
  }

  const ThreadOptions options_;
  std::unique_ptr<Runner> runner_;
  std::thread thread_;
};

}  // namespace

std::int64_t SystemClock::monotonic_ns() const {
  return read_ns(CLOCK_MONOTONIC);
}
WallMs SystemClock::wall_ms() const {
  return read_ns(CLOCK_REALTIME) / kNsPerMs;
}

void SystemRandom::fill(char* out, std::size_t size) {
  if (size > kPoolBytes / 4) return fill_from_system(out, size);
  const std::uint32_t generation = process_generation.load(std::memory_order_relaxed);
  if (pool.left < size || pool.generation != generation) {
    fill_from_system(pool.bytes.data(), kPoolBytes);
    pool.left = kPoolBytes;
    pool.generation = generation;
  }
  char* const from = pool.bytes.data() + (kPoolBytes - pool.left);
  std::memcpy(out, from, size);
  wipe(from, size);
  pool.left -= size;
}

std::unique_ptr<Thread> ThreadExecutor::start(ThreadOptions options,
                                              std::unique_ptr<Runner> runner) {
  return std::make_unique<SystemThread>(std::move(options), std::move(runner));
}

}  // namespace gatehouse
