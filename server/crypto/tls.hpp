// TLS 1.2 and 1.3 (RFC 5246, RFC 8446) without I/O, on OpenSSL: bytes in, bytes out. No
// compression, no renegotiation, no early data, no client certificates; sessions are resumed by
// servers that have keys for tickets.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "crypto/tls_tickets.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace gatehouse::crypto {

// What a certificate says of itself.
struct TlsCertificate {
  std::string name;               // the first it is for
  std::int64_t not_before_s = 0;  // unix time
  std::int64_t not_after_s = 0;
};

// What sessions have in common: certificates, whom to trust, what to offer. One thread sets it
// up; then any thread may make sessions of it, which keep it alive. New certificates are a new
// context: sessions that run keep the old one.
//
// What cannot be read or is refused by OpenSSL is kInvalid, a file that cannot be read kIo.
class TlsContext {
 public:
  // Without a certificate; clients verify, and trust nobody yet.
  [[nodiscard]] static Result<std::shared_ptr<TlsContext>> make();
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // --- Servers ---
  // A certificate, the intermediate ones behind it, and its key, in PEM. A client gets the first
  // one that is for the name it asks for (SNI, RFC 6066 section 3), otherwise the first of all; of
  // several for one name with keys of different kinds (ECDSA, RSA) one that it can verify. An
  // encrypted key is refused: nobody is asked for a password.
  [[nodiscard]] Result<> add_certificate(std::string_view chain_pem, const Secret& key_pem);
  [[nodiscard]] Result<> load_certificate(const std::string& chain_file,
                                          const std::string& key_file);
  // All but the one that was added last.
  void forget_older_certificates();
  [[nodiscard]] bool has_certificate() const { return !certificates_.empty(); }
  // In the order in which they were added.
  [[nodiscard]] std::vector<TlsCertificate> certificates() const;
  // Clients get tickets and may resume their sessions. Without, none is resumed.
  void set_ticket_keys(std::shared_ptr<TlsTicketKeys> keys);

  // --- Clients ---
  // Whom to trust: the certificates of a PEM text or file; where OpenSSL looks by default
  // (also SSL_CERT_FILE and SSL_CERT_DIR). Each adds to the others.
  [[nodiscard]] Result<> trust_pem(std::string_view pem);
  [[nodiscard]] Result<> trust_file(const std::string& file);
  [[nodiscard]] Result<> trust_system();
  // False: any certificate for any name will do, which keeps nobody out who is in between.
  void set_verify(bool verify) { verify_ = verify; }
  [[nodiscard]] bool verifies() const { return verify_; }

  // --- Both ---
  void require_tls13();
  // OpenSSL's list, divided by colons; names that begin with TLS_ are suites of TLS 1.3.
  [[nodiscard]] Result<> set_ciphers(const std::string& list);
  // Protocols by preference (RFC 7301): what a client offers; what a server takes. A server with
  // a list refuses clients that offer none of it.
  [[nodiscard]] Result<> set_alpn(const std::vector<std::string>& protocols);

 private:
  friend class TlsSession;
  friend struct TlsCallbacks;
  struct Certificate;

  explicit TlsContext(ssl_ctx_st* context);
  // Has the session show what is for the name; false: OpenSSL refuses.
  [[nodiscard]] bool use_certificates_for(const char* server_name, ssl_st* ssl) const;

  ssl_ctx_st* context_;
  std::vector<std::unique_ptr<Certificate>> certificates_;
  std::shared_ptr<TlsTicketKeys> ticket_keys_;
  std::string alpn_;  // as on the wire: length, name, length, name
  bool verify_ = true;
};

// One connection. It holds no bytes but the record that has not come whole: what goes in comes
// out in the same call. Idle it costs what OpenSSL 3.0 needs without record buffers: 14 KiB.
//
// Invariant: after an error nothing goes in any more, and only an alert may have come out.
class TlsSession {
 public:
  // A client that expects `host`, a name or an IP address; kInvalid when the context verifies
  // and there is none. feed("") gives its first bytes.
  [[nodiscard]] static Result<TlsSession> client(std::shared_ptr<const TlsContext> context,
                                                 std::string_view host);
  // kInvalid when the context has no certificate.
  [[nodiscard]] static Result<TlsSession> server(std::shared_ptr<const TlsContext> context);
  ~TlsSession();
  TlsSession(TlsSession&& other) noexcept;
  TlsSession& operator=(TlsSession&&) = delete;

  // Takes what the peer sent, in any parts: appends what it said to `plain`, and what must be
  // sent to it to `wire`, also with an error, which ends the session. kDenied: its certificate
  // is refused, and why; kClosed: it refuses us; kCorrupt: this is no TLS that can be spoken.
  [[nodiscard]] Result<> feed(std::string_view received, std::string& plain, std::string& wire);
  // Appends `plain` to `wire`, encrypted. kInvalid before the handshake is over, kClosed after
  // close() or an error.
  [[nodiscard]] Result<> write(std::string_view plain, std::string& wire);
  // Says that nothing more will be written (close_notify), once. What comes can still be read.
  void close(std::string& wire);
  // The transport has ended. kClosed when the peer did not say so before: the end is missing, and
  // somebody in between may have cut it off.
  [[nodiscard]] Result<> end() const;

  [[nodiscard]] bool finished() const { return finished_; }  // the handshake is over
  [[nodiscard]] bool ended() const { return ended_; }        // the peer said that it is done
  [[nodiscard]] bool failed() const { return failed_; }      // feed() or write() gave an error

  // After the handshake: whether it goes on with an older session; "TLSv1.3"; a cipher's name; the
  // protocol that both know, or ""; the name that the client asked for, or "".
  [[nodiscard]] bool resumed() const;
  [[nodiscard]] std::string_view version() const;
  [[nodiscard]] std::string_view cipher() const;
  [[nodiscard]] std::string_view alpn() const;
  [[nodiscard]] std::string_view server_name() const;

 private:
  TlsSession(std::shared_ptr<const TlsContext> context, ssl_st* ssl);
  [[nodiscard]] static Result<TlsSession> make(std::shared_ptr<const TlsContext> context);
  [[nodiscard]] Result<> shake_hands();
  [[nodiscard]] Result<> read_all(std::string& plain);
  [[nodiscard]] tl::unexpected<Error> fail_with_reason();

  std::shared_ptr<const TlsContext> context_;
  ssl_st* ssl_;
  bool finished_ = false;
  bool ended_ = false;
  bool closed_ = false;
  bool failed_ = false;
};

}  // namespace gatehouse::crypto
