// A transport over another one, as small as one can be: it makes records of what is written, a head
// of two bytes and the bytes with the first one turned over, and waits for whole records. Two heads
// are words of its own: kHello opens a connection, if it is made to wait for that, and kEnd ends a
// direction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.hpp"
#include "edge/layer_transport.hpp"

namespace gatehouse::edge {

class RecordLayer final : public LayerTransport {
 public:
  static constexpr std::string_view kHello = "\xff\xfe";
  static constexpr std::string_view kEnd = "\xff\xff";
  static constexpr std::size_t kPartBytes = 16'000;
  enum class Opening { kNone, kHello };

  // Over a detached transport, or over an attached one.
  template <class Below>
  explicit RecordLayer(Below&& below, Opening opening = Opening::kNone)
      : LayerTransport(net::TransportKind::kTls, std::forward<Below>(below)) {
    if (opening == Opening::kNone) become_ready();
  }

  static void seal(std::string_view plain, std::string& wire) {
    while (!plain.empty()) {
      const std::string_view part = plain.substr(0, kPartBytes);
      plain.remove_prefix(part.size());
      char head[2];
      store_be16(head, static_cast<std::uint16_t>(part.size()));
      wire.append(head, 2);
      wire.append(part);
      turn(wire[wire.size() - part.size()]);
    }
  }
  static std::string sealed(std::string_view plain) {
    std::string wire;
    seal(plain, wire);
    return wire;
  }
  // Takes whole records from the front of `half`; stops behind one that is a word of its own, and
  // returns that head; 0: all was taken.
  static std::size_t unseal(std::string_view wire, std::string& half, std::string& plain) {
    half += wire;
    std::size_t at = 0;
    std::size_t word = 0;
    while (word == 0 && half.size() - at >= 2) {
      const std::size_t size = load_be16(half.data() + at);
      if (size == 0 || size > kPartBytes) {
        word = size == 0 ? kBroken : size;
        at += 2;
        break;
      }
      if (half.size() - at - 2 < size) break;
      plain.append(half, at + 2, size);
      turn(plain[plain.size() - size]);
      at += 2 + size;
    }
    half.erase(0, at);
    return word;
  }

  [[nodiscard]] std::optional<net::TlsAgreement> tls() const override {
    return net::TlsAgreement{"records", "not", "", ""};
  }

 private:
  static constexpr std::size_t kBroken = 0xfffd;

  static void turn(char& byte) { byte = static_cast<char>(~byte); }

  void decode(std::string_view received, std::string& plain) override {
    while (const std::size_t word = unseal(std::exchange(received, {}), half_, plain)) {
      if (word == load_be16(kHello.data()) && !ready()) {
        wire() += kHello;
        become_ready();
      } else if (word == load_be16(kEnd.data()) && ready()) {
        return peer_ends();
      } else {
        wire() += "?";
        return refuse(net::CloseReason::kProtocol);
      }
    }
  }
  void encode(std::string_view plain, std::string& wire) override { seal(plain, wire); }
  void encode_end(std::string& wire, net::CloseReason) override {
    if (ready()) wire += kEnd;
  }

  std::string half_;  // of a record
};

}  // namespace gatehouse::edge
