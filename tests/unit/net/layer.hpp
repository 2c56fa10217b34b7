// A transport over another one, as small as one can be: it makes records of what is written, a head
// of two bytes and the bytes turned over, and waits for whole records. What TLS and WebSocket need
// of the interface, it needs, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "net/transport_set.hpp"

namespace gatehouse::net {

class RecordLayer final : public Transport, private TransportHandler {
 public:
  explicit RecordLayer(std::unique_ptr<Transport> below)
      : Transport(TransportKind::kTls, below->peer()), detached_(std::move(below)) {}

  static void seal(std::string_view plain, std::string& wire) {
    while (!plain.empty()) {
      const std::string_view part = plain.substr(0, 16'000);
      plain.remove_prefix(part.size());
      char head[2];
      store_be16(head, static_cast<std::uint16_t>(part.size()));
      wire.append(head, 2);
      for (const char c : part) wire.push_back(static_cast<char>(~c));
    }
  }
  // False: no record can begin so.
  static bool unseal(std::string_view wire, std::string& half, std::string& plain) {
    half += wire;
    std::size_t at = 0;
    while (half.size() - at >= 2) {
      const std::size_t size = load_be16(half.data() + at);
      if (size == 0) return false;
      if (half.size() - at - 2 < size) break;
      for (std::size_t i = 0; i < size; ++i) plain.push_back(static_cast<char>(~half[at + 2 + i]));
      at += 2 + size;
    }
    half.erase(0, at);
    return true;
  }

  [[nodiscard]] std::optional<TlsAgreement> tls() const override {
    return TlsAgreement{"records", "not", "", ""};
  }
  void say_and_end(std::string_view) override {}
  [[nodiscard]] std::size_t unsent_bytes() const override {
    const Transport* below = below_ == nullptr ? detached_.get() : below_;
    return (output_ == nullptr ? 0 : output_->size()) + below->unsent_bytes();
  }
  void close(CloseReason reason) override {
    ending_ = true;
    release_output();
    below_->close(reason);
  }
  void close_after_flush(CloseReason reason, std::uint32_t linger_ms) override {
    if (ending_) return;
    seal_output();
    ending_ = true;
    below_->close_after_flush(reason, linger_ms);
  }

 private:
  Result<> join() override {
    auto attached = set().attach(std::move(detached_), *this);
    if (!attached) return tl::unexpected(attached.error());
    below_ = *attached;
    below_->pause();  // until set_reading(true)
    ending_at_peers_end_ = false;
    return {};
  }
  Result<> leave() override {
    auto detached = below_->detach();
    if (!detached) return tl::unexpected(detached.error());
    detached_ = std::move(*detached);
    below_ = nullptr;
    return {};
  }
  void set_reading(bool on) override { on ? below_->resume() : below_->pause(); }
  void flush() override {
    if (ending_) return;
    seal_output();
    if (ending_at_peers_end_) return below_->close_after_flush(CloseReason::kPeerClosed);
    if (unsent_limit_bytes_ != 0 && unsent_bytes() > unsent_limit_bytes_)
      close(CloseReason::kSlowReader);
  }
  void seal_output() {
    if (output_ == nullptr) return;
    seal(*output_, below_->output());
    release_output();
  }

  void on_data(Transport&, std::string_view bytes) override {
    std::string plain;
    if (!unseal(bytes, half_, plain)) return close(CloseReason::kProtocol);
    if (!plain.empty() && handler_ != nullptr) handler_->on_data(*this, plain);
  }
  std::uint32_t on_end(Transport&) override {
    const std::uint32_t patience_ms = handler_ == nullptr ? 0 : handler_->on_end(*this);
    if (patience_ms != 0) return patience_ms;
    // What this turn writes passes through here before the one below may close.
    ending_at_peers_end_ = true;
    mark_dirty();
    return kLingerMs;
  }
  void on_closed(Transport&, CloseReason reason) override {
    ending_ = true;
    release_output();
    if (handler_ != nullptr) handler_->on_closed(*this, reason);
    below_ = nullptr;
    destroy();
  }

  std::unique_ptr<Transport> detached_;
  Transport* below_ = nullptr;
  std::string half_;  // of a record
  bool ending_at_peers_end_ = false;
};

}  // namespace gatehouse::net
