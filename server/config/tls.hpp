// The section `tls`, and the limits of its handshakes.
#pragma once

#include <string>

#include "config/reader.hpp"
#include "edge/tls_options.hpp"

namespace gatehouse::config {

// Names and numbers only: the files are for edge::Certificates to judge.
void read_tls(ConfigReader& reader, edge::TlsOptions& options);
void read_tls_limits(ConfigReader& reader, edge::TlsHandshakeLimits& limits);
// The line of `check`.
[[nodiscard]] std::string describe_tls(const edge::TlsOptions& options);

}  // namespace gatehouse::config
