// WebSocket of a client: the same messages, answers and close code however the stream was cut, only
// whole lines or frames within their limits, and what is written is what a client reads. An input
// is the framing, the limits, how it is cut, and the stream.
#include "fuzz.hpp"
#include "protocol/frame.hpp"
#include "protocol/ws_reader.hpp"

namespace gatehouse::protocol {

namespace {

struct WsRun {
  WsReader::Status status = WsReader::Status::kOpen;
  std::uint16_t code = 0;
  std::uint32_t messages = 0;
  std::string plain;
  std::string answers;
};

WsRun read_messages(WsFraming framing, WsReader::Limits limits, std::string_view stream,
                    std::uint8_t how) {
  using Status = WsReader::Status;
  WsReader reader(framing, limits);
  WsRun run;
  fuzz::in_pieces(stream, how, [&](std::string_view piece) {
    run.status = reader.feed(piece, run.plain, run.answers);
    GATEHOUSE_ASSERT(run.status == reader.status());
    GATEHOUSE_ASSERT(reader.heap_bytes() <= 16'384 + 2 * std::size_t{limits.message_bytes_max});
    return run.status == Status::kOpen;
  });
  run.code = reader.code();
  run.messages = reader.take_counts().messages;
  if (run.status == Status::kBroken) {
    GATEHOUSE_ASSERT(run.code == kWsProtocolError || run.code == kWsBadData ||
                     run.code == kWsTooBig);
    GATEHOUSE_ASSERT(!reader.reason().empty());
  }
  if (run.status != Status::kOpen) {
    const std::string before = run.plain + run.answers;
    GATEHOUSE_ASSERT(reader.feed(stream, run.plain, run.answers) == run.status);
    GATEHOUSE_ASSERT(run.plain + run.answers == before && reader.heap_bytes() == 0);
  }
  return run;
}

// What was said whole, a body or a line each; "" stands for the unfinished rest.
std::string whole_of(WsFraming framing, const WsRun& run, std::uint32_t limit) {
  std::string whole;
  std::uint32_t count = 0;
  if (framing == WsFraming::kFrames) {
    FrameReader reader;
    static_cast<void>(reader.feed(run.plain, [&](std::string_view body) {
      GATEHOUSE_ASSERT(body.size() <= limit);
      ++count;
      return append_frame(whole, body);
    }));
    GATEHOUSE_ASSERT(count == run.messages);
  } else {
    const std::size_t end = run.plain.rfind('\n');
    whole = run.plain.substr(0, end == std::string::npos ? 0 : end + 1);
  }
  std::string wire;
  const std::uint32_t written = append_ws_messages(wire, framing, whole);
  if (framing == WsFraming::kFrames) GATEHOUSE_ASSERT(written == count);
  GATEHOUSE_ASSERT(wire.size() >= whole.size());
  return whole;
}

}  // namespace

FUZZ_TARGET(websocket) {
  fuzz::Input choices(input);
  const WsFraming framing = choices.byte() % 2 == 0 ? WsFraming::kFrames : WsFraming::kLines;
  WsReader::Limits limits{};
  limits.first_message_bytes_max = choices.byte();
  limits.message_bytes_max = limits.first_message_bytes_max + choices.byte() * 16;
  const std::uint8_t how = choices.byte();
  const WsRun whole = read_messages(framing, limits, choices.rest(), 0);
  const std::string said = whole_of(framing, whole, limits.message_bytes_max);
  for (const std::uint8_t other : {std::uint8_t{1}, how}) {
    const WsRun cut = read_messages(framing, limits, choices.rest(), other);
    GATEHOUSE_ASSERT(cut.status == whole.status && cut.code == whole.code);
    GATEHOUSE_ASSERT(cut.messages == whole.messages && cut.answers == whole.answers);
    // Of a message that breaks off, the beginning may have gone through.
    if (whole.status == WsReader::Status::kBroken) {
      GATEHOUSE_ASSERT(cut.plain.starts_with(whole.plain));
    } else {
      GATEHOUSE_ASSERT(cut.plain == whole.plain);
    }
    if (framing == WsFraming::kFrames)
      GATEHOUSE_ASSERT(whole_of(framing, cut, limits.message_bytes_max) == said);
  }
}

}  // namespace gatehouse::protocol
