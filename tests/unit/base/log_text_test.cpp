// The text form, and what a peer may not do to it.
#include <regex>

#include "log_fixture.hpp"

namespace gatehouse {
namespace {

class LogText : public test::LogFixture {
 protected:
  // What stands behind the address in the file's only record.
  std::string logged(std::string_view text) {
    log::write(log::Level::kInfo, ServiceId{0x0100000a}, text);
    const std::string all = this->text();
    const std::string address = "[:0100000a] ";
    const std::size_t at = all.find(address);
    return at == std::string::npos ? all : all.substr(at + address.size());
  }
  static bool begins_a_record(const std::string& line) {
    static const std::regex head(
        R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [DIWE] \[:[0-9a-f]{8}\] )");
    return std::regex_search(line, head, std::regex_constants::match_continuous);
  }
  void SetUp() override { start(log::Format::kText); }
};

TEST_F(LogText, HasSkynetsForm) {
  log::info(ServiceId{0x0100000a}, "LAUNCH {} {}", "snlua", "my_ping");
  log::warn({}, "careful");
  log::error(ServiceId{1}, "broken");
  const auto all = lines();
  ASSERT_EQ(all.size(), 3u);
  for (const std::string& line : all) EXPECT_TRUE(begins_a_record(line)) << line;
  EXPECT_TRUE(all[0].ends_with(" I [:0100000a] LAUNCH snlua my_ping")) << all[0];
  EXPECT_TRUE(all[1].ends_with(" W [:00000000] careful")) << all[1];
  EXPECT_TRUE(all[2].ends_with(" E [:00000001] broken")) << all[2];
}

TEST_F(LogText, TextIsNoFormat) {
  EXPECT_EQ(logged("{} {0} {:x} %s %v }"), "{} {0} {:x} %s %v }\n");
}

TEST_F(LogText, ControlCharactersAreEscaped) {
  EXPECT_EQ(logged(std::string_view("a\0b\rc\bd\x7f"
                                    "e\x1f"
                                    "f\tg",
                                    13)),
            "a\\x00b\\x0dc\\x08d\\x7fe\\x1ff\tg\n");
}

TEST_F(LogText, NewlineForgesNoRecord) {
  const std::string forged = "2026-01-01 00:00:00.000 I [:00000000] login of root from console";
  log::info({}, "user {} refused", "x\n" + forged + "\r\n\n" + forged);
  std::size_t records = 0;
  for (const std::string& line : lines()) {
    records += begins_a_record(line) ? 1 : 0;
    EXPECT_TRUE(begins_a_record(line) || line.starts_with('\t')) << line;
  }
  EXPECT_EQ(records, 1u);
}

TEST_F(LogText, TracebackStaysReadable) {
  EXPECT_EQ(logged("oops\nstack traceback:\n\t[C]: in ?"),
            "oops\n\tstack traceback:\n\t[C]: in ?\n");
}

TEST_F(LogText, ColoursAreEscaped) {
  EXPECT_EQ(logged("\x1b[31mred\x1b[0m \x1b[8mhidden"), "\\x1b[31mred\\x1b[0m \\x1b[8mhidden\n");
}

TEST_F(LogText, EscapeSequencesThatMoveTheCursorAreEscaped) {
  EXPECT_EQ(logged("\x1b[2K\x1b[1A\x1b[31\x1b"
                   "E\x1b]0;t\x07\x1b"),
            "\\x1b[2K\\x1b[1A\\x1b[31\\x1bE\\x1b]0;t\\x07\\x1b\n");
}

TEST_F(LogText, KeepsUtf8AndEscapesWhatIsNone) {
  EXPECT_EQ(logged("严 é \xf0\x9f\x8e\xae"), "严 é \xf0\x9f\x8e\xae\n");
}

TEST_F(LogText, EscapesBytesThatAreNoUtf8AndC1Controls) {
  EXPECT_EQ(logged("\xff \x9b \xc0\x8a \xed\xa0\x80 \xf4\x90\x80\x80 \xe4\xb8 \xc2\x9b \xc2\xa0"),
            "\\xff \\x9b \\xc0\\x8a \\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80 "
            "\\xe4\\xb8 \\xc2\\x9b \xc2\xa0\n");
}

TEST_F(LogText, LevelFilters) {
  using log::Level;
  const Level levels[] = {Level::kDebug, Level::kInfo, Level::kWarn, Level::kError};
  for (std::size_t least = 0; least < 5; ++least) {
    std::filesystem::remove(file());
    start(log::Format::kText, static_cast<Level>(least));
    log::debug({}, "debug");
    log::info({}, "info");
    log::warn({}, "warn");
    log::error({}, "error");
    EXPECT_EQ(lines().size(), 4 - least);
    for (const Level level : levels) {
      EXPECT_EQ(log::enabled(level), static_cast<std::size_t>(level) >= least);
    }
  }
}

}  // namespace
}  // namespace gatehouse
