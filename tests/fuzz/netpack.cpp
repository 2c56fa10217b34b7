// What a script reads of a socket's bytes (skynet.netpack's frames; lines and sizes of
// skynet.socket): the same however they arrived, and nothing is lost between two reads. An input is
// how the stream is cut, the kinds of the reads that follow one another, and the stream.
#include <vector>

#include "actor/system.hpp"
#include "base/metrics.hpp"
#include "fuzz.hpp"
#include "net/memory_network.hpp"
#include "simulated_world.hpp"
#include "sockets/socket_table.hpp"

namespace gatehouse::sockets {

namespace {

class SteppedTurns final : public actor::Loop {
 public:
  void run(actor::Worker&) override { GATEHOUSE_ASSERT(false); }
  bool step(actor::Worker& worker) override { return worker.turn(); }
  void wake() override {}
};

// One worker, stepped by the target. Lasts as long as the process.
class SocketWorld {
 public:
  SocketWorld() {
    system_.start([this](actor::Worker& worker) -> std::unique_ptr<actor::Loop> {
      network_.add_worker(worker);
      return std::make_unique<SteppedTurns>();
    });
    run([this] { shard_ = std::make_unique<SocketShard>(table_, network_, system_.worker(0)); });
  }

  template <class Work>
  void run(Work&& work) {
    bool done = false;
    system_.worker(0).post([&work, &done] {
      work();
      done = true;
    });
    while (world_.executor.step()) {
    }
    GATEHOUSE_ASSERT(done);
  }
  [[nodiscard]] SocketShard& shard() { return *shard_; }

 private:
  test::SimulatedWorld world_{1};
  MetricSet metrics_;
  actor::System system_{world_.world, {.workers = 1, .limits = {}}, metrics_};
  net::MemoryNetwork network_{system_};
  SocketTable table_{system_, &network_};
  std::unique_ptr<SocketShard> shard_;
};

struct SocketRead {
  LuaSocket::Want want;
  std::size_t size = 0;
  std::string_view separator;
};

std::vector<SocketRead> socket_reads(fuzz::Input& choices) {
  using Want = LuaSocket::Want;
  std::vector<SocketRead> reads;
  for (std::size_t left = 1 + choices.byte() % 4; left > 0; --left) {
    const std::uint8_t what = choices.byte();
    if (what % 3 == 0) reads.push_back({Want::kFrame, 0, {}});
    if (what % 3 == 1) reads.push_back({Want::kSize, 1 + what / 3u, {}});
    if (what % 3 == 2) reads.push_back({Want::kLine, 0, what < 128 ? "\n" : "abab"});
  }
  return reads;
}

struct SocketTexts {
  std::vector<std::string> texts;
  std::string unread;
  bool operator==(const SocketTexts&) const = default;
};

SocketTexts read_socket(SocketShard& shard, const std::vector<SocketRead>& reads,
                        std::string_view stream, std::uint8_t how) {
  const net::Address peer = net::Address::from("127.0.0.1", 1).value();
  auto [ours, theirs] = net::MemoryTransport::make_pair(peer, peer);
  LuaSocket& socket = shard.open(1, {}, std::make_shared<SocketCounters>(), {std::move(ours), {}});
  SocketTexts read;
  std::size_t consumed = 0;
  fuzz::in_pieces(stream, how, [&](std::string_view piece) {
    socket.on_data(*theirs, piece);
    while (true) {
      const SocketRead& next = reads[read.texts.size() % reads.size()];
      const auto chunk = socket.find(next.want, next.size, next.separator);
      if (!chunk.found) break;
      GATEHOUSE_ASSERT(chunk.bytes.size() <= chunk.consumed && chunk.consumed > 0);
      read.texts.emplace_back(chunk.bytes);
      consumed += chunk.consumed;
      socket.consume(chunk.consumed);
    }
    return true;
  });
  read.unread = socket.unread();
  GATEHOUSE_ASSERT(consumed + read.unread.size() == stream.size());
  GATEHOUSE_ASSERT(stream.ends_with(read.unread));
  const ParkedSocket parked = shard.take(socket);
  GATEHOUSE_ASSERT(parked.transport != nullptr && parked.unread == read.unread);
  return read;
}

}  // namespace

FUZZ_TARGET(netpack) {
  static SocketWorld& world = *new SocketWorld;
  fuzz::Input choices(input);
  const std::uint8_t how = choices.byte();
  const std::vector<SocketRead> reads = socket_reads(choices);
  world.run([&] {
    const SocketTexts whole = read_socket(world.shard(), reads, choices.rest(), 0);
    GATEHOUSE_ASSERT(read_socket(world.shard(), reads, choices.rest(), how) == whole);
    GATEHOUSE_ASSERT(read_socket(world.shard(), reads, choices.rest(), 1) == whole);
  });
}

}  // namespace gatehouse::sockets
