// A client's end of a connection over TCP, TLS, WebSocket or WebSocket over TLS, non-blocking. What
// stands above sees the protocol as it is over TCP: lines with their '\n', or frames with their
// length, which are one message each on a WebSocket (docs/protocol.md 1.2). One thread.
#pragma once

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;

namespace gatehouse::bench {

struct Target {
  sockaddr_in address{};
  bool is_encrypted = false;
  bool is_websocket = false;
  // 127.0.0.1:8001, or with tcp://, tls://, ws://, wss:// before it; throws std::invalid_argument.
  static Target parse(const std::string& text);
};

// What all channels of a run share: how they speak TLS, and the bytes read last.
class Shared {
 public:
  // version: "", "1.2" or "1.3"; resume: a channel's next connection resumes its last session.
  // Whatever certificate a server has is taken: its check would be the client's time alone.
  Shared(const std::string& version, bool resume);
  ~Shared();
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

 private:
  friend class Channel;
  ssl_ctx_st* context_;
  bool resume_;
  std::array<char, 512 * 1024> buffer_;
};

class Channel {
 public:
  enum class Content : std::uint8_t { kLines, kFrames };

  explicit Channel(Shared& shared) : shared_(shared) {}
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Starts to connect, from a loopback address (host byte order). False: error() says why, as for
  // all that follows.
  bool connect(const Target& target, Content content, std::uint32_t source);
  // The socket is writable for the first time: TCP stands, or does not.
  bool connected();
  // All handshakes are done: bytes may be written.
  [[nodiscard]] bool is_open() const { return step_ == Step::kOpen; }

  // What came, valid until anybody reads again; nothing when the connection is over. Goes on with
  // handshakes, whose bytes are nobody's.
  std::optional<std::string_view> read();
  // Bytes wait in TLS that no event of the socket will tell of: read again.
  [[nodiscard]] bool has_more() const { return has_more_; }
  // Whole lines or frames. The kernel's buffer holds what a client has in flight; a full one is a
  // failure.
  bool write(std::string_view bytes);
  // Says that nothing more is sent; the server's end is still to be read.
  void end();
  void close();

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] const std::string& error() const { return error_; }
  // The server ended the connection after end(), and TLS as it should.
  [[nodiscard]] bool has_ended_well() const { return has_ended_well_; }
  // The last TLS handshake resumed a session.
  [[nodiscard]] bool is_resumed() const { return is_resumed_; }

 private:
  enum class Step : std::uint8_t { kClosed, kConnect, kHandshake, kUpgrade, kOpen };
  struct FreeSsl {
    void operator()(ssl_st* ssl) const;
  };
  struct FreeSession {
    void operator()(ssl_session_st* session) const;
  };

  friend class Shared;
  bool fail(std::string why);
  bool fail_tls(const char* what);
  bool begin_tls();
  bool shake_hands();
  bool begin_upgrade();
  bool send_all(std::string_view bytes);
  void append_message(unsigned opcode, std::string_view payload);
  // Reads into the room behind `kept` bytes of the shared buffer; the bytes that came, 0 for none
  // yet, -1 at the end.
  std::ptrdiff_t receive(std::size_t kept);
  std::ptrdiff_t receive_tls(char* to, std::size_t room);
  // Takes the answer to the upgrade off the front; false: it is not whole, or failed.
  bool take_answer(std::string_view& bytes);
  // Messages to lines or frames, in place; what is not whole is kept.
  std::optional<std::string_view> decode(char* bytes, std::size_t size);

  Shared& shared_;
  std::unique_ptr<ssl_st, FreeSsl> tls_;
  std::unique_ptr<ssl_session_st, FreeSession> session_;
  std::string kept_;  // of a WebSocket: what came of a message that is not whole
  std::string wire_;  // of a WebSocket: messages on their way out
  std::string error_;
  std::uint32_t mask_ = 0x9e3779b9;
  int descriptor_ = -1;
  Target target_;
  Content content_ = Content::kLines;
  Step step_ = Step::kClosed;
  bool has_more_ = false;
  bool is_ending_ = false;
  bool has_ended_well_ = false;
  bool is_resumed_ = false;
};

}  // namespace gatehouse::bench
