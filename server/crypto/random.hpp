// Random bytes from the operating system's generator, fit for keys.
#pragma once

#include <cstddef>
#include <string>

namespace gatehouse::crypto {

// Fills `out`. Short requests come out of a pool of the calling thread, wiped as it is used and
// dropped by a forked child. Aborts when the system has no randomness to give. Any thread.
void random_bytes(char* out, std::size_t size);

[[nodiscard]] std::string random_bytes(std::size_t size);

}  // namespace gatehouse::crypto
