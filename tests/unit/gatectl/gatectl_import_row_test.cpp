#include "gatectl/import_row.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gatehouse::gatectl {
namespace {

using store::AccountStatus;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Fields = std::vector<std::string>;

// What crypt(5) of some password looks like; nobody logs in here.
const std::string kBcrypt = "$2b$05$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyz01234";

ImportColumns columns(const Fields& header, const std::string& format = "stored") {
  auto made = ImportColumns::from_header(header, format);
  if (!made) throw std::runtime_error(made.error().message);
  return std::move(*made);
}

std::string header_error(const Fields& header, const std::string& format) {
  const auto made = ImportColumns::from_header(header, format);
  return made ? "" : made.error().message;
}

// Reads one row of format stored under this header.
Result<ImportRow> read(const Fields& header, const Fields& fields) {
  return columns(header).read(fields);
}

std::string error_of(const Fields& header, const Fields& fields) {
  const auto row = read(header, fields);
  if (!row) {
    EXPECT_EQ(row.error().code, Errc::kInvalid);
  }
  return row ? "" : row.error().message;
}

TEST(ImportHeader, NeedsItsColumns) {
  EXPECT_THAT(header_error({"hash"}, "md5"), HasSubstr("`name`"));
  EXPECT_THAT(header_error({"name"}, "md5"), HasSubstr("`hash`"));
  EXPECT_THAT(header_error({"name", "password"}, "md5"), HasSubstr("`hash`"));
  EXPECT_THAT(header_error({"name", "hash"}, "plain"), HasSubstr("`password`"));
  EXPECT_THAT(header_error({"name;hash"}, "md5"), HasSubstr("`name`"));
  EXPECT_THAT(header_error({"name", "hash", "name"}, "md5"), HasSubstr("twice"));
  EXPECT_EQ(header_error({"hash", "name"}, "md5"), "");
  EXPECT_EQ(header_error({"name", "password"}, "plain"), "");
}

TEST(ImportHeader, NamesWhatIsNotRead) {
  EXPECT_THAT(columns({"id", "name", "hash", "e-mail"}).ignored(), ElementsAre("id", "e-mail"));
  EXPECT_THAT(columns({"name", "hash", "password"}).ignored(), ElementsAre("password"));
  EXPECT_THAT(columns({"name", "hash", "password"}, "plain").ignored(), ElementsAre("hash"));
}

TEST(ImportRows, NamesAreNormalisedAndChecked) {
  const Fields header = {"name", "hash"};
  EXPECT_EQ(read(header, {"cafe\xcc\x81", ""})->account.name, "caf\xc3\xa9");
  EXPECT_THAT(error_of(header, {"", ""}), HasSubstr("name"));
  EXPECT_THAT(error_of(header, {"line\nbreak", ""}), HasSubstr("name"));
  EXPECT_THAT(error_of(header, {"\xff", ""}), HasSubstr("UTF-8"));
  EXPECT_THAT(error_of(header, {std::string(65, 'x'), ""}), HasSubstr("name"));
  EXPECT_THAT(error_of(header, {"a", "", ""}), HasSubstr("3 fields"));
  EXPECT_THAT(error_of(header, {"a"}), HasSubstr("1 fields"));
}

TEST(ImportRows, HashesAreOfTheFormat) {
  const Fields header = {"name", "hash"};
  EXPECT_EQ(read(header, {"test1", kBcrypt})->account.password_hash, kBcrypt);
  EXPECT_EQ(read(header, {"test1", ""})->account.password_hash, "");
  EXPECT_EQ(read(header, {"test1", "!"})->account.password_hash, "!");
  const std::string wrong = "no-hash-at-all";
  EXPECT_THAT(error_of(header, {"test1", wrong}), HasSubstr("hash: "));
  EXPECT_THAT(error_of(header, {"test1", wrong}), Not(HasSubstr(wrong)));
  EXPECT_FALSE(columns(header, "md5").read({"test1", ""}));
  EXPECT_FALSE(columns(header, "md5").read({"test1", kBcrypt}));
  const auto md5 = columns(header, "md5").read({"test1", "202cb962ac59075b964b07152d234b70"});
  ASSERT_TRUE(md5);
  EXPECT_FALSE(md5->account.password_hash.empty());
  EXPECT_TRUE(md5->password.empty());
}

TEST(ImportRows, SaltComesFromItsColumn) {
  const std::string digest(32, 'a');
  const auto salted = columns({"name", "hash", "salt"}, "md5-ps").read({"test1", digest, "pepper"});
  const auto other = columns({"name", "hash", "salt"}, "md5-ps").read({"test1", digest, "mint"});
  ASSERT_TRUE(salted && other);
  EXPECT_NE(salted->account.password_hash, other->account.password_hash);
}

TEST(ImportRows, PasswordsInClear) {
  const ImportColumns plain = columns({"name", "password"}, "plain");
  const auto row = plain.read({"test1", " 严 "});
  ASSERT_TRUE(row);
  EXPECT_EQ(row->password.reveal(), " 严 ");
  EXPECT_EQ(row->account.password_hash, "");
  EXPECT_FALSE(plain.read({"test1", ""}));
  EXPECT_FALSE(plain.read({"test1", std::string(1025, 'x')}));
  EXPECT_FALSE(plain.read({"test1", std::string("a\0b", 3)}));
}

TEST(ImportRows, Status) {
  const Fields header = {"name", "hash", "status", "banned_until", "ban_reason"};
  const auto account = [&header](const std::string& status, const std::string& until) {
    return read(header, {"test1", "", status, until, "cheating"}).value().account;
  };
  EXPECT_EQ(account("", "").status, AccountStatus::kActive);
  EXPECT_EQ(account("", "0").status, AccountStatus::kActive);
  EXPECT_EQ(account("", "0").ban_reason, "");
  EXPECT_EQ(account("", "1893456000").status, AccountStatus::kBanned);
  EXPECT_EQ(account("banned", "").banned_until_s, 0);
  EXPECT_EQ(account("banned", "1893456000").banned_until_s, 1'893'456'000);
  EXPECT_EQ(account("banned", "1893456000").ban_reason, "cheating");
  EXPECT_EQ(account("active", "1893456000").status, AccountStatus::kActive);
  EXPECT_EQ(account("active", "1893456000").banned_until_s, 0);
  EXPECT_EQ(account("closed", "").status, AccountStatus::kClosed);
  EXPECT_THAT(error_of(header, {"a", "", "Banned", "", ""}), HasSubstr("status"));
  for (const char* until : {"-1", "tomorrow", "1.5", "253402300800", "2026-01-01 00:00:00", "1 "}) {
    EXPECT_THAT(error_of(header, {"a", "", "banned", until, ""}), HasSubstr("banned_until"));
  }
  EXPECT_THAT(error_of(header, {"a", "", "banned", "", "\xff"}), HasSubstr("ban_reason"));
  EXPECT_THAT(error_of(header, {"a", "", "banned", "", std::string(256, 'x')}),
              HasSubstr("ban_reason"));
}

TEST(ImportRows, StaffAndSecondFactor) {
  const Fields header = {"name", "hash", "staff", "totp"};
  EXPECT_TRUE(read(header, {"a", "", "1", ""})->account.staff);
  EXPECT_TRUE(read(header, {"a", "", "true", ""})->account.staff);
  EXPECT_FALSE(read(header, {"a", "", "0", ""})->account.staff);
  EXPECT_FALSE(read(header, {"a", "", "", ""})->account.staff);
  EXPECT_EQ(read(header, {"a", "", "", "c2VhbGVk"})->account.totp_secret, "c2VhbGVk");
  EXPECT_THAT(error_of(header, {"a", "", "yes", ""}), HasSubstr("staff"));
  EXPECT_THAT(error_of(header, {"a", "", "", "no base64!"}), HasSubstr("totp"));
}

}  // namespace
}  // namespace gatehouse::gatectl
