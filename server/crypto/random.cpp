#include "crypto/random.hpp"

#include <pthread.h>
#include <sys/random.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/assert.hpp"
#include "base/secret.hpp"

namespace gatehouse::crypto {

namespace {

// getrandom() fills up to 256 bytes without being interrupted; longer requests may return short.
void fill_from_system(char* out, std::size_t size) {
  while (size > 0) {
    const ssize_t got = getrandom(out, size, 0);
    if (got < 0 && errno == EINTR) continue;
    GATEHOUSE_ASSERT(got > 0);
    out += got;
    size -= static_cast<std::size_t>(got);
  }
}

// Raised in a forked child, whose copy of the parent's pool must not be used a second time.
std::atomic<std::uint32_t> process_generation{1};

[[maybe_unused]] const int fork_watch = pthread_atfork(
    nullptr, nullptr, [] { process_generation.fetch_add(1, std::memory_order_relaxed); });

constexpr std::size_t kPoolBytes = 512;

// The unused bytes are the last `left`; generation 0 is a pool never filled.
struct Pool {
  std::array<char, kPoolBytes> bytes;
  std::size_t left;
  std::uint32_t generation;
};
thread_local Pool pool{};

}  // namespace

void random_bytes(char* out, std::size_t size) {
  if (size > kPoolBytes / 4) return fill_from_system(out, size);
  const std::uint32_t generation = process_generation.load(std::memory_order_relaxed);
  if (pool.left < size || pool.generation != generation) {
    fill_from_system(pool.bytes.data(), kPoolBytes);
    pool.left = kPoolBytes;
    pool.generation = generation;
  }
  char* const from = pool.bytes.data() + (kPoolBytes - pool.left);
  std::memcpy(out, from, size);
  wipe(from, size);
  pool.left -= size;
}

std::string random_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  random_bytes(bytes.data(), size);
  return bytes;
}

}  // namespace gatehouse::crypto
