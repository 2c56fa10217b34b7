// JSON lines: one object a line, whatever the text holds.
#include <nlohmann/json.hpp>

#include "log_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse {
namespace {

using nlohmann::json;

class LogJson : public test::LogFixture {
 protected:
  void SetUp() override { start(log::Format::kJson); }
};

TEST_F(LogJson, HoldsTimeLevelServiceAndText) {
  const WallMs before = wall_ms();
  log::info(ServiceId{0x0100000a}, "hello {}", "world");
  log::error({}, "no");
  const auto all = lines();
  ASSERT_EQ(all.size(), 2u);
  const json first = json::parse(all[0]);
  EXPECT_EQ(first.size(), 4u);
  EXPECT_EQ(first["text"], "hello world");
  EXPECT_EQ(first["service"], "0100000a");
  EXPECT_EQ(first["level"], "info");
  EXPECT_GE(first["time"].get<WallMs>(), before);
  EXPECT_LE(first["time"].get<WallMs>(), wall_ms());
  EXPECT_EQ(json::parse(all[1])["level"], "error");
}

TEST_F(LogJson, EveryAsciiCharacterSurvives) {
  std::string text;
  for (int c = 0; c < 128; ++c) text += static_cast<char>(c);
  log::write(log::Level::kInfo, {}, text);
  const auto all = lines();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(json::parse(all[0])["text"].get<std::string>(), text);
}

TEST_F(LogJson, ForgesNeitherLineNorKey) {
  const std::string evil = "\"}\n{\"time\":1,\"level\":\"info\",\"service\":\"1\",\"text\":\"\\";
  log::info({}, "{}", evil);
  const auto all = lines();
  ASSERT_EQ(all.size(), 1u);
  const json record = json::parse(all[0]);
  EXPECT_EQ(record.size(), 4u);
  EXPECT_EQ(record["text"].get<std::string>(), evil);
}

TEST_F(LogJson, KeepsUtf8) {
  const std::string text = "严 é \xf0\x9f\x8e\xae \xc2\x9b \xef\xbf\xbf \xf4\x8f\xbf\xbf";
  log::write(log::Level::kInfo, {}, text);
  EXPECT_EQ(json::parse(lines().at(0))["text"].get<std::string>(), text);
}

TEST_F(LogJson, BytesThatAreNoUtf8StillMakeJson) {
  const std::string replaced = "\xef\xbf\xbd";
  struct Case {
    std::string text, expected;
  };
  const Case cases[] = {
      {"\xff", replaced},
      {"a\x80z", "a" + replaced + "z"},
      {"\xc0\xaf", replaced + replaced},                 // overlong
      {"\xe0\x80\x80", replaced + replaced + replaced},  // overlong
      {"\xed\xa0\x80", replaced + replaced + replaced},  // surrogate
      {"\xf5\x80", replaced + replaced},                 // beyond U+10FFFF
      {"\xe4\xb8", replaced + replaced},                 // cut off
      {"\xe4\"", replaced + "\""},                       // cut off by the quote
  };
  for (const Case& c : cases) log::write(log::Level::kInfo, {}, c.text);
  const auto all = lines();
  ASSERT_EQ(all.size(), std::size(cases));
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(json::parse(all[i])["text"].get<std::string>(), cases[i].expected) << all[i];
  }
}

TEST_F(LogJson, EveryPairOfBytesMakesJson) {
  for (int a = 0x70; a < 0x100; ++a) {
    std::string text;
    for (int b = 0; b < 0x100; ++b) {
      text += static_cast<char>(a);
      text += static_cast<char>(b);
      text += ' ';
    }
    log::write(log::Level::kInfo, {}, text);
  }
  const auto all = lines();
  ASSERT_EQ(all.size(), 0x90u);
  for (const std::string& line : all) EXPECT_TRUE(json::accept(line)) << line;
}

}  // namespace
}  // namespace gatehouse
