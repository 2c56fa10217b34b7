// httplib's server for one request a connection. The library takes a client that has ended its
// side for one that is gone, and writes it no answer; here it gets the answer to what it asked.
#pragma once

#include <httplib.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

namespace gatehouse::ops {

// A connected, blocking socket, with a deadline for each read and write.
class HttpStream final : public httplib::Stream {
 public:
  HttpStream(int socket, int timeout_ms) : socket_(socket), timeout_ms_(timeout_ms) {}

  [[nodiscard]] bool is_readable() const override { return begin_ < end_ || ready(POLLIN); }
  [[nodiscard]] bool is_writable() const override { return ready(POLLOUT); }
  ssize_t read(char* to, std::size_t size) override {
    if (begin_ == end_) {
      if (!ready(POLLIN)) return -1;
      ssize_t got = 0;
      do got = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
      while (got < 0 && errno == EINTR);
      if (got <= 0) return got;
      begin_ = 0;
      end_ = static_cast<std::size_t>(got);
    }
    const std::size_t count = std::min(size, end_ - begin_);
    std::memcpy(to, buffer_.data() + begin_, count);
    begin_ += count;
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* from, std::size_t size) override {
    if (!ready(POLLOUT)) return -1;
    ssize_t sent = 0;
    do sent = ::send(socket_, from, size, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
  }
  // Nobody asks: what may be done here depends on no address.
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  [[nodiscard]] int socket() const override { return socket_; }

 private:
  [[nodiscard]] bool ready(short events) const {
    pollfd wanted{socket_, events, 0};
    int count = 0;
    do count = ::poll(&wanted, 1, timeout_ms_);
    while (count < 0 && errno == EINTR);
    return count > 0;
  }

  const int socket_;
  const int timeout_ms_;
  std::array<char, 4'096> buffer_;
  std::size_t begin_ = 0;  // of what was received and not read yet
  std::size_t end_ = 0;
};

class HttpServer final : public httplib::Server {
 private:
  bool process_and_close_socket(int socket) override {
    HttpStream stream(socket, static_cast<int>(read_timeout_sec_) * 1'000);
    bool closed = false;
    const bool served = process_request(stream, true, closed, nullptr);
    ::shutdown(socket, SHUT_RDWR);
    ::close(socket);
    return served;
  }
};

}  // namespace gatehouse::ops
