#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "test_world.hpp"

namespace gatehouse {
namespace {

TEST(Random, FillsWhatItIsAskedForAndNothingElse) {
  for (std::size_t size : {0u, 1u, 8u, 127u, 128u, 129u, 5000u}) {
    std::string out(size + 2, '#');
    random_bytes(out.data() + 1, size);
    EXPECT_EQ(out.front(), '#') << size;
    EXPECT_EQ(out.back(), '#') << size;
    EXPECT_EQ(random_bytes(size).size(), size);
  }
}

TEST(Random, NeverRepeatsAKey) {
  std::set<std::string> seen;
  for (int i = 0; i < 20'000; ++i) EXPECT_TRUE(seen.insert(random_bytes(8)).second) << i;
}

// 64,000 bytes: a count of one value has mean 250 and deviation 16; ten deviations are allowed.
TEST(Random, GivesEveryByteAboutAsOften) {
  std::array<int, 256> count{};
  for (int i = 0; i < 8'000; ++i) {
    for (const char c : random_bytes(8)) ++count[static_cast<unsigned char>(c)];
  }
  for (const int n : count) {
    EXPECT_GT(n, 90);
    EXPECT_LT(n, 410);
  }
}

TEST(Random, ThreadsShareNoBytes) {
  std::array<std::vector<std::string>, 4> made;
  std::vector<std::thread> threads;
  for (auto& keys : made) {
    threads.emplace_back([&keys] {
      for (int i = 0; i < 2'000; ++i) keys.push_back(random_bytes(8));
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::string> seen;
  for (const auto& keys : made) {
    for (const auto& key : keys) EXPECT_TRUE(seen.insert(key).second);
  }
}

TEST(Random, AForkedChildHasBytesOfItsOwn) {
  static_cast<void>(random_bytes(8));  // The pool holds bytes when the process forks.
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::array<char, 16> key{};
    random_bytes(key.data(), key.size());
    _exit(write(ends[1], key.data(), key.size()) == 16 ? 0 : 1);
  }
  const std::string own = random_bytes(16);
  std::string other(16, '\0');
  EXPECT_EQ(read(ends[0], other.data(), other.size()), 16);
  int status = 1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_NE(own, other);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace gatehouse
