// What a gate does for each request and handshake, without sockets.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "crypto/encoding.hpp"
#include "protocol/frame.hpp"
#include "protocol/gate_handshake.hpp"
#include "protocol/push_log.hpp"
#include "protocol/reply_window.hpp"

namespace gatehouse::protocol {
namespace {

const std::string kContent(64, 'x');

std::string request_frames(std::int64_t count) {
  std::string frames;
  for (std::int64_t i = 0; i < count; ++i) {
    std::string body = kContent + std::string(kSessionBytes, '\0');
    store_be32(body.data() + kContent.size(), static_cast<std::uint32_t>(i));
    if (!append_frame(frames, body)) std::abort();
  }
  return frames;
}

// Arguments: frames in the chunk, bytes by which the chunk is cut off inside a frame.
void frame_reader_feed(benchmark::State& state) {
  const std::string frames = request_frames(state.range(0));
  const std::string_view head =
      std::string_view(frames).substr(0, frames.size() - static_cast<std::size_t>(state.range(1)));
  const std::string_view tail = std::string_view(frames).substr(head.size());
  FrameReader reader;
  const auto sink = [](std::string_view body) {
    benchmark::DoNotOptimize(parse_request(body));
    return true;
  };
  for (auto _ : state) {
    benchmark::DoNotOptimize(reader.feed(head, sink));
    if (!tail.empty()) benchmark::DoNotOptimize(reader.feed(tail, sink));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(frame_reader_feed)
    ->ArgNames({"frames", "cut"})
    ->Args({1, 0})
    ->Args({1, 30})
    ->Args({16, 0})
    ->Args({16, 30});

void append_response_64_bytes(benchmark::State& state) {
  std::string out;
  std::uint32_t session = 0;
  for (auto _ : state) {
    if (out.size() > 4096) out.clear();
    if (!append_response(out, kContent, FrameKind::kOk, ++session)) std::abort();
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(append_response_64_bytes);

// A request begun and completed in a window that is full of answers; with many windows each is
// cold when its turn comes. Argument: windows.
void reply_window_request(benchmark::State& state) {
  constexpr std::uint32_t kCountMax = 128;
  std::vector<std::unique_ptr<ReplyWindow>> windows;
  std::vector<std::uint32_t> sessions(static_cast<std::size_t>(state.range(0)));
  const auto request = [&windows, &sessions](std::size_t i) {
    const auto begun = windows[i]->begin(++sessions[i], 1);
    if (begun.verdict != ReplyWindow::Verdict::kRun) std::abort();
    benchmark::DoNotOptimize(windows[i]->complete(begun.ticket, true, kContent, 1));
  };
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    windows.push_back(std::make_unique<ReplyWindow>(kCountMax, 262'144));
    for (std::uint32_t n = 0; n < kCountMax; ++n) request(i);
  }
  std::size_t next = 0;
  for (auto _ : state) {
    request(next);
    if (++next == windows.size()) next = 0;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(reply_window_request)->ArgName("windows")->Arg(1)->Arg(1000);

// Parses a handshake and checks its mac, for a session that accepts it.
void gate_handshake(benchmark::State& state, Suite suite, const std::string& fields) {
  const Secret secret(std::string(suite == Suite::kSkynet ? 8 : 32, 's'));
  const std::string text = make_gate_name("player1234567", "sample", "42") + fields;
  const std::string body = text + ":" + crypto::base64_encode(gate_mac(suite, secret, text));
  const GateSession session{suite, secret, 0};
  for (auto _ : state) {
    const GateHandshake handshake = parse_gate_handshake(body);
    if (judge_gate_handshake(handshake, &session) != kGateOk) std::abort();
  }
}
BENCHMARK_CAPTURE(gate_handshake, skynet, Suite::kSkynet, ":1");
BENCHMARK_CAPTURE(gate_handshake, extended, Suite::kPlain, ":1:0:c29tZWNvbnZlcnNhdGlvbg:");

// Appends to a full log, whose oldest push leaves.
void push_log_append(benchmark::State& state) {
  PushLog log(128, 65'536);
  for (auto _ : state) {
    if (!log.append(kContent)) {  // the numbers are used up
      log.clear();
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(push_log_append);

void push_log_append_and_acknowledge(benchmark::State& state) {
  PushLog log(128, 65'536);
  for (auto _ : state) {
    const auto number = log.append(kContent);
    number ? log.acknowledge(*number) : log.clear();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(push_log_append_and_acknowledge);

void push_log_replay_128(benchmark::State& state) {
  PushLog log(128, 65'536);
  for (int i = 0; i < 128; ++i) {
    if (!log.append(kContent)) std::abort();
  }
  for (auto _ : state) {
    log.replay_after(0, [](std::uint32_t, std::string_view content) {
      benchmark::DoNotOptimize(content.data());
    });
  }
  state.SetItemsProcessed(state.iterations() * 128);
}
BENCHMARK(push_log_replay_128);

}  // namespace
}  // namespace gatehouse::protocol
