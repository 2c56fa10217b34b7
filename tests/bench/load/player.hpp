// A client for load tests: one player on one non-blocking socket, from the login's challenge to
// echoes at the gate. Skynet suite; sans-IO but for its own descriptor. One thread.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::bench {

struct Target {
  sockaddr_in address{};
  // 127.0.0.1:8001
  static Target parse(const std::string& text);
};

enum class Stage : std::uint8_t {
  kIdle,       // no connection
  kConnect,    // connect() is under way, to the login or the gate
  kChallenge,  // login: waits for the challenge
  kExchange,   // login: waits for the server's key
  kAnswer,     // login: waits for "200 ..."
  kLoggedIn,   // has a subid, no connection
  kHandshake,  // gate: waits for 200 OK
  kOpen,       // gate: may send requests
  kFailed,
};

class Player {
 public:
  Player(std::uint32_t number, std::string name, std::string server)
      : name_(std::move(name)), server_(std::move(server)), number_(number) {}
  ~Player() { close(); }
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  // Starts a connection from a loopback address of its own choice; false: no descriptor.
  bool connect(const Target& target, Stage next);
  // The socket is writable for the first time.
  void connected();
  // Reads what is there and goes on; echoes are counted in `answers`.
  void readable();
  // Queues a request and sends what is queued with flush().
  void request(std::string_view payload, bool with_kind);
  bool flush();
  void close();
  void fail(std::string why);

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] Stage stage() const { return stage_; }
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] std::uint32_t number() const { return number_; }

  // Answers that came with the last readable().
  std::uint32_t answers = 0;
  std::uint32_t in_flight = 0;
  std::int64_t started_ns = 0;        // of the login
  std::int64_t due_ns = 0;            // when the next request is to leave, with think time
  std::vector<std::int64_t> sent_ns;  // of requests in flight, by session modulo size
  std::vector<std::uint32_t>* latencies_ns = nullptr;  // where round trips are noted

 private:
  void login_line(std::string_view line);
  void frame(std::string_view body);
  void send(std::string_view bytes);
  [[nodiscard]] std::string handshake();

  std::string in_, out_;
  std::string name_, server_, key_, challenge_, secret_, subid_, error_;
  std::size_t payload_bytes_ = 0;
  std::uint32_t number_;
  std::uint32_t next_session_ = 1;
  std::uint32_t index_ = 0;
  int descriptor_ = -1;
  Stage stage_ = Stage::kIdle;
  Stage after_connect_ = Stage::kIdle;
  bool with_kind_ = true;
};

}  // namespace gatehouse::bench
