// What a client says that it has seen of its pushes, against the log of them: a replay is without a
// hole, and the log holds its bounds.
#include "fuzz.hpp"
#include "protocol/push_log.hpp"

namespace gatehouse::protocol {

FUZZ_TARGET(pushes) {
  fuzz::Input choices(input);
  const std::uint32_t count_max = 1 + choices.byte() % 8;
  const std::uint32_t bytes_max = choices.byte();
  PushLog log(count_max, bytes_max);
  while (!choices.empty()) {
    const std::uint8_t what = choices.byte();
    if (what % 2 == 0) {
      const std::uint32_t number = log.append(std::string(choices.byte(), 'p')).value();
      GATEHOUSE_ASSERT(number == log.last_number());
    } else {
      const std::uint32_t last_push = what % 4 == 1 ? choices.byte() % 32 : choices.number();
      if (what % 8 == 1) log.acknowledge(last_push);
      std::uint32_t next = log.gap_after(last_push).next_push;
      if (last_push <= log.last_number()) GATEHOUSE_ASSERT(next > last_push);
      log.replay_after(last_push, [&](std::uint32_t number, std::string_view content) {
        GATEHOUSE_ASSERT(number == next++ && content.size() <= 255);
      });
      GATEHOUSE_ASSERT(next == log.last_number() + 1);
    }
    GATEHOUSE_ASSERT(log.count() <= count_max && log.count() <= log.last_number());
    if (log.count() > 1) GATEHOUSE_ASSERT(log.content_bytes() <= bytes_max);
  }
}

}  // namespace gatehouse::protocol
