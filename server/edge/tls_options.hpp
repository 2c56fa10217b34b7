// How the TLS of login's and gate's ports is configured: section `tls` and some of `limits`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gatehouse::edge {

struct CertificateFiles {
  std::string certificate_file;  // PEM, the intermediate ones behind it
  std::string key_file;
};

// Bounds of the work that handshakes are (configuration: limits.tls_...).
struct TlsHandshakeLimits {
  std::uint32_t per_s = 4'000;        // begun in the process, burst of one second; 0: no limit
  std::uint32_t threads = 1;          // 0: the worker of the connection does it itself
  std::uint32_t waiting_max = 4'096;  // for a thread
};

struct TlsOptions {
  // OpenSSL's names by preference: authenticated encryption and forward secrecy only, what RFC 9325
  // section 4.2 recommends; AES of 128 bits first, as it is the fastest.
  static constexpr const char* kCiphers =
      "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
      "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
      "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
      "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
  static constexpr std::uint32_t kTicketLifetimeSMax = 7 * 24 * 3'600;  // RFC 8446, 4.6.1

  std::vector<CertificateFiles> certificates;  // none: no TLS
  bool tls13_only = false;
  std::string ciphers = kCiphers;
  std::uint32_t ticket_lifetime_s = 7'200;  // 0: no session is resumed
  TlsHandshakeLimits handshakes;
};

}  // namespace gatehouse::edge
