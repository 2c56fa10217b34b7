#include "store/rescue_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "store_fixture.hpp"

namespace gatehouse::drivers {
namespace {

class RescueFile : public testing::Test {
 protected:
  RescueFile() {
    options_.folder = folder_ / "rescue";
    for (int c = 0; c < 256; ++c) player_.data += static_cast<char>(c);
  }

  test::TempFolder folder_;
  store::RescueOptions options_;
  store::RescuedPlayer player_{.uid = "严",
                               .server = "sample",
                               .account = AccountId{17},
                               .epoch = 5,
                               .version = 12,
                               .at_s = 1'700'000'000,
                               .why = "too_big: two\nlines",
                               .data = {},
                               .replies = "a reply"};
};

TEST_F(RescueFile, ComesBackAsItWas) {
  const std::string path = must(store::write_rescue_file(options_, player_));
  EXPECT_EQ(path, options_.folder + "/17-5-12.player");
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const store::RescuedPlayer read = must(store::read_rescue_file(path));
  EXPECT_EQ(read.uid, player_.uid);
  EXPECT_EQ(read.server, player_.server);
  EXPECT_EQ(read.account, player_.account);
  EXPECT_EQ(read.epoch, player_.epoch);
  EXPECT_EQ(read.version, player_.version);
  EXPECT_EQ(read.at_s, player_.at_s);
  EXPECT_EQ(read.why, "too_big: two lines");
  EXPECT_EQ(read.data, player_.data);
  EXPECT_EQ(read.replies, player_.replies);
}

TEST_F(RescueFile, NoRepliesAreNotEmptyReplies) {
  player_.replies.reset();
  EXPECT_FALSE(
      must(store::read_rescue_file(must(store::write_rescue_file(options_, player_)))).replies);
  player_.replies = "";
  EXPECT_EQ(
      must(store::read_rescue_file(must(store::write_rescue_file(options_, player_)))).replies, "");
}

TEST_F(RescueFile, WhatIsNotWholeIsCorrupt) {
  const std::string path = must(store::write_rescue_file(options_, player_));
  const std::string whole = test::read_file(path);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    test::write_file(path, whole.substr(0, size));
    EXPECT_EQ(code_of(store::read_rescue_file(path)), Errc::kCorrupt) << size;
  }
  test::write_file(path, whole + "x");
  EXPECT_EQ(code_of(store::read_rescue_file(path)), Errc::kCorrupt);
  EXPECT_EQ(code_of(store::read_rescue_file(path + ".none")), Errc::kNotFound);
}

TEST_F(RescueFile, FolderIsBounded) {
  must(store::write_rescue_file(options_, player_));
  options_.bytes_max = 600;
  ++player_.version;
  EXPECT_EQ(code_of(write_rescue_file(options_, player_)), Errc::kFull);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(options_.folder))
    ++files;
  EXPECT_EQ(files, 1u);
}

TEST_F(RescueFile, FolderThatCannotBeMadeIsAnError) {
  test::write_file(folder_ / "file", "");
  options_.folder = folder_ / "file/below";
  EXPECT_EQ(code_of(store::write_rescue_file(options_, player_)), Errc::kIo);
}

}  // namespace
}  // namespace gatehouse::drivers
