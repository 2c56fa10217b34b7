// A child process of a test. It is ended with the test, however the test ends.
#pragma once

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <string>
#include <vector>

namespace gatehouse::test {

class ChildProcess {
 public:
  ChildProcess() = default;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess() {
    if (running()) {
      signal(SIGKILL);
      signal(SIGCONT);
      wait();
    }
  }

  // Starts arguments[0] (an absolute path) with its output appended to `log` or, when output_fd
  // is no -1, its standard output sent there.
  void start(const std::vector<std::string>& arguments, const std::string& log,
             int output_fd = -1) {
    std::vector<char*> argv;
    for (const std::string& argument : arguments)
      argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("cannot fork");
    if (pid_ > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(output_fd >= 0 ? output_fd : fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }

  // False once it has ended; then exit_status() is valid.
  [[nodiscard]] bool running() {
    if (pid_ > 0 && waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = 0;
    return pid_ > 0;
  }
  void signal(int number) const {
    if (pid_ > 0) ::kill(pid_, number);
  }
  // Stops all of its threads (SIGSTOP), which is done when this returns.
  void pause() {
    signal(SIGSTOP);
    if (pid_ > 0 && waitpid(pid_, &status_, WUNTRACED) == pid_ && !WIFSTOPPED(status_)) pid_ = 0;
  }
  // Waits for its end and returns its exit status as waitpid gives it.
  int wait() {
    while (pid_ > 0 && waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return status_;
  }

 private:
  pid_t pid_ = 0;
  int status_ = 0;
};

// Runs a program to its end and returns its standard output; throws when it fails.
inline std::string run_program(const std::vector<std::string>& arguments, const std::string& log) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
  ChildProcess child;
  child.start(arguments, log, ends[1]);
  ::close(ends[1]);
  std::string output;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    output.append(buffer, static_cast<std::size_t>(got));
  ::close(ends[0]);
  if (child.wait() != 0) throw std::runtime_error(arguments[0] + " failed: see " + log);
  return output;
}

}  // namespace gatehouse::test
