#include <atomic>
#include <set>

#include "store_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::drivers {
namespace {

class Accounts : public StoreTest {};
GATEHOUSE_ON_BOTH_STORES(Accounts);

TEST_P(Accounts, CreatedAccountIsFoundWithAllItsFields) {
  const store::Account made = must(driver_->create_account("test1", "$argon2id$v=19$x"));
  EXPECT_TRUE(made.id);
  EXPECT_EQ(made.name, "test1");
  EXPECT_EQ(made.status, store::AccountStatus::kActive);
  EXPECT_EQ(made.session_epoch, 0u);
  EXPECT_EQ(made.session_gate, "");
  EXPECT_EQ(made.last_login_at_s, 0);
  EXPECT_NEAR(static_cast<double>(made.created_at_s), static_cast<double>(wall_ms() / 1000), 5);

  const auto found = must(connect()->find_account("test1"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, made.id);
  EXPECT_EQ(found->password_hash, "$argon2id$v=19$x");
  EXPECT_EQ(found->created_at_s, made.created_at_s);
}

TEST_P(Accounts, UnknownNameIsNoError) {
  EXPECT_FALSE(must(driver_->find_account("nobody")));
  EXPECT_FALSE(must(driver_->find_account("")));
  EXPECT_FALSE(must(driver_->find_account("\xff")));
}

TEST_P(Accounts, NamesAreByteExact) {
  std::string longest;
  for (int i = 0; i < 64; ++i) longest += "\xf0\x9f\x8e\xae";  // U+1F3AE
  const std::vector<std::string> names = {"A",  "a", "a ", " a",          "a  ",     "ä",    "ae",
                                          "严", "%", "_",  "' OR 1=1 --", "a\\",     "a\"",  "a\t",
                                          " ",  "ß", "ss", "Å",           "A\u030a", longest};
  std::set<std::uint64_t> ids;
  for (const std::string& name : names) {
    EXPECT_FALSE(must(driver_->find_account(name))) << name;
    const std::string hash = "hash of " + std::to_string(ids.size());
    ids.insert(must(driver_->create_account(name, hash)).id.value);
  }
  EXPECT_EQ(ids.size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto found = must(driver_->find_account(names[i]));
    ASSERT_TRUE(found) << names[i];
    EXPECT_EQ(found->name, names[i]);
    EXPECT_EQ(found->password_hash, "hash of " + std::to_string(i));
  }
  EXPECT_FALSE(must(driver_->find_account("a   ")));
}

TEST_P(Accounts, NamesThatAreNoneAreRefused) {
  for (const std::string& name :
       {std::string(), std::string(65, 'x'), std::string("\xff"), std::string("a\0b", 3),
        std::string("\xed\xa0\x80"), std::string("\xc0\x80")})
    EXPECT_EQ(code_of(driver_->create_account(name, "hash")), Errc::kInvalid);
  EXPECT_EQ(code_of(driver_->create_account("a", std::string(256, 'h'))), Errc::kInvalid);
  EXPECT_TRUE(must(driver_->list_accounts("", 10)).empty());
}

TEST_P(Accounts, CreatingTwiceIsRefusedAndKeepsTheFirst) {
  must(driver_->create_account("test1", "first"));
  EXPECT_EQ(code_of(driver_->create_account("test1", "second")), Errc::kExists);
  EXPECT_EQ(must(driver_->find_account("test1"))->password_hash, "first");
}

TEST_P(Accounts, EightThreadsCreatingOneNameMakeOneRow) {
  constexpr int kRounds = 5;
  std::atomic<int> made = 0;
  std::atomic<int> existed = 0;
  in_parallel(8, [&](int) {
    auto driver = connect();
    for (int round = 0; round < kRounds; ++round) {
      auto created = driver->create_account("racer" + std::to_string(round), "hash");
      if (created)
        ++made;
      else if (created.error().code == Errc::kExists)
        ++existed;
      else
        ADD_FAILURE() << created.error().message;
    }
  });
  EXPECT_EQ(made, kRounds);
  EXPECT_EQ(existed, 7 * kRounds);
  EXPECT_EQ(must(driver_->list_accounts("", 100)).size(), std::size_t{kRounds});
}

TEST_P(Accounts, PasswordHashIsReplaced) {
  const store::Account account = must(driver_->create_account("test1", "old"));
  must(driver_->set_password_hash(account.id, "new"));
  must(driver_->set_password_hash(account.id, "new"));  // equal data still matches the row
  EXPECT_EQ(must(driver_->find_account("test1"))->password_hash, "new");
  EXPECT_EQ(code_of(driver_->set_password_hash(AccountId{9999}, "x")), Errc::kNotFound);
}

TEST_P(Accounts, BanEndsAtItsTimeOrNever) {
  must(driver_->create_account("test1", "hash"));
  constexpr std::int64_t kUntil = 4'102'444'800;  // 2100, after 32-bit times
  must(driver_->set_ban("test1", true, kUntil, "cheating; 严"));
  store::Account account = *must(driver_->find_account("test1"));
  EXPECT_EQ(account.status, store::AccountStatus::kBanned);
  EXPECT_EQ(account.banned_until_s, kUntil);
  EXPECT_EQ(account.ban_reason, "cheating; 严");
  EXPECT_TRUE(store::banned_at(account, kUntil - 1));
  EXPECT_FALSE(store::banned_at(account, kUntil));

  must(driver_->set_ban("test1", true, 0, "for ever"));
  account = *must(driver_->find_account("test1"));
  EXPECT_EQ(account.banned_until_s, 0);
  EXPECT_TRUE(store::banned_at(account, kUntil * 2));

  must(driver_->set_ban("test1", true, std::int64_t{1} << 60, "beyond what a DATETIME holds"));
  EXPECT_TRUE(banned_at(*must(driver_->find_account("test1")), 253'402'300'798));

  must(driver_->set_ban("test1", false, 0, ""));
  account = *must(driver_->find_account("test1"));
  EXPECT_EQ(account.status, store::AccountStatus::kActive);
  EXPECT_EQ(account.ban_reason, "");
  EXPECT_FALSE(store::banned_at(account, 0));

  EXPECT_EQ(code_of(driver_->set_ban("nobody", true, 0, "")), Errc::kNotFound);
  EXPECT_EQ(code_of(driver_->set_ban("test1 ", true, 0, "")), Errc::kNotFound);
  EXPECT_EQ(code_of(driver_->set_ban("test1", true, -1, "")), Errc::kInvalid);
  EXPECT_EQ(code_of(driver_->set_ban("test1", true, 0, std::string(256, 'x'))), Errc::kInvalid);
}

TEST_P(Accounts, ClosedAccountStaysClosed) {
  must(driver_->create_account("test1", "hash"));
  change("UPDATE account SET status = 'closed' WHERE name = 'test1';");
  EXPECT_TRUE(banned_at(*must(driver_->find_account("test1")), 0));
  must(driver_->set_ban("test1", false, 0, ""));
  EXPECT_EQ(must(driver_->find_account("test1"))->status, store::AccountStatus::kClosed);
}

TEST_P(Accounts, ListingPagesInByteOrder) {
  for (const char* name : {"b", "a ", "严", "a", "B", "ä"})
    must(driver_->create_account(name, "hash"));
  std::vector<std::string> names;
  std::string after;
  while (true) {
    const auto page = must(driver_->list_accounts(after, 2));
    EXPECT_LE(page.size(), 2u);
    if (page.empty()) break;
    for (const store::Account& account : page) names.push_back(account.name);
    after = names.back();
  }
  EXPECT_EQ(names, (std::vector<std::string>{"B", "a", "a ", "b", "ä", "严"}));
}

}  // namespace
}  // namespace gatehouse::drivers
