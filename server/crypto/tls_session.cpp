#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.hpp"
#include "crypto/tls.hpp"
#include "crypto/tls_error.hpp"

namespace gatehouse::crypto {

namespace {

constexpr std::size_t kRecordBytesMax = 16384;  // of plaintext, RFC 8446 section 5.1

// What a session reads and writes during one call: OpenSSL's side of the caller's bytes, so that
// they are copied once, into a record or out of one.
struct Transport {
  std::string_view in;
  std::string& out;
};

int bio_read(BIO* bio, char* data, std::size_t size, std::size_t* taken) {
  auto* transport = static_cast<Transport*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  *taken = std::min(size, transport->in.size());
  if (*taken == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(data, transport->in.data(), *taken);
  transport->in.remove_prefix(*taken);
  return 1;
}

int bio_write(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
  static_cast<Transport*>(BIO_get_data(bio))->out.append(data, size);
  *written = size;
  return 1;
}

long bio_ctrl(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gatehouse");
  GATEHOUSE_ASSERT(method != nullptr && BIO_meth_set_read_ex(method, bio_read) == 1 &&
                   BIO_meth_set_write_ex(method, bio_write) == 1 &&
                   BIO_meth_set_ctrl(method, bio_ctrl) == 1);
  return method;
}

// Never freed, as what evp.cpp keeps.
const BIO_METHOD* transport_method() {
  static const BIO_METHOD* const method = make_method();
  return method;
}

// Lends the caller's bytes to a session.
class Lent {
 public:
  Lent(SSL* ssl, std::string_view in, std::string& out)
      : transport_{in, out}, bio_(SSL_get_rbio(ssl)) {
    BIO_set_data(bio_, &transport_);
    ERR_clear_error();
  }
  ~Lent() { BIO_set_data(bio_, nullptr); }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;

 private:
  Transport transport_;
  BIO* bio_;
};

bool set_expected_host(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1) return true;
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

}  // namespace

unsigned long take_tls_error() {
  unsigned long first = 0;
  while (const unsigned long next = ERR_get_error()) {
    const bool better =
        first == 0 || (ERR_GET_LIB(first) != ERR_LIB_SSL && ERR_GET_LIB(next) == ERR_LIB_SSL);
    if (better) first = next;
  }
  return first;
}

std::string tls_reason(unsigned long error) {
  const char* text = ERR_reason_error_string(error);
  return text != nullptr ? text : "error " + std::to_string(ERR_GET_REASON(error));
}

TlsSession::TlsSession(std::shared_ptr<const TlsContext> context, ssl_st* ssl)
    : context_(std::move(context)), ssl_(ssl) {}

TlsSession::~TlsSession() {
  SSL_free(ssl_);
}

TlsSession::TlsSession(TlsSession&& other) noexcept
    : context_(std::move(other.context_)),
      ssl_(std::exchange(other.ssl_, nullptr)),
      finished_(other.finished_),
      ended_(other.ended_),
      closed_(other.closed_),
      failed_(other.failed_) {}

Result<TlsSession> TlsSession::make(std::shared_ptr<const TlsContext> context) {
  ERR_clear_error();
  SSL* ssl = SSL_new(context->context_);
  BIO* bio = ssl != nullptr ? BIO_new(transport_method()) : nullptr;
  TlsSession session(std::move(context), ssl);
  if (bio == nullptr) return fail(Errc::kIo, "no TLS session: " + take_tls_reason());
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  return session;
}

Result<TlsSession> TlsSession::client(std::shared_ptr<const TlsContext> context,
                                      std::string_view host) {
  const bool verify = context->verifies();
  // The dot that ends a name is no part of what certificates and SNI say (RFC 6066 section 3).
  if (host.ends_with('.')) host.remove_suffix(1);
  if (verify && host.empty()) {
    return fail(Errc::kInvalid, "a client that verifies needs the name of its server");
  }
  auto session = make(std::move(context));
  if (!session) return session;
  SSL_set_connect_state(session->ssl_);
  SSL_set_verify(session->ssl_, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (host.find('\0') != std::string_view::npos ||
      (!host.empty() && !set_expected_host(session->ssl_, std::string(host)))) {
    return fail(Errc::kInvalid, "not the name of a server");
  }
  return session;
}

Result<TlsSession> TlsSession::server(std::shared_ptr<const TlsContext> context) {
  if (!context->has_certificate()) return fail(Errc::kInvalid, "a server needs a certificate");
  auto session = make(std::move(context));
  if (session) SSL_set_accept_state(session->ssl_);
  return session;
}

tl::unexpected<Error> TlsSession::fail_with_reason() {
  failed_ = true;
  const unsigned long error = take_tls_error();
  const int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    const char* why = X509_verify_cert_error_string(SSL_get_verify_result(ssl_));
    return fail(Errc::kDenied, std::string("tls: the certificate is refused: ") + why);
  }
  if (reason >= SSL_AD_REASON_OFFSET) {
    return fail(Errc::kClosed, "tls: the peer refuses: " + tls_reason(error));
  }
  return fail(Errc::kCorrupt, "tls: " + tls_reason(error));
}

Result<> TlsSession::shake_hands() {
  const int done = SSL_do_handshake(ssl_);
  if (done == 1) {
    finished_ = true;
    return {};
  }
  if (SSL_get_error(ssl_, done) == SSL_ERROR_WANT_READ) return {};
  return fail_with_reason();
}

Result<> TlsSession::read_all(std::string& plain) {
  thread_local char buffer[kRecordBytesMax];
  while (true) {
    std::size_t size = 0;
    const int done = SSL_read_ex(ssl_, buffer, sizeof buffer, &size);
    if (done == 1) {
      plain.append(buffer, size);
      continue;
    }
    switch (SSL_get_error(ssl_, done)) {
      case SSL_ERROR_WANT_READ:
        return {};
      case SSL_ERROR_ZERO_RETURN:
        ended_ = true;
        return {};
      default:
        return fail_with_reason();
    }
  }
}

Result<> TlsSession::feed(std::string_view received, std::string& plain, std::string& wire) {
  if (failed_) return fail(Errc::kClosed, "tls: the session has failed");
  if (ended_) return {};  // nothing counts behind the end (RFC 8446 section 6.1)
  const Lent lent(ssl_, received, wire);
  if (!finished_) {
    const auto shaken = shake_hands();
    if (!shaken || !finished_) return shaken;
  }
  return read_all(plain);
}

Result<> TlsSession::write(std::string_view plain, std::string& wire) {
  if (failed_ || closed_) return fail(Errc::kClosed, "tls: the session has ended");
  if (!finished_) return fail(Errc::kInvalid, "tls: the handshake is not over");
  if (plain.empty()) return {};
  const Lent lent(ssl_, {}, wire);
  std::size_t written = 0;
  if (SSL_write_ex(ssl_, plain.data(), plain.size(), &written) != 1) return fail_with_reason();
  GATEHOUSE_ASSERT(written == plain.size());
  return {};
}

void TlsSession::close(std::string& wire) {
  if (!finished_ || failed_ || closed_) return;
  closed_ = true;
  const Lent lent(ssl_, {}, wire);
  // Whether the peer has said the same is for ended() to tell.
  static_cast<void>(SSL_shutdown(ssl_));
}

Result<> TlsSession::end() const {
  if (ended_) return {};
  if (!finished_) return fail(Errc::kClosed, "tls: the connection ends in the handshake");
  return fail(Errc::kClosed, "tls: the connection is cut off");
}

bool TlsSession::resumed() const {
  return SSL_session_reused(ssl_) == 1;
}

std::string_view TlsSession::version() const {
  return SSL_get_version(ssl_);
}

std::string_view TlsSession::cipher() const {
  const char* name = SSL_get_cipher_name(ssl_);
  return name != nullptr ? name : "";
}

std::string_view TlsSession::alpn() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string_view TlsSession::server_name() const {
  const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

}  // namespace gatehouse::crypto
