#include "base/signals.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>

#include "base/assert.hpp"

namespace gatehouse {
namespace {

constexpr int kFirstRealTime = 34;  // the library has the two before it
constexpr int kSignals = 65;
constexpr std::array kHandled{SIGHUP,  SIGINT,    SIGTERM, SIGQUIT, SIGXCPU, SIGUSR1,   SIGUSR2,
                              SIGALRM, SIGVTALRM, SIGPROF, SIGIO,   SIGPWR,  SIGSTKFLT, SIGXFSZ};
constexpr std::array kIgnored{SIGPIPE, SIGTTIN, SIGTTOU};

// What came and was not told yet; `stop` ends the reader. Written by the handler.
std::array<std::atomic<std::uint32_t>, kSignals> counts{};
std::atomic<bool> stop{false};
std::atomic<int> wake{-1};  // an eventfd, once somebody takes signals
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

void wake_reader() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t done = ::write(wake.load(), &one, sizeof one);
}

void on_signal(int signal) {
  const int error = errno;
  counts[static_cast<std::size_t>(signal)].fetch_add(1);
  wake_reader();
  errno = error;
}

template <class F>
void each_handled(F&& function) {
  for (const int signal : kHandled) function(signal);
  for (int signal = kFirstRealTime; signal < kSignals; ++signal) function(signal);
}

sigset_t handled_set() {
  sigset_t set;
  sigemptyset(&set);
  each_handled([&set](int signal) { sigaddset(&set, signal); });
  return set;
}

}  // namespace

void ignore_sigpipe() {
  ::signal(SIGPIPE, SIG_IGN);
}

void ignore_write_signals() {
  ignore_sigpipe();
  ::signal(SIGXFSZ, SIG_IGN);
}

void hold_signals() {
  const sigset_t set = handled_set();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void let_signals_through() {
  const sigset_t set = handled_set();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void take_signals() {
  if (wake.load() < 0) wake.store(eventfd(0, EFD_CLOEXEC));
  GATEHOUSE_ASSERT(wake.load() >= 0);
  for (const int signal : kIgnored) ::signal(signal, SIG_IGN);
  // A handler, where ignoring would do: it does not survive exec.
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  each_handled([&action](int signal) { sigaction(signal, &action, nullptr); });
  let_signals_through();
}

SignalReader::SignalReader(UniqueFunction<void(int signal)> function)
    : function_(std::move(function)) {
  GATEHOUSE_ASSERT(wake.load() >= 0);
  stop.store(false);
  thread_ = std::thread([this] { run(); });
}

SignalReader::~SignalReader() {
  stop.store(true);
  wake_reader();
  thread_.join();
}

void SignalReader::run() {
  while (true) {
    for (int signal = 1; signal < kSignals; ++signal) {
      if (stop.load()) return;
      const std::uint32_t count = counts[static_cast<std::size_t>(signal)].exchange(0);
      for (std::uint32_t i = 0; i < count && i < 2 && !stop.load(); ++i) function_(signal);
    }
    std::uint64_t woken = 0;
    [[maybe_unused]] const ssize_t done = ::read(wake.load(), &woken, sizeof woken);
  }
}

}  // namespace gatehouse
