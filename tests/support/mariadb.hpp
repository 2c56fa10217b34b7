// A real MariaDB server for tests, in a temporary folder, on a Unix socket and a loopback port
// of its own. A test can stop, kill, pause and restart it; port, socket and data stay. Without
// an installed server it throws, so that the test fails.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "child_process.hpp"
#include "temp_folder.hpp"
#include "waiting.hpp"

namespace gatehouse::test {

class MariaDb {
 public:
  static constexpr const char* kUser = "gatehouse";
  static constexpr const char* kPassword = "only for tests";
  static constexpr auto kCopyAll = std::filesystem::copy_options::recursive;

  // `arguments` are added to the server's; without any it offers no TLS.
  explicit MariaDb(std::vector<std::string> arguments = {"--skip-ssl"})
      : port_(free_port()), arguments_(std::move(arguments)) {
    install();
    start();
    query("", std::string("CREATE USER '") + kUser + "'@'%' IDENTIFIED BY '" + kPassword +
                  "'; GRANT ALL ON *.* TO '" + kUser + "'@'%'");
  }
  ~MariaDb() {
    resume();
    server_.signal(SIGTERM);
    server_.wait();
  }

  [[nodiscard]] std::string socket() const { return folder_ / "sock"; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

  // Returns once the server answers connections.
  void start() {
    std::vector<std::string> command = {program("mariadbd"),
                                        "--no-defaults",
                                        "--datadir=" + data(),
                                        "--tmpdir=" + tmpdir(),
                                        "--socket=" + socket(),
                                        "--port=" + std::to_string(port_),
                                        "--bind-address=127.0.0.1",
                                        "--pid-file=" + (folder_ / "pid"),
                                        "--innodb-buffer-pool-size=32M",
                                        "--innodb-log-file-size=8M",
                                        "--key-buffer-size=1M",
                                        "--aria-pagecache-buffer-size=1M",
                                        "--innodb-flush-log-at-trx-commit=2",
                                        "--max-connections=60",
                                        "--skip-name-resolve"};
    command.insert(command.end(), arguments_.begin(), arguments_.end());
    if (geteuid() == 0) command.push_back("--user=root");
    server_.start(command, log());
    bool up = false;
    const auto decided = [&] { return (up = answers()) || !server_.running(); };
    if (!eventually(decided, std::chrono::seconds(60)) || !up)
      throw std::runtime_error("mariadbd does not answer: " + log_text());
  }
  // Ends it in order, as ops would.
  void stop() {
    server_.signal(SIGTERM);
    server_.wait();
  }
  // Ends it as a power cut would.
  void kill() {
    server_.signal(SIGKILL);
    server_.wait();
  }
  // Stops it from answering, connections stay open.
  void pause() { server_.pause(); }
  void resume() { server_.signal(SIGCONT); }

  void create_database(const std::string& name) {
    query("", "CREATE DATABASE " + name + " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
  }
  // Runs SQL as root and returns the rows, tab-separated.
  std::string query(const std::string& database, const std::string& sql) {
    std::vector<std::string> command = {program("mariadb"),
                                        "--no-defaults",
                                        "--socket=" + socket(),
                                        "--user=root",
                                        "--batch",
                                        "--skip-column-names",
                                        "--default-character-set=utf8mb4",
                                        "--execute=" + sql};
    if (!database.empty()) command.push_back(database);
    return run_program(command, log());
  }

 private:
  static std::string program(const std::string& name) {
    for (const char* folder : {"/usr/sbin/", "/usr/bin/", "/usr/local/sbin/", "/usr/local/bin/"})
      if (access((folder + name).c_str(), X_OK) == 0) return folder + name;
    throw std::runtime_error(name +
                             " is missing: install mariadb-server-core and "
                             "mariadb-client");
  }

  // Makes the system tables. They are made once in a build folder and copied from then on.
  void install() {
    std::filesystem::path made = data();
#ifdef GATEHOUSE_BINARY_DIR
    const auto version = std::filesystem::last_write_time(program("mariadbd")).time_since_epoch();
    made = std::string(GATEHOUSE_BINARY_DIR "/mariadb-") + std::to_string(version.count());
    if (std::filesystem::exists(made)) return std::filesystem::copy(made, data(), kCopyAll);
#endif
    std::vector<std::string> command = {
        program("mariadb-install-db"), "--no-defaults",  "--datadir=" + data(),
        "--tmpdir=" + tmpdir(),        "--skip-test-db", "--auth-root-authentication-method=normal",
        "--innodb-log-file-size=8M"};
    if (geteuid() == 0) command.push_back("--user=root");
    run_program(command, log());
    if (made == data()) return;
    // Renamed when complete: of several programs at once the first wins.
    const std::string draft = made.string() + "." + std::to_string(getpid());
    std::filesystem::copy(data(), draft, kCopyAll);
    std::error_code lost;
    std::filesystem::rename(draft, made, lost);
    if (lost) std::filesystem::remove_all(draft);
  }

  static std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                       ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    ::close(fd);
    if (!bound) throw std::runtime_error("no free port");
    return ntohs(address.sin_port);
  }

  // True when the server greets a new connection.
  bool answers() const {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket().c_str(), sizeof address.sun_path - 1);
    const timeval patience{.tv_sec = 5, .tv_usec = 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char greeting[5];
    const bool greeted =
        ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
        ::recv(fd, greeting, sizeof greeting, MSG_WAITALL) == sizeof greeting &&
        greeting[4] == 10;  // version of the protocol
    ::close(fd);
    return greeted;
  }

  std::string data() const {
    return folder_ / "data";
  }
  // Of its own: a server that starts deletes the temporary tables that it finds.
  std::string tmpdir() const {
    std::filesystem::create_directories(folder_ / "tmp");
    return folder_ / "tmp";
  }
  std::string log() const {
    return folder_ / "log";
  }
  std::string log_text() const {
    std::ostringstream text;
    text << std::ifstream(log()).rdbuf();
    return text.str();
  }

  TempFolder folder_;
  std::uint16_t port_;
  std::vector<std::string> arguments_;
  ChildProcess server_;
};

}  // namespace gatehouse::test
