// The part of a channel that is TLS, by OpenSSL on the socket itself.
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "channel.hpp"

namespace gatehouse::bench {

Shared::Shared(const std::string& version, bool resume)
    : context_(SSL_CTX_new(TLS_client_method())), resume_(resume) {
  if (context_ == nullptr) throw std::runtime_error("OpenSSL has no TLS");
  if (!version.empty()) {
    const int number = version == "1.2" ? TLS1_2_VERSION : TLS1_3_VERSION;
    SSL_CTX_set_min_proto_version(context_, number);
    SSL_CTX_set_max_proto_version(context_, number);
  }
  SSL_CTX_set_verify(context_, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context_, 1);  // one system call for many records
  SSL_CTX_set_session_cache_mode(context_,
                                 SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  if (!resume_) return;
  SSL_CTX_sess_set_new_cb(context_, [](SSL* ssl, SSL_SESSION* session) {
    static_cast<Channel*>(SSL_get_app_data(ssl))->session_.reset(session);
    return 1;  // it is the channel's now
  });
}

Shared::~Shared() {
  SSL_CTX_free(context_);
}

void Channel::FreeSsl::operator()(ssl_st* ssl) const {
  // A session of a connection that ended without this cannot be resumed.
  SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl);
}

void Channel::FreeSession::operator()(ssl_session_st* session) const {
  SSL_SESSION_free(session);
}

bool Channel::begin_tls() {
  tls_.reset(SSL_new(shared_.context_));
  if (!tls_ || SSL_set_fd(tls_.get(), descriptor_) != 1) return fail_tls("TLS");
  SSL_set_app_data(tls_.get(), this);
  if (session_) SSL_set_session(tls_.get(), session_.get());
  SSL_set_connect_state(tls_.get());
  step_ = Step::kHandshake;
  return true;
}

// The few kilobytes of a handshake always have room in the socket.
bool Channel::shake_hands() {
  ERR_clear_error();
  const int status = SSL_do_handshake(tls_.get());
  if (status != 1) {
    return SSL_get_error(tls_.get(), status) == SSL_ERROR_WANT_READ || fail_tls("TLS handshake");
  }
  is_resumed_ = SSL_session_reused(tls_.get()) == 1;
  if (target_.is_websocket) return begin_upgrade();
  step_ = Step::kOpen;
  return true;
}

std::ptrdiff_t Channel::receive_tls(char* to, std::size_t room) {
  std::size_t total = 0;
  ERR_clear_error();
  while (total < room) {
    std::size_t size = 0;
    if (SSL_read_ex(tls_.get(), to + total, room - total, &size) != 1) {
      const int why = SSL_get_error(tls_.get(), 0);
      if (why == SSL_ERROR_WANT_READ) break;
      if (total > 0) {  // what came first; the end comes again
        has_more_ = true;
        return static_cast<std::ptrdiff_t>(total);
      }
      if (why != SSL_ERROR_ZERO_RETURN) {
        const char* reason = ERR_reason_error_string(ERR_peek_error());
        error_ = fmt::format("TLS: {}", reason != nullptr ? reason : "the end is missing");
      }
      return -1;
    }
    total += size;
    if (SSL_has_pending(tls_.get()) == 0) break;
  }
  has_more_ = total == room;
  return static_cast<std::ptrdiff_t>(total);
}

bool Channel::send_all(std::string_view bytes) {
  bool is_sent = false;
  if (tls_) {
    std::size_t size = 0;
    ERR_clear_error();
    is_sent = bytes.empty() || SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &size) == 1;
  } else {
    is_sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(bytes.size());
  }
  return is_sent || fail("the server does not take what was sent");
}

void Channel::end() {
  is_ending_ = true;
  if (tls_) SSL_shutdown(tls_.get());
  ::shutdown(descriptor_, SHUT_WR);
}

bool Channel::fail_tls(const char* what) {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  return fail(fmt::format("{}: {}", what, reason != nullptr ? reason : "closed by the server"));
}

}  // namespace gatehouse::bench
