#include "base/http_guard.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

namespace gatehouse {
namespace {

// The host of a Host header, without port and brackets; nothing when it is none.
std::optional<std::string_view> host_of(std::string_view header) {
  std::string_view host, rest;
  if (header.starts_with('[')) {
    const std::size_t end = header.find(']');
    if (end == header.npos) return std::nullopt;
    host = header.substr(1, end - 1);
    rest = header.substr(end + 1);
  } else {
    const std::size_t end = std::min(header.find(':'), header.size());
    host = header.substr(0, end);
    rest = header.substr(end);
  }
  const bool port = rest.empty() || (rest[0] == ':' && rest.find_first_not_of("0123456789", 1) ==
                                                           std::string_view::npos);
  if (host.empty() || !port) return std::nullopt;
  return host;
}

}  // namespace

bool is_loopback(std::string_view host) {
  if (host == "localhost") return true;
  const std::string text(host);
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, text.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

HttpRefusal judge_http(const HttpHead& head, HttpEffect effect) {
  const auto typed = [](const std::string& site) { return site == "none"; };
  const bool by_hand = effect == HttpEffect::kReads && std::ranges::all_of(head.fetch_sites, typed);
  if (!head.origins.empty() || !head.referers.empty() || (!head.fetch_sites.empty() && !by_hand)) {
    return {403, "not for web pages"};
  }
  if (head.hosts.empty() && head.version_1_0) return {};
  if (head.hosts.size() != 1) return {400, "a request names one host"};
  const auto host = host_of(head.hosts[0]);
  if (!host || !is_loopback(*host)) return {403, "only by a loopback address"};
  return {};
}

}  // namespace gatehouse
