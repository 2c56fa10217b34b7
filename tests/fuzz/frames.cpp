// The frames of a gate connection: the same ones however the stream was cut, with the small limit
// of the handshake before the large one of a session, and nothing kept beyond the limit.
#include "protocol/frame.hpp"

#include <vector>

#include "fuzz.hpp"

namespace gatehouse::protocol {

namespace {

struct FramesRead {
  std::vector<std::string> bodies;
  FrameReader::Status status = FrameReader::Status::kMore;
  std::string rest;
  bool operator==(const FramesRead&) const = default;
};

// How frames are read: the first one within `first_limit`, up to the one after which the sink
// stops.
struct FrameRules {
  std::size_t first_limit = 0;
  std::size_t limit = 0;
  std::size_t stop_after = 0;  // 0: never
};

FramesRead read_frames(std::string_view bytes, const FrameRules& rules, std::uint8_t how) {
  using Status = FrameReader::Status;
  FrameReader reader(rules.first_limit);
  FramesRead read;
  const auto take = [&](std::string_view body) {
    GATEHOUSE_ASSERT(body.size() <= (read.bodies.empty() ? rules.first_limit : rules.limit));
    read.bodies.emplace_back(body);
    reader.set_limit(rules.limit);
    return read.bodies.size() != rules.stop_after;
  };
  const std::size_t fed = fuzz::in_pieces(bytes, how, [&](std::string_view piece) {
    read.status = reader.feed(piece, take);
    const std::size_t limit = std::max(rules.first_limit, rules.limit);
    if (read.status == Status::kMore)
      GATEHOUSE_ASSERT(reader.kept_bytes() <= kFrameHeaderBytes + limit);
    if (reader.kept_bytes() == 0) GATEHOUSE_ASSERT(reader.heap_bytes() == 0);
    return read.status == Status::kMore;
  });
  if (read.status == Status::kTooBig) {
    GATEHOUSE_ASSERT(reader.feed("", take) == Status::kTooBig);
    return read;
  }
  read.rest = reader.take_rest();
  if (read.status == Status::kStopped) read.rest += bytes.substr(fed);
  return read;
}

}  // namespace

FUZZ_TARGET(frames) {
  fuzz::Input choices(input);
  FrameRules rules;
  rules.first_limit = choices.byte();
  rules.limit = choices.byte() * 257;
  rules.stop_after = choices.byte() % 16;
  const std::uint8_t how = choices.byte();
  const std::string_view stream = choices.rest();
  const FramesRead whole = read_frames(stream, rules, 0);
  GATEHOUSE_ASSERT(read_frames(stream, rules, how) == whole);
  GATEHOUSE_ASSERT(read_frames(stream, rules, 1) == whole);

  std::string again;
  for (const std::string& body : whole.bodies) {
    GATEHOUSE_ASSERT(append_frame(again, body));
    const auto request = parse_request(body);
    GATEHOUSE_ASSERT(request.has_value() == (body.size() >= kSessionBytes));
    std::string answer;
    if (request) {
      GATEHOUSE_ASSERT(
          append_response(answer, request->content, FrameKind::kOk, request->session) ==
          (request->content.size() <= kResponseContentBytesMax));
    }
  }
  GATEHOUSE_ASSERT(stream.starts_with(again));
  if (whole.status != FrameReader::Status::kTooBig) GATEHOUSE_ASSERT(again + whole.rest == stream);
}

}  // namespace gatehouse::protocol
