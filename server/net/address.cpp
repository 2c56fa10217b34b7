#include "net/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>

namespace gatehouse::net {
namespace {

constexpr std::array<unsigned char, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::string join(std::string_view host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string_view::npos;
  return v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const auto invalid = [text](std::string_view why) {
    return fail(Errc::kInvalid, fmt::format("bad address \"{}\": {}", text, why));
  };
  std::string_view host;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return invalid("no closing bracket");
    host = text.substr(1, end - 1);
    if (!Address::from(std::string(host), 0).map(&Address::is_v6).value_or(false)) {
      return invalid("not an IPv6 address in brackets");
    }
    if (end + 1 >= text.size() || text[end + 1] != ':') return invalid("no port");
    port = text.substr(end + 2);
  } else {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return invalid("no port");
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.find(':') != std::string_view::npos) return invalid("IPv6 needs brackets");
  }
  if (host.empty()) return invalid("no host");
  for (const char c : host) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return invalid("blank in the host");
  }
  std::uint16_t number = 0;
  const auto [rest, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || rest != port.data() + port.size()) {
    return invalid("the port is not a number from 0 to 65535");
  }
  return Endpoint{std::string(host), number};
}

std::string Endpoint::to_string() const {
  return host.starts_with("unix:") ? host : join(host, port);
}

Address Address::from(const sockaddr& address) {
  Address result;
  if (address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    std::memcpy(result.bytes_.data(), kMappedPrefix.data(), kMappedPrefix.size());
    std::memcpy(result.bytes_.data() + 12, &v4.sin_addr, 4);
    result.port_ = ntohs(v4.sin_port);
    result.family_ = Family::kV4;
  } else if (address.sa_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    std::memcpy(result.bytes_.data(), &v6.sin6_addr, 16);
    result.port_ = ntohs(v6.sin6_port);
    const bool mapped =
        std::memcmp(result.bytes_.data(), kMappedPrefix.data(), kMappedPrefix.size()) == 0;
    result.family_ = mapped ? Family::kV4 : Family::kV6;
  }
  return result;
}

Address Address::v4(const std::array<unsigned char, 4>& ip, std::uint16_t port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  std::memcpy(&v4.sin_addr, ip.data(), ip.size());
  return from(reinterpret_cast<const sockaddr&>(v4));
}

Address Address::v6(const std::array<unsigned char, 16>& ip, std::uint16_t port) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  std::memcpy(&v6.sin6_addr, ip.data(), ip.size());
  return from(reinterpret_cast<const sockaddr&>(v6));
}

Result<Address> Address::from(const std::string& ip, std::uint16_t port) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  // inet_pton() would not look behind a NUL.
  if (ip.find('\0') != std::string::npos)
    return fail(Errc::kInvalid, "an address with a NUL byte is none");
  if (inet_pton(AF_INET, ip.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return from(reinterpret_cast<const sockaddr&>(v4));
  }
  if (inet_pton(AF_INET6, ip.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    return from(reinterpret_cast<const sockaddr&>(v6));
  }
  return fail(Errc::kInvalid, fmt::format("\"{}\" is not a numeric address", ip));
}

std::string Address::ip() const {
  if (!known()) return {};
  char text[INET6_ADDRSTRLEN] = "";
  if (is_v6()) {
    inet_ntop(AF_INET6, bytes_.data(), text, sizeof text);
  } else {
    inet_ntop(AF_INET, bytes_.data() + 12, text, sizeof text);
  }
  return text;
}

std::string Address::to_string() const {
  return known() ? join(ip(), port_) : std::string();
}

std::uint32_t Address::to_sockaddr(sockaddr_storage& out) const {
  std::memset(&out, 0, sizeof out);
  if (family_ == Family::kV4) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(out);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port_);
    std::memcpy(&v4.sin_addr, bytes_.data() + 12, 4);
    return sizeof v4;
  }
  if (family_ == Family::kV6) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port_);
    std::memcpy(&v6.sin6_addr, bytes_.data(), 16);
    return sizeof v6;
  }
  return 0;
}

}  // namespace gatehouse::net
