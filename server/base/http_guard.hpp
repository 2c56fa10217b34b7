// Which HTTP requests a port without a user's login serves: those of programs on this machine, and
// of nobody's web page. The admin port and the debug console ask here.
//
// A page reaches the loopback through the browser of whoever looks at it, in three ways, each of
// which it cannot hide: a request across origins carries Origin, Referer or Sec-Fetch-* (Fetch
// standard, W3C Fetch Metadata), `no-cors` and forms included; a host name of its own that it binds
// to 127.0.0.1 (DNS rebinding) stands in Host. A request of HTTP/1.1 names one host (RFC 9112,
// section 3.2); one of HTTP/1.0, which no browser sends, may name none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

// True for numeric loopback addresses and "localhost".
[[nodiscard]] bool is_loopback(std::string_view host);

struct HttpHead {
  bool version_1_0 = false;
  std::vector<std::string> hosts = {};    // a Host header each
  std::vector<std::string> origins = {};  // an Origin header each, empty ones too
  std::vector<std::string> referers = {};
  std::vector<std::string> fetch_sites = {};  // Sec-Fetch-Site
};

enum class HttpEffect {
  kReads,  // nothing but the answer: what somebody types into a browser himself is served
  kActs,
};

struct HttpRefusal {
  int status = 0;  // 0: it may be served
  std::string_view why;
};
[[nodiscard]] HttpRefusal judge_http(const HttpHead& head, HttpEffect effect);

}  // namespace gatehouse
