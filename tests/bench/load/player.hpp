// A client for load tests: one player on one channel, from the login's challenge to echoes at the
// gate. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "channel.hpp"
#include "seal.hpp"

namespace gatehouse::bench {

enum class Suite : std::uint8_t { kSkynet, kPlain, kX25519 };

// What all players of a run do alike.
struct Manner {
  std::string server = "sample";
  Suite suite = Suite::kSkynet;
  bool is_sealed = false;  // asks the gate for sealed frames
  std::string identity;    // whose signature an x25519 login must have; empty: anybody's
};

enum class Stage : std::uint8_t {
  kIdle,       // no connection
  kConnect,    // connect() is under way, to the login or the gate
  kSecure,     // TLS handshake, upgrade to a WebSocket
  kChallenge,  // login: waits for the challenge
  kExchange,   // login: waits for the server's key
  kAnswer,     // login: waits for "200 ..."
  kLoggedIn,   // has a subid, no connection
  kHandshake,  // gate: waits for 200 OK
  kOpen,       // gate: may send requests
  kLeaving,    // said that it sends nothing more, waits for the server's end
  kLeft,       // the server ended the connection, too
  kFailed,
};

class Player {
 public:
  Player(std::uint32_t number, std::string name, const Manner& manner, Shared& shared)
      : manner_(manner), channel_(shared), name_(std::move(name)), number_(number) {}
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  // Starts a connection from a loopback address of its own choice; false: no descriptor.
  // next: kChallenge, kHandshake; kOpen for a bare echo server; kLeaving for a handshake of TLS
  // alone.
  bool connect(const Target& target, Stage next);
  // The socket is writable for the first time.
  void connected();
  // Reads what is there and goes on; echoes are counted in `answers`.
  void readable();
  // Queues a request and sends what is queued with flush().
  void request(std::string_view payload, bool with_kind);
  bool flush();
  void close() { channel_.close(); }
  void fail(std::string why);

  [[nodiscard]] int descriptor() const { return channel_.descriptor(); }
  [[nodiscard]] Stage stage() const { return stage_; }
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] bool is_resumed() const { return channel_.is_resumed(); }

  // Answers that came with the last readable().
  std::uint32_t answers = 0;
  std::uint32_t in_flight = 0;
  std::int64_t started_ns = 0;        // of the login
  std::int64_t due_ns = 0;            // when the next request is to leave, with think time
  std::vector<std::int64_t> sent_ns;  // of requests in flight, by session modulo size
  std::vector<std::uint32_t>* latencies_ns = nullptr;  // where round trips are noted

 private:
  struct Seals {
    Seal out, in;
  };

  void begin();
  void take(std::string_view bytes);
  void login_line(std::string_view line);
  void exchange(std::string_view line);
  void exchange_x25519(std::string_view line);
  void logged_in(std::string_view line);
  [[nodiscard]] std::string token() const;
  void frame(std::string_view body);
  void gate_answer(std::string_view answer);
  void append_body(std::string_view body);
  void send(std::string_view bytes);
  [[nodiscard]] std::string handshake();

  const Manner& manner_;
  Channel channel_;
  std::unique_ptr<Seals> seals_;
  std::string in_, out_;
  std::string name_, key_, challenge_, secret_, subid_, text_, error_;
  std::size_t payload_bytes_ = 0;
  std::uint32_t number_;
  std::uint32_t next_session_ = 1;
  std::uint32_t index_ = 0;
  Stage stage_ = Stage::kIdle;
  Stage after_connect_ = Stage::kIdle;
  bool with_kind_ = true;
};

}  // namespace gatehouse::bench
