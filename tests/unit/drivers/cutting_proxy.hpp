// A TCP relay in front of a server that can swallow an answer: the server has done what it was
// asked, the client never learns and finds the connection closed.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <thread>
#include <vector>

namespace gatehouse::test {

class CuttingProxy {
 public:
  explicit CuttingProxy(std::uint16_t server_port) : server_port_(server_port) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("the proxy cannot listen");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { relay(); });
  }
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;
  ~CuttingProxy() {
    ending_ = true;
    thread_.join();
    ::close(listener_);
    for (const Pair& pair : pairs_) pair.close();
    for (const int server : abandoned_) ::close(server);
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] int connections() const { return connections_; }
  // The next bytes that the server sends are dropped and their connection closed.
  void cut_next_answer() { cut_ = true; }
  // Closes what clients have open now. Their servers keep their ends, and go on with what they
  // were asked.
  void abandon_clients() { abandon_ = true; }

 private:
  struct Pair {
    int client;
    int server;
    void close() const {
      ::close(client);
      ::close(server);
    }
  };

  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }

  void relay() {
    while (!ending_) {
      std::vector<pollfd> fds = {{listener_, POLLIN, 0}};
      for (const Pair& pair : pairs_) {
        fds.push_back({pair.client, POLLIN, 0});
        fds.push_back({pair.server, POLLIN, 0});
      }
      const int ready = ::poll(fds.data(), fds.size(), 20);
      if (abandon_.exchange(false)) {
        abandon();
        continue;
      }
      if (ready <= 0) continue;
      for (std::size_t i = pairs_.size(); i-- > 0;) {
        const bool from_client = fds[1 + 2 * i].revents != 0;
        const bool from_server = fds[2 + 2 * i].revents != 0;
        if ((from_server && !pass(pairs_[i].server, pairs_[i].client, true)) ||
            (from_client && !pass(pairs_[i].client, pairs_[i].server, false))) {
          pairs_[i].close();
          pairs_.erase(pairs_.begin() + static_cast<std::ptrdiff_t>(i));
        }
      }
      if (fds[0].revents != 0) accept();
    }
  }

  void abandon() {
    for (const Pair& pair : pairs_) {
      ::close(pair.client);
      abandoned_.push_back(pair.server);
    }
    pairs_.clear();
  }

  void accept() {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(server_port_);
    const Pair pair{client, server};
    if (client < 0 ||
        ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      return pair.close();
    pairs_.push_back(pair);
    ++connections_;
  }

  // False when the connection ends here.
  bool pass(int from, int to, bool answer) {
    char buffer[65536];
    const ssize_t got = ::recv(from, buffer, sizeof buffer, 0);
    if (got <= 0 || (answer && cut_.exchange(false))) return false;
    for (ssize_t sent = 0; sent < got;) {
      const ssize_t n =
          ::send(to, buffer + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
      if (n <= 0) return false;
      sent += n;
    }
    return true;
  }

  std::uint16_t server_port_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> ending_ = false;
  std::atomic<bool> cut_ = false;
  std::atomic<bool> abandon_ = false;
  std::atomic<int> connections_ = 0;
  std::vector<Pair> pairs_;  // the thread's, like the next
  std::vector<int> abandoned_;
  std::thread thread_;
};

}  // namespace gatehouse::test
