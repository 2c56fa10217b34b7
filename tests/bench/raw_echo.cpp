// What the machine can do at most: an echo server of libuv and nothing else, one thread, one
// write for each read. Prints its port, serves until it is ended.
#include <uv.h>

#include <cstdio>
#include <cstdlib>

namespace {

char read_buffer[65'536];

struct Client {
  uv_tcp_t tcp;
};

struct LateWrite {
  uv_write_t request;
  char bytes[sizeof read_buffer];
};

void check(int status) {
  if (status == 0) return;
  std::fprintf(stderr, "%s\n", uv_strerror(status));
  std::exit(1);
}

void on_alloc(uv_handle_t*, size_t, uv_buf_t* buffer) {
  *buffer = uv_buf_init(read_buffer, sizeof read_buffer);
}

void on_close(uv_handle_t* handle) {
  delete static_cast<Client*>(handle->data);
}

void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  if (size < 0) return uv_close(reinterpret_cast<uv_handle_t*>(stream), on_close);
  uv_buf_t output = uv_buf_init(buffer->base, static_cast<unsigned>(size));
  int sent = uv_try_write(stream, &output, 1);
  if (sent == size) return;
  if (sent < 0) sent = 0;
  auto* late = new LateWrite;
  output = uv_buf_init(late->bytes, static_cast<unsigned>(size - sent));
  for (ssize_t i = sent; i < size; ++i) late->bytes[i - sent] = buffer->base[i];
  uv_write(&late->request, stream, &output, 1,
           [](uv_write_t* request, int) { delete reinterpret_cast<LateWrite*>(request); });
}

void on_connection(uv_stream_t* listener, int status) {
  if (status != 0) return;
  auto* client = new Client;
  uv_tcp_init(listener->loop, &client->tcp);
  client->tcp.data = client;
  auto* stream = reinterpret_cast<uv_stream_t*>(&client->tcp);
  if (uv_accept(listener, stream) != 0) {
    return uv_close(reinterpret_cast<uv_handle_t*>(stream), on_close);
  }
  uv_tcp_nodelay(&client->tcp, 1);
  uv_read_start(stream, on_alloc, on_read);
}

}  // namespace

int main() {
  uv_tcp_t listener;
  sockaddr_in address{};
  sockaddr_storage bound{};
  int size = sizeof bound;
  check(uv_tcp_init(uv_default_loop(), &listener));
  check(uv_ip4_addr("127.0.0.1", 0, &address));
  check(uv_tcp_bind(&listener, reinterpret_cast<const sockaddr*>(&address), 0));
  check(uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 4096, on_connection));
  check(uv_tcp_getsockname(&listener, reinterpret_cast<sockaddr*>(&bound), &size));
  std::printf("%d\n", ntohs(reinterpret_cast<const sockaddr_in&>(bound).sin_port));
  std::fflush(stdout);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
