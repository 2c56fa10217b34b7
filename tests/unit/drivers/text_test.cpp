#include "store/account.hpp"
#include "store_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::drivers {
namespace {

TEST(StoreText, ServerNames) {
  for (const char* good : {"sample", "cocos1", "a b", "严", "a@b#c:d"})
    EXPECT_TRUE(store::valid_server_name(good)) << good;
  for (const std::string& bad :
       {std::string(), std::string(" a"), std::string("a "), std::string("a\tb"),
        std::string("\x7f"), std::string("\xff"), std::string("a\0", 2), std::string(65, 'x')})
    EXPECT_FALSE(store::valid_server_name(bad)) << bad;
}

TEST(StoreText, BansByStatusAndTime) {
  store::Account account;
  account.banned_until_s = 100;  // means nothing while active
  EXPECT_FALSE(store::banned_at(account, 50));
  account.status = store::AccountStatus::kBanned;
  EXPECT_TRUE(store::banned_at(account, 99));
  EXPECT_FALSE(store::banned_at(account, 100));
  account.banned_until_s = 0;
  EXPECT_TRUE(store::banned_at(account, 1'000'000));
  account.status = store::AccountStatus::kClosed;
  EXPECT_TRUE(store::banned_at(account, 0));
}

TEST(StoreOpen, RefusesOptionsThatCanNeverWork) {
  store::Options sqlite;
  for (const char* path : {"", ":memory:", "file:x?mode=memory", "var/"}) {
    sqlite.sqlite.path = path;
    EXPECT_EQ(code_of(open(test_world(), sqlite)), Errc::kInvalid) << path;
  }
  sqlite.sqlite.path = "x.db";
  must(open(test_world(), sqlite));
  sqlite.io_timeout_ms = 0;
  EXPECT_EQ(code_of(open(test_world(), sqlite)), Errc::kInvalid);

  store::Options mysql;
  mysql.kind = Kind::kMysql;
  mysql.mysql.user = "u";
  mysql.mysql.database = "d";
  must(open(test_world(), mysql));
  for (const auto& spoil : std::vector<std::function<void(store::Options&)>>{
           [](store::Options& o) { o.mysql.user.clear(); },
           [](store::Options& o) { o.mysql.database.clear(); },
           [](store::Options& o) { o.mysql.host.clear(); },
           [](store::Options& o) { o.mysql.port = 0; },
           [](store::Options& o) { o.connect_timeout_ms = 0; },
           [](store::Options& o) { o.mysql.password = Secret(std::string("a\0b", 3)); }}) {
    store::Options bad = mysql;
    spoil(bad);
    EXPECT_EQ(code_of(open(test_world(), bad)), Errc::kInvalid);
  }
}

}  // namespace
}  // namespace gatehouse::drivers
