// Frames of the gate over TCP (docs/protocol.md 3.1, 3.7): 2-byte big-endian length, then the
// body. On WebSocket a message is a body.
//   request   content | session u32 BE
//   response  content | kind u8 | session u32 BE
// Invariant of FrameReader: what is kept inside is a beginning of a frame, unless a sink stopped
// the reader.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/limits.hpp"

namespace gatehouse::protocol {

inline constexpr std::size_t kFrameHeaderBytes = 2;
inline constexpr std::size_t kSessionBytes = 4;

// A request with this session is a ping: answered with the same content, kind kOk.
inline constexpr std::uint32_t kPingSession = 0xffffffff;

// kPush and kControl go to clients of the extended handshake only.
enum class FrameKind : std::uint8_t { kError = 0, kOk = 1, kPush = 2, kControl = 3 };

struct Request {
  std::string_view content;
  std::uint32_t session = 0;
};

// The request in a body; nothing when the body is shorter than a session number
// (docs/protocol.md 3.7: close the connection). The content points into the body.
[[nodiscard]] inline std::optional<Request> parse_request(std::string_view body) {
  if (body.size() < kSessionBytes) return std::nullopt;
  const std::size_t content_bytes = body.size() - kSessionBytes;
  return Request{body.substr(0, content_bytes), load_be32(body.data() + content_bytes)};
}

// Appends the response as a frame. False, and nothing appended, when the content is over
// kResponseContentBytesMax; a ping can be one byte over it.
[[nodiscard]] bool append_response(std::string& out, std::string_view content, FrameKind kind,
                                   std::uint32_t session);

// Appends length and body. False, and nothing appended, over kFrameBytesMax.
[[nodiscard]] bool append_frame(std::string& out, std::string_view body);

// Takes frames straight out of the caller's read buffer; only an incomplete one is kept, and a
// reader that keeps nothing owns no memory.
class FrameReader {
 public:
  enum class Status {
    kMore,     // everything was consumed; feed the next chunk
    kStopped,  // the sink returned false; take_rest() has what follows its frame
    kTooBig,   // a frame over the limit: close the connection
  };

  explicit FrameReader(std::size_t frame_bytes_max = kFrameBytesMax)
      : frame_bytes_max_(frame_bytes_max) {
    GATEHOUSE_ASSERT(frame_bytes_max <= kFrameBytesMax);
  }

  // Calls sink(std::string_view body) -> bool for each complete frame; false stops. A view is
  // valid during its call; the sink may set_limit(), but neither destroy nor feed the reader.
  // An oversized frame is refused by its length alone. kTooBig is final.
  template <class Sink>
  Status feed(std::string_view chunk, Sink&& sink);

  // The limit for the bodies that follow: small before authentication, kFrameBytesMax after.
  void set_limit(std::size_t frame_bytes_max) {
    GATEHOUSE_ASSERT(frame_bytes_max <= kFrameBytesMax);
    frame_bytes_max_ = frame_bytes_max;
  }

  // The bytes not yet given out as frames; the reader is empty after. The worker that takes a
  // connection over feeds them to its own reader first.
  [[nodiscard]] std::string take_rest() {
    stopped_ = false;
    return std::exchange(kept_, {});
  }
  [[nodiscard]] std::size_t kept_bytes() const { return kept_.size(); }
  // Memory held beyond the object itself.
  [[nodiscard]] std::size_t heap_bytes() const {
    return kept_.capacity() > kInlineBytes ? kept_.capacity() + 1 : 0;
  }

 private:
  static constexpr std::size_t kInlineBytes = 15;  // libstdc++ keeps these in the object

  // Gives out the frames of `input`, which does not lie in kept_, and keeps the rest.
  template <class Sink>
  Status consume(std::string_view input, Sink& sink);
  // Gives out the frame begun in kept_ and completed by `chunk`, then consumes what follows.
  template <class Sink>
  Status complete(std::string_view chunk, Sink& sink);
  // Moves bytes from `chunk` to kept_ until that has `size`; false when they do not suffice.
  bool top_up(std::string_view& chunk, std::size_t size) {
    if (kept_.size() >= size) return true;
    const std::size_t piece = std::min(size - kept_.size(), chunk.size());
    kept_.append(chunk.substr(0, piece));
    chunk.remove_prefix(piece);
    GATEHOUSE_ASSERT(kept_.size() <= size && (kept_.size() == size || chunk.empty()));
    return kept_.size() == size;
  }
  Status refuse() {
    too_big_ = true;
    return Status::kTooBig;
  }
  Status stop(std::string_view rest) {
    GATEHOUSE_ASSERT(!stopped_ && kept_.empty());
    kept_.assign(rest);
    stopped_ = true;
    return Status::kStopped;
  }

  std::size_t frame_bytes_max_;
  std::string kept_;
  bool stopped_ = false;
  bool too_big_ = false;
};

template <class Sink>
FrameReader::Status FrameReader::feed(std::string_view chunk, Sink&& sink) {
  if (too_big_) return Status::kTooBig;
  Status status = Status::kMore;
  if (stopped_) {
    std::string joined = take_rest();
    GATEHOUSE_ASSERT(kept_.empty());
    joined.append(chunk);
    status = consume(joined, sink);
  } else if (kept_.empty()) {
    status = consume(chunk, sink);
  } else {
    status = complete(chunk, sink);
  }
  if (kept_.empty() && heap_bytes() > 0) std::string().swap(kept_);
  return status;
}

template <class Sink>
FrameReader::Status FrameReader::consume(std::string_view input, Sink& sink) {
  GATEHOUSE_ASSERT(kept_.empty());
  while (input.size() >= kFrameHeaderBytes) {
    const std::size_t body_bytes = load_be16(input.data());
    if (body_bytes > frame_bytes_max_) return refuse();
    if (input.size() - kFrameHeaderBytes < body_bytes) break;
    const std::string_view body = input.substr(kFrameHeaderBytes, body_bytes);
    input.remove_prefix(kFrameHeaderBytes + body_bytes);
    if (!sink(body)) return stop(input);
  }
  kept_.assign(input);
  GATEHOUSE_ASSERT(kept_.size() < kFrameHeaderBytes + frame_bytes_max_);  // not a whole frame
  return Status::kMore;
}

template <class Sink>
FrameReader::Status FrameReader::complete(std::string_view chunk, Sink& sink) {
  GATEHOUSE_ASSERT(!kept_.empty() && !stopped_);
  if (!top_up(chunk, kFrameHeaderBytes)) return Status::kMore;
  const std::size_t body_bytes = load_be16(kept_.data());
  if (body_bytes > frame_bytes_max_) return refuse();
  if (!top_up(chunk, kFrameHeaderBytes + body_bytes)) return Status::kMore;
  GATEHOUSE_ASSERT(kept_.size() == kFrameHeaderBytes + body_bytes);
  const bool go_on = sink(std::string_view(kept_).substr(kFrameHeaderBytes));
  kept_.clear();
  if (!go_on) return stop(chunk);
  return consume(chunk, sink);
}

}  // namespace gatehouse::protocol
