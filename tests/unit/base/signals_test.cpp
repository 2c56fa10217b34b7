// Orders by signal: kept until somebody reads them, and none is deadly.
#include "base/signals.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <vector>

#include "waiting.hpp"

namespace gatehouse {
namespace {

class Signals : public testing::Test {
 protected:
  void TearDown() override {
    for (int number = 1; number < 65; ++number) {
      if (number != SIGKILL && number != SIGSTOP && number != SIGPIPE) ::signal(number, SIG_DFL);
    }
  }
  void on(int signal) {
    const std::lock_guard lock(mutex_);
    seen_.push_back(signal);
  }
  std::size_t count(int signal) {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count(seen_.begin(), seen_.end(), signal));
  }

  std::mutex mutex_;
  std::vector<int> seen_;
};

TEST_F(Signals, WhatCameBeforeTheReaderIsTold) {
  hold_signals();
  ASSERT_EQ(kill(getpid(), SIGHUP), 0);
  ASSERT_EQ(kill(getpid(), SIGTERM), 0);
  take_signals();
  ASSERT_EQ(kill(getpid(), SIGTERM), 0);
  SignalReader reader([this](int signal) { on(signal); });
  EXPECT_TRUE(test::eventually([this] { return count(SIGHUP) == 1 && count(SIGTERM) == 2; }));
}

TEST_F(Signals, NoneIsDeadly) {
  take_signals();
  SignalReader reader([this](int signal) { on(signal); });
  for (const int signal : {SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT,
                           SIGXFSZ, SIGXCPU, SIGQUIT, SIGINT, SIGRTMIN, SIGRTMAX}) {
    ASSERT_EQ(kill(getpid(), signal), 0);
    EXPECT_TRUE(test::eventually([this, signal] { return count(signal) == 1; })) << signal;
  }
  for (const int signal : {SIGPIPE, SIGTTIN, SIGTTOU}) ASSERT_EQ(kill(getpid(), signal), 0);
}

TEST_F(Signals, AReaderAfterAReader) {
  take_signals();
  {
    const SignalReader first([this](int signal) { on(signal); });
  }
  ASSERT_EQ(kill(getpid(), SIGHUP), 0);
  const SignalReader second([this](int signal) { on(signal); });
  EXPECT_TRUE(test::eventually([this] { return count(SIGHUP) == 1; }));
}

}  // namespace
}  // namespace gatehouse
