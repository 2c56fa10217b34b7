// What TLS costs at the least: a loop of SSL_accept on blocking sockets, one connection after the
// other, each read until the client ends it. Tickets as OpenSSL gives them.
//   raw_tls CERTIFICATE KEY
// Prints its port, serves until it is ended.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace {

int fail(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  ERR_print_errors_fp(stderr);
  return 1;
}

void serve(SSL_CTX* context, int client) {
  const int on = 1;
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, client);
  if (SSL_accept(ssl) == 1) {
    char bytes[1024];
    while (SSL_read(ssl, bytes, sizeof bytes) > 0) {
    }
    SSL_shutdown(ssl);
  }
  ERR_clear_error();
  SSL_free(ssl);
  ::close(client);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  if (argc != 3 || SSL_CTX_use_certificate_chain_file(context, argv[1]) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, argv[2], SSL_FILETYPE_PEM) != 1) {
    return fail("raw_tls CERTIFICATE KEY");
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets, no memory of sessions
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const bound = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, bound, size) != 0 || ::listen(listener, 4096) != 0 ||
      getsockname(listener, bound, &size) != 0) {
    return fail("no port");
  }
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  for (int client; (client = ::accept(listener, nullptr, nullptr)) >= 0;) serve(context, client);
  return fail("accept");
}
