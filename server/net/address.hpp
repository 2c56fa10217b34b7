// Where connections come from and go to: "host:port" as configurations write it, and the
// numeric address of a peer. Values, no I/O.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct sockaddr;
struct sockaddr_storage;

namespace gatehouse::net {

// A host, by name or by number, and a port.
struct Endpoint {
  std::string host;  // without brackets
  std::uint16_t port = 0;

  // Reads "127.0.0.1:8001", "[::1]:8001" and "name:8001"; kInvalid for anything else.
  [[nodiscard]] static Result<Endpoint> parse(std::string_view text);
  // The form parse() reads. A host "unix:PATH" (net/unix_socket.hpp) stands for itself.
  [[nodiscard]] std::string to_string() const;
  bool operator==(const Endpoint&) const = default;
};

// A numeric IP address and port in 20 bytes. An IPv4-mapped IPv6 address counts as IPv4.
class Address {
 public:
  Address() = default;  // the unknown address: empty text
  // Unknown when the family is neither IPv4 nor IPv6.
  [[nodiscard]] static Address from(const sockaddr& address);
  // As on the wire.
  [[nodiscard]] static Address v4(const std::array<unsigned char, 4>& ip, std::uint16_t port);
  [[nodiscard]] static Address v6(const std::array<unsigned char, 16>& ip, std::uint16_t port);
  // kInvalid when `ip` is not a numeric IPv4 or IPv6 address.
  [[nodiscard]] static Result<Address> from(const std::string& ip, std::uint16_t port);

  [[nodiscard]] bool known() const { return family_ != Family::kNone; }
  [[nodiscard]] bool is_v6() const { return family_ == Family::kV6; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  // "127.0.0.1", "::1".
  [[nodiscard]] std::string ip() const;
  // "127.0.0.1:8001", "[::1]:8001".
  [[nodiscard]] std::string to_string() const;
  // The address as IPv6, IPv4 mapped into it: a key for limits per address.
  [[nodiscard]] const std::array<unsigned char, 16>& bytes() const { return bytes_; }
  // Fills `out` for the operating system and returns the length; 0 for the unknown address.
  [[nodiscard]] std::uint32_t to_sockaddr(sockaddr_storage& out) const;
  bool operator==(const Address&) const = default;

 private:
  enum class Family : std::uint8_t { kNone, kV4, kV6 };
  std::array<unsigned char, 16> bytes_{};
  std::uint16_t port_ = 0;
  Family family_ = Family::kNone;
};

}  // namespace gatehouse::net
