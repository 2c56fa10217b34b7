#include "gatectl/password_input.hpp"

#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace gatehouse::gatectl {
namespace {

// Reads one byte; 0 at the end of the input. While it waits, signals that are not in `mask` come
// through, and one that has a handler fails it.
ssize_t read_byte(char& c, const sigset_t* mask) {
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  if (ppoll(&input, 1, nullptr, mask) < 0) return -1;
  return read(STDIN_FILENO, &c, 1);
}

// One line without its end. The buffer is never reallocated, so that no copy stays behind.
Result<Secret> read_line(const sigset_t* mask) {
  std::string line;
  line.reserve(kPasswordBytesMax + 2);
  Result<Secret> result = fail(Errc::kClosed, "no password was given");
  for (;;) {
    char c = 0;
    const ssize_t got = read_byte(c, mask);
    if (got < 0 || (got == 0 && line.empty())) break;
    if (got == 0 || c == '\n') {
      if (line.ends_with('\r')) line.pop_back();
      if (line.size() <= kPasswordBytesMax) {
        result = Secret(std::move(line));
        return result;
      }
    }
    if (c == '\0' || line.size() > kPasswordBytesMax) {
      result = fail(Errc::kInvalid, "the password has a NUL byte or more than " +
                                        std::to_string(kPasswordBytesMax) + " bytes");
      break;
    }
    line.push_back(c);
  }
  wipe(line.data(), line.size());
  return result;
}

void ignore_signal(int) {}

// Echo is off while it lives, also when Ctrl-C comes: that and SIGTERM are blocked but for the
// waiting of read_byte(), which they only interrupt.
class SilentTerminal {
 public:
  SilentTerminal() {
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &old_mask_);
    struct sigaction interrupt {};
    interrupt.sa_handler = ignore_signal;
    sigaction(SIGINT, &interrupt, &old_interrupt_);
    sigaction(SIGTERM, &interrupt, &old_terminate_);
    tcgetattr(STDIN_FILENO, &old_);
    termios silent = old_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;
  ~SilentTerminal() {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &old_);
    sigaction(SIGINT, &old_interrupt_, nullptr);
    sigaction(SIGTERM, &old_terminate_, nullptr);
    sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
  }

  [[nodiscard]] Result<Secret> ask(const std::string& question) const {
    std::fprintf(stderr, "%s: ", question.c_str());
    auto line = read_line(&old_mask_);
    std::fputc('\n', stderr);
    return line;
  }

 private:
  termios old_{};
  sigset_t old_mask_{};
  struct sigaction old_interrupt_ {};
  struct sigaction old_terminate_ {};
};

}  // namespace

Result<Secret> read_password(const std::string& account) {
  Result<Secret> password;
  if (isatty(STDIN_FILENO) == 1) {
    const SilentTerminal silent;
    password = silent.ask("Password of " + account);
    if (!password) return password;
    const auto again = silent.ask("The same again");
    if (!again) return again;
    if (password->reveal() != again->reveal()) {
      return fail(Errc::kInvalid, "the two passwords differ");
    }
  } else {
    password = read_line(nullptr);
  }
  if (password && password->empty()) return fail(Errc::kInvalid, "the password is empty");
  return password;
}

}  // namespace gatehouse::gatectl
