// WebSocket messages of a client (docs/protocol.md 1.8, RFC 6455 5 to 7), as bytes of the protocols
// above:
//   kFrames  a message is a frame: 2-byte length, then the body; what is written is frames, and
//   each
//            leaves as a binary message
//   kLines   a message is a line; its "\n" may be missing; each line written leaves as a text
//   message
// Rules: client's frames are masked; no extension, so no reserved bits; control frames whole and up
// to 125 bytes, between fragments, too; text is UTF-8. A message in one frame goes through in the
// pieces that arrive; one in fragments is gathered where a length must stand in front of it.
// Invariant: between messages it holds no memory beyond itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/utf8.hpp"
#include "protocol/ws_frames.hpp"

namespace gatehouse::protocol {

enum class WsFraming : std::uint8_t { kFrames, kLines };

class WsReader {
 public:
  enum class Status : std::uint8_t {
    kOpen,
    kPeerCloses,  // the peer's close frame came, with code(): what follows is ignored
    kBroken,      // by code() and reason(): end the connection
  };
  // The first message, before the peer is known, has the tighter limit.
  struct Limits {
    std::uint32_t first_message_bytes_max;
    std::uint32_t message_bytes_max;  // kFrames: kFrameBytesMax at most
  };

  WsReader(WsFraming framing, Limits limits) : limits_(limits), framing_(framing) {}

  // Takes `bytes`; appends what the messages say to `plain`, of one that breaks a rule nothing, and
  // pongs to `answers`.
  Status feed(std::string_view bytes, std::string& plain, std::string& answers);

  [[nodiscard]] Status status() const { return status_; }
  [[nodiscard]] std::uint16_t code() const { return code_; }
  [[nodiscard]] std::string_view reason() const { return reason_; }
  // Since the last time; frames that end no message, and so are nothing to the protocol above.
  struct Counts {
    std::uint32_t messages = 0;
    std::uint32_t other_frames = 0;
  };
  [[nodiscard]] Counts take_counts();
  // Memory held beyond the object itself.
  [[nodiscard]] std::size_t heap_bytes() const;

 private:
  // What is kept of a head, of a control frame, and of a message in fragments.
  struct Kept {
    std::string head, control, message;
  };

  // The next head, taken off `bytes`; false: it is not whole, and kept.
  [[nodiscard]] bool take_head(std::string_view& bytes, WsHead& head);
  void begin_frame(const WsHead& head, std::string& plain);
  void begin_message(const WsHead& head);
  // As much of the frame's payload as there is, taken off `bytes`.
  void take_payload(std::string_view& bytes, std::string& plain);
  void end_frame(std::string& plain, std::string& answers);
  void end_message(std::string& plain);
  void on_close(std::string_view payload);
  void refuse(std::uint16_t code, const char* reason);
  [[nodiscard]] Kept& kept();

  std::unique_ptr<Kept> kept_;  // in the middle of something
  Limits limits_;
  std::uint32_t message_bytes_ = 0;  // of the open message, with the frame that has begun
  std::uint32_t left_bytes_ = 0;     // of the frame's payload
  std::array<char, 4> key_{};        // of its mask, from here on
  Counts counts_;
  const char* reason_ = "";
  std::uint16_t code_ = kWsNoCode;
  WsFraming framing_;
  Status status_ = Status::kOpen;
  WsOpcode opcode_{};  // of the frame
  Utf8Stream utf8_;
  bool fin_ : 1 = false;         // of the frame
  bool inside_ : 1 = false;      // a frame
  bool first_ : 1 = true;        // no message is complete yet
  bool open_ : 1 = false;        // a message
  bool text_ : 1 = false;        // it is
  bool gathered_ : 1 = false;    // it is, in kept_
  bool line_ended_ : 1 = false;  // kLines: its last byte was "\n"
};

// What `plain`, whole frames or lines, says, a message each. Returns how many.
std::uint32_t append_ws_messages(std::string& wire, WsFraming framing, std::string_view plain);

}  // namespace gatehouse::protocol
