// The TCP stream over uv_tcp_t. For tcp.cpp of this layer; others use tcp.hpp.
#pragma once

#include <memory>
#include <string>

#include "actor/timer_wheel.hpp"
#include "net/stream.hpp"
#include "net/uv.hpp"

namespace gatehouse::net {

// States: open; at its end (eof_ and not answering_, or finishing_), where the output is sent
// first; closing_: uv_close was called and the object dies in its callback.
class TcpStream final : public Stream, private HandleOwner {
 public:
  TcpStream(UvLoop& loop, const Address& peer, StreamHandler* handler);
  ~TcpStream() override;

  // Takes the socket over and starts reading. On failure destroy nothing: the handle closes.
  [[nodiscard]] Result<> start(Socket socket);

  [[nodiscard]] std::size_t unsent_bytes() const override;
  void pause() override;
  void resume() override;
  void close(CloseReason reason) override;
  void close_after_flush(CloseReason reason, std::uint32_t linger_ms) override;
  [[nodiscard]] bool ending() const override { return closing_ || finishing_; }
  [[nodiscard]] Result<Socket> detach() override;

 private:
  struct Write;
  struct Deadline;

  static void on_alloc(uv_handle_t* handle, std::size_t, uv_buf_t* buffer);
  static void on_read(uv_stream_t* handle, ssize_t size, const uv_buf_t* buffer);
  static void on_write(uv_write_t* request, int status);
  static void on_close(uv_handle_t* handle);

  void on_loop_end() override;
  void flush() override;
  // False: the connection broke and is closing.
  bool send_output();
  void on_eof();
  void discard(std::size_t bytes);
  void finish_when_sent();
  // The peer had its time to take our last bytes.
  void give_up();
  void start_reading();
  void start_closing();
  void arm_deadline(std::uint32_t ms);
  [[nodiscard]] uv_stream_t* uv_stream() { return reinterpret_cast<uv_stream_t*>(&tcp_); }
  [[nodiscard]] int descriptor() const;

  std::unique_ptr<Write> writing_;      // the write that libuv holds, one at a time
  std::unique_ptr<Deadline> deadline_;  // bounds the time between the end and the close
  std::uint32_t discarded_bytes_ = 0;
  CloseReason reason_ = CloseReason::kLocal;
  bool initialised_ : 1 = false;
  bool paused_ : 1 = false;
  bool eof_ : 1 = false;
  bool answering_ : 1 = false;  // at the peer's end, the handler has more to say
  bool finishing_ : 1 = false;
  bool shut_ : 1 = false;  // our FIN is out
  bool closing_ : 1 = false;
  bool detached_ : 1 = false;
  uv_tcp_t tcp_;
};

}  // namespace gatehouse::net
