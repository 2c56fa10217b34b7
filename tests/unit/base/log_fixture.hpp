// Logs into a file of the test's own; stdout again afterwards.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/log.hpp"
#include "temp_folder.hpp"

namespace gatehouse::test {

class LogFixture : public testing::Test {
 protected:
  void TearDown() override { ASSERT_TRUE(log::start({})); }

  void start(log::Format format, log::Level level = log::Level::kInfo) {
    ASSERT_TRUE(log::start({level, format, file()}));
  }
  [[nodiscard]] std::string file() const { return folder_ / "gatehouse.log"; }
  [[nodiscard]] std::string text() const {
    log::flush();
    return read_file(file());
  }
  // The lines of a file, each without its newline; a last line without one counts too.
  static std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      lines.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    return lines;
  }
  [[nodiscard]] std::vector<std::string> lines() const { return lines_of(text()); }

  TempFolder folder_;
};

}  // namespace gatehouse::test
