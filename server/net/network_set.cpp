#include "net/network_set.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

namespace gatehouse::net {
namespace {

constexpr unsigned kMappedBits = 96;  // of an IPv4-mapped IPv6 address before the IPv4 ones
constexpr unsigned kBits = 128;
constexpr unsigned kSubscriberBitsV6 = 64;

tl::unexpected<Error> invalid(std::string_view text) {
  return fail(Errc::kInvalid, fmt::format("\"{}\" is no address and no network", text));
}

}  // namespace

NetworkBytes network_bytes(const Address& address, unsigned bits) {
  NetworkBytes bytes = address.bytes();
  for (unsigned i = 0; i < bytes.size(); ++i) {
    const unsigned kept = bits <= i * 8 ? 0 : std::min(bits - i * 8, 8u);
    bytes[i] &= static_cast<unsigned char>(0xff00u >> kept);
  }
  return bytes;
}

NetworkBytes subscriber_bytes(const Address& address) {
  return network_bytes(address, address.is_v6() ? kSubscriberBitsV6 : kBits);
}

std::string subscriber_text(const Address& address) {
  if (!address.is_v6()) return address.ip();
  const auto bytes = subscriber_bytes(address);
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  return fmt::format("{}/{}", text, kSubscriberBitsV6);
}

std::size_t NetworkBytesHash::operator()(const NetworkBytes& bytes) const noexcept {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<> NetworkSet::add(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = Address::from(std::string(text.substr(0, slash)), 0);
  if (!address) return invalid(text);
  unsigned bits = kBits;
  if (slash != std::string_view::npos) {
    // An IPv4-mapped network is written by its IPv6 bits.
    const bool dotted = text.find(':') == std::string_view::npos;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, bits);
    if (error != std::errc() || stop != end || bits > (dotted ? kBits - kMappedBits : kBits))
      return invalid(text);
    if (dotted) bits += kMappedBits;
  }
  if (!address->is_v6() && bits < kMappedBits)
    return fail(Errc::kInvalid, fmt::format("\"{}\" may mean IPv4 or IPv6: write an IPv4 network "
                                            "with dots alone",
                                            text));
  (address->is_v6() ? v6_ : v4_)[bits].insert(network_bytes(*address, bits));
  return {};
}

bool NetworkSet::contains(const Address& address) const {
  if (!address.known()) return false;
  for (const auto& [bits, networks] : address.is_v6() ? v6_ : v4_) {
    if (networks.contains(network_bytes(address, bits))) return true;
  }
  return false;
}

}  // namespace gatehouse::net
