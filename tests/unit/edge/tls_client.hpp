// A blocking client of tests that speaks TLS over whatever carries its bytes.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net_client.hpp"
#include "tls_support.hpp"

namespace gatehouse::edge {

class TlsClient {
 public:
  TlsClient(std::unique_ptr<net::Client> below, std::shared_ptr<crypto::TlsContext> context,
            std::string_view host = "localhost")
      : below_(std::move(below)), session_(crypto::TlsSession::client(context, host).value()) {
    static_cast<void>(session_.feed("", plain_, wire_));
  }
  // The handshake; sends in parts of `size` bytes.
  [[nodiscard]] bool shake_hands(std::size_t size = std::string::npos) {
    while (!session_.finished() || !wire_.empty()) {
      if (!send_wire(size)) return false;
      if (!session_.finished() && !receive_more()) return false;
    }
    return true;
  }
  // Only the first flight.
  [[nodiscard]] bool say_hello() { return send_wire(std::string::npos); }
  bool send(std::string_view plain, std::size_t size = std::string::npos) {
    return session_.write(plain, wire_).has_value() && send_wire(size);
  }
  // close_notify; the connection stays.
  bool finish_sending() {
    session_.close(wire_);
    return send_wire(std::string::npos);
  }
  // Exactly `size` bytes, or what came before the end.
  std::string receive(std::size_t size) {
    while (plain_.size() < size && receive_more()) {
    }
    const std::string taken = plain_.substr(0, size);
    plain_.erase(0, taken.size());
    return taken;
  }
  // Everything up to the end of the connection.
  std::string receive_all() { return receive(SIZE_MAX); }

  [[nodiscard]] net::Client& below() { return *below_; }
  [[nodiscard]] const crypto::TlsSession& session() const { return session_; }
  [[nodiscard]] const Result<>& result() const { return result_; }

 private:
  bool receive_more() {
    const std::string bytes = below_->receive_some();
    if (bytes.empty()) return false;
    result_ = session_.feed(bytes, plain_, wire_);
    return result_.has_value();
  }
  bool send_wire(std::size_t size) {
    const std::string bytes = std::exchange(wire_, {});
    for (std::size_t at = 0; at < bytes.size(); at += std::min(size, bytes.size() - at)) {
      if (!below_->send(std::string_view(bytes).substr(at, size))) return false;
    }
    return true;
  }

  std::unique_ptr<net::Client> below_;
  crypto::TlsSession session_;
  std::string plain_;
  std::string wire_;
  Result<> result_;
};

}  // namespace gatehouse::edge
