// What netstat tells of a socket. Written by the worker that has it, read by any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace gatehouse::sockets {

struct SocketCounters {
  std::atomic<std::uint64_t> read_bytes{0};
  std::atomic<std::uint64_t> written_bytes{0};
  std::atomic<std::uint64_t> unsent_bytes{0};
  // Centiseconds as skynet.now(); 0: never.
  std::atomic<std::int64_t> read_cs{0};
  std::atomic<std::int64_t> written_cs{0};
  std::atomic<bool> reading{false};

  void count_read(std::size_t bytes, std::int64_t now_cs) {
    read_bytes.fetch_add(bytes, std::memory_order_relaxed);
    read_cs.store(now_cs, std::memory_order_relaxed);
  }
  void count_written(std::size_t bytes, std::int64_t now_cs) {
    written_bytes.fetch_add(bytes, std::memory_order_relaxed);
    written_cs.store(now_cs, std::memory_order_relaxed);
  }
};

}  // namespace gatehouse::sockets
