// The keys of TLS session tickets (RFC 5077 section 4; RFC 8446 section 4.6.1): what a server
// gives to a client is sealed by the newest, and opened by it or the one before. Contexts share
// them, so that a ticket is good at every listener and after new certificates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/random.hpp"
#include "base/secret.hpp"

struct ssl_ctx_st;

namespace gatehouse::crypto {

// Any thread. Whoever owns them calls rotate() once each lifetime: then a ticket is good for as
// long as it says, and no key for longer than two of them.
class TlsTicketKeys {
 public:
  // `lifetime_s`: of a ticket, 1 s to 7 days. `random` outlives it, and the contexts that use it.
  TlsTicketKeys(std::uint32_t lifetime_s, Random& random);
  TlsTicketKeys(const TlsTicketKeys&) = delete;
  TlsTicketKeys& operator=(const TlsTicketKeys&) = delete;

  [[nodiscard]] std::uint32_t lifetime_s() const { return lifetime_s_; }
  // The next key seals from now on; the one before still opens, older ones do not.
  void rotate();

 private:
  friend struct TicketCallbacks;
  using Ring = std::array<Secret, 2>;

  [[nodiscard]] std::shared_ptr<const Ring> ring() const;

  const std::uint32_t lifetime_s_;
  Random& random_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Ring> ring_;  // the newest first; the other one may be empty
};

// The layer's own. Has a context give and take tickets by `keys`, which outlive it; its app data
// is set to them.
void use_tickets(ssl_ctx_st* context, TlsTicketKeys& keys);

}  // namespace gatehouse::crypto
