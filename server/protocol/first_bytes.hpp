// What a client speaks, told by the first bytes that it sends (docs/protocol.md 1.5). TLS begins
// with a handshake record (RFC 8446 section 5.1: 0x16), an HTTP upgrade with `GET ` (RFC 6455
// section 4.1). Neither can begin a frame of the gate's handshake, whose length would be above
// every limit, nor a line of the login, which is base64 with `@`, `:` and `!`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/proxy_header.hpp"

namespace gatehouse::protocol {

enum class FirstBytes : std::uint8_t {
  kMore,  // too few to tell
  kTls,
  kHttp,
  kProxy,  // the header of a proxy
  kOther,  // a frame or a line, or nothing that anybody knows
};

inline constexpr char kTlsHandshakeRecord = 0x16;
inline constexpr std::string_view kHttpGet = "GET ";

// The first frame of a connection has to be shorter: what its length says is not taken for another
// beginning then.
inline constexpr std::size_t kToldFrameBytesMax = 0x0d09;
static_assert(kToldFrameBytesMax < (static_cast<unsigned>(kTlsHandshakeRecord) << 8));
static_assert(kToldFrameBytesMax < (static_cast<unsigned>(kHttpGet[0]) << 8));
static_assert(kToldFrameBytesMax < (static_cast<unsigned>(kProxyV1Signature[0]) << 8));
static_assert(kToldFrameBytesMax < (static_cast<unsigned>(kProxyV2Signature[0]) << 8 |
                                    static_cast<unsigned>(kProxyV2Signature[1])));

[[nodiscard]] inline FirstBytes judge_first_bytes(std::string_view bytes) {
  if (bytes.empty()) return FirstBytes::kMore;
  if (bytes.front() == kTlsHandshakeRecord) return FirstBytes::kTls;
  constexpr struct {
    std::string_view signature;
    FirstBytes what;
  } kKnown[] = {{kHttpGet, FirstBytes::kHttp},
                {kProxyV1Signature, FirstBytes::kProxy},
                {kProxyV2Signature, FirstBytes::kProxy}};
  for (const auto& known : kKnown) {
    const std::size_t size = std::min(bytes.size(), known.signature.size());
    if (bytes.substr(0, size) != known.signature.substr(0, size)) continue;
    return size == known.signature.size() ? known.what : FirstBytes::kMore;
  }
  return FirstBytes::kOther;
}

}  // namespace gatehouse::protocol
