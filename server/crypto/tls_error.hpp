// The layer's own: reasons out of OpenSSL's queue of errors, which each thread has one of.
#pragma once

#include <string>

namespace gatehouse::crypto {

// The first error of libssl in the queue, or else the first of all; the queue is empty then.
// 0 when it was empty before.
[[nodiscard]] unsigned long take_tls_error();
// The text of an error's reason, such as "wrong version number"; OpenSSL's, without secrets.
[[nodiscard]] std::string tls_reason(unsigned long error);
[[nodiscard]] inline std::string take_tls_reason() {
  return tls_reason(take_tls_error());
}

}  // namespace gatehouse::crypto
