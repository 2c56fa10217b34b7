#include "config/tls.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace gatehouse::config {
namespace {

void read_file_name(ConfigReader& reader, const char* key, std::string& file) {
  reader.read(key, file);
  if (file.empty()) reader.reject(key, "names no file");
}

}  // namespace

void read_tls(ConfigReader& reader, edge::TlsOptions& options) {
  reader.each("certificates", [&options](ConfigReader& entry) {
    edge::CertificateFiles files;
    read_file_name(entry, "certificate_file", files.certificate_file);
    read_file_name(entry, "key_file", files.key_file);
    options.certificates.push_back(std::move(files));
  });
  std::size_t version = 0;
  reader.read_choice("min_version", {"1.2", "1.3"}, version);
  options.tls13_only = version == 1;
  reader.read("ciphers", options.ciphers);
  if (options.ciphers.empty()) reader.reject("ciphers", "names none");
  reader.read("ticket_lifetime_s", options.ticket_lifetime_s, 0,
              edge::TlsOptions::kTicketLifetimeSMax);
}

void read_tls_limits(ConfigReader& reader, edge::TlsHandshakeLimits& limits) {
  reader.read("tls_handshakes_per_s", limits.per_s);
  reader.read("tls_handshakes_waiting_max", limits.waiting_max, 1, 1'000'000);
  reader.read("tls_handshake_threads", limits.threads, 0, 256);
}

std::string describe_tls(const edge::TlsOptions& options) {
  const std::size_t count = options.certificates.size();
  return fmt::format("tls: {} {}, {}, {}\n", count, count == 1 ? "certificate" : "certificates",
                     options.tls13_only ? "TLS 1.3" : "TLS 1.2 and 1.3",
                     options.ticket_lifetime_s == 0
                         ? "no session is resumed"
                         : fmt::format("sessions are resumed for {} s", options.ticket_lifetime_s));
}

}  // namespace gatehouse::config
