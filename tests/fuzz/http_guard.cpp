// The Host header of the ports without a login: only a loopback host is served, however it is
// written.
#include "base/http_guard.hpp"

#include "fuzz.hpp"

namespace gatehouse {

FUZZ_TARGET(http_guard) {
  fuzz::Input choices(input);
  const HttpEffect effect = choices.byte() % 2 == 0 ? HttpEffect::kReads : HttpEffect::kActs;
  HttpHead head;
  head.hosts.emplace_back(choices.line());
  if (judge_http(head, effect).status == 0) {
    const std::string& host = head.hosts.front();
    const std::size_t port = host.find_last_not_of("0123456789");
    const bool has_port = port != std::string::npos && host[port] == ':';
    std::string_view bare = has_port ? std::string_view(host).substr(0, port) : host;
    if (bare.starts_with('[') && bare.ends_with(']')) bare = bare.substr(1, bare.size() - 2);
    GATEHOUSE_ASSERT(is_loopback(bare));
  }
  head.fetch_sites.emplace_back(choices.line());
  if (head.fetch_sites.front() != "none") GATEHOUSE_ASSERT(judge_http(head, effect).status == 403);
  head.origins.emplace_back(choices.rest());
  GATEHOUSE_ASSERT(judge_http(head, effect).status == 403);
}

}  // namespace gatehouse
