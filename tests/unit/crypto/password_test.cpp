#include <ctime>

#include <algorithm>

#include "password_support.hpp"
#include "test_world.hpp"

namespace gatehouse::crypto {
namespace {

constexpr Argon2Cost kCheap{64, 2, 1};

// Hashes of kPassword made with libxcrypt's and libargon2's own front ends.
constexpr std::string_view kStored[] = {
    "$argon2id$v=19$m=64,t=2,p=1$c2FsdFNBTFRzYWx0U0FMVA$"
    "rQJ/pvw1CeQReXlWvA2vrsTl2pPw5D+5DbkQn2rrGXI",
    "$argon2id$v=19$m=256,t=3,p=4$c2FsdFNBTFRzYWx0U0FMVA$"
    "6tN/nhKSNVQ1qOO2+ef3rnc2IRd6bOj6Jkqh2YxEDK8",
    "$argon2id$v=16$m=64,t=2,p=1$c2FsdFNBTFRzYWx0U0FMVA$"
    "zDSsgg8aDBWBv9W8BPUKVVVS0Dv60Uk02jbQaIjnaQQ",
    "$argon2i$v=19$m=64,t=2,p=1$c2FsdFNBTFRzYWx0U0FMVA$"
    "m/ZlouJoPyhatOTr3Ox4YoSK4tyHcGC+YO46GvWbjRM",
    "$argon2i$v=16$m=64,t=2,p=1$c2FsdFNBTFRzYWx0U0FMVA$"
    "rFwvca/bqBJZr45oQVKkxgLtRUa5qsx8URu04GhUUJ8",
    "$2a$05$abcdefghijklmnopqrstuukZiitZbm.QNDZR3HpQtPxSq2M2C5yjq",
    "$2b$05$abcdefghijklmnopqrstuukZiitZbm.QNDZR3HpQtPxSq2M2C5yjq",
    "$2y$05$abcdefghijklmnopqrstuukZiitZbm.QNDZR3HpQtPxSq2M2C5yjq",
    "$6$saltsaltsalt$4JqjyCVVE17A6lnXMWQclPxG3dodJ/6RjkPgfzMc3O8vdzkIXRZLgfnFKuHrk5lhLltbTxNxSGDm"
    "jXMX.y4C//",
    "$6$rounds=1000$NaCl$T/khbaFOkGzGYJgr8xVDzh.qsGN5ggSbxmWJJq7JBPJeJiXlWWxZgwF1.sOGan30/1LVUOUn"
    "i1OfGmC2g2mHS1",
    "$5$saltsaltsaltsalt$WrjPuSjjTltACMLU1CP8.QngXupNOH2VQu7NdLJFrs9",
    "$5$rounds=1000$NaCl$sRiDoYNaK1nw6ee.2IQwFip5doDLS7UeKxHt.mWPXZC",
    "$1$saltSALT$neyO6HshndDLRGaM3VsGC.",
    "$gy$j75$saltSALTsaltSALT$kcak5kW0EK8HlrTi9NnBtNcybCBt3pETbCmt4Jwd/xB",
    "$y$j75$saltSALTsaltSALT$v7vANWEW6ARH12MM2BqrlnoPyD34.BYutcKoBJ5BcH.",
    "$y$j9T$saltSALTsaltSALT$YhC9xt2K9GrUYCEAAJvA0eTZtu/DWX3NO7gjqgxEMGD",
    "$7$96..../....saltSALTsaltSALT$pkKtUt1GDMr4saHaXYA0B3IcNQW9PeyxXtOerkdoVE7",
};

TEST(Password, VerifiesEveryFormat) {
  for (const std::string_view stored : kStored) {
    EXPECT_EQ(verdict(kPassword, stored), "true") << stored;
  }
}

TEST(Password, RefusesAnotherPassword) {
  for (const std::string_view stored : kStored) {
    EXPECT_EQ(verdict("correct horse", stored), "false") << stored;
    EXPECT_EQ(verdict("", stored), "false") << stored;
  }
}

// Values published with the algorithms: jBCrypt's test table, and Drepper's SHA-crypt.
TEST(Password, VerifiesPublishedHashes) {
  EXPECT_EQ(verdict("", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."), "true");
  EXPECT_EQ(verdict("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"), "true");
  EXPECT_EQ(verdict("Hello world!",
                    "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLi"
                    "BFdcbYEdFCoEOfaS35inz1"),
            "true");
  EXPECT_EQ(verdict("Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
            "true");
}

// One character of the stored hash changed: never the same password, never a crash.
TEST(Password, RefusesAChangedHash) {
  for (const std::string_view stored : kStored) {
    std::string changed(stored);
    char& c = changed[changed.size() - 6];
    c = c == 'a' ? 'b' : 'a';
    EXPECT_EQ(verdict(kPassword, changed), "false") << changed;
  }
}

TEST(Password, RefusesUnknownFormats) {
  for (const char* stored : {"",
                             "none",
                             "$none$",
                             "plain",
                             "*",
                             "*0",
                             "!",
                             "x",
                             "saCd5iZuE6RQg",
                             "$",
                             "$2",
                             "$2x$05$abcdefghijklmnopqrstuukZiitZbm.QNDZR3HpQtPxSq2M2C5yjq",
                             "$argon2d$v=19$m=64,t=2,p=1$c2FsdFNBTFRzYWx0U0FMVA$"
                             "m/ZlouJoPyhatOTr3Ox4YoSK4tyHcGC+YO46GvWbjRM",
                             "$sha1$1000$salt$OnvhBm9RVvVY5yUZbnbTnzUh5Dql",
                             "$3$$8846f7eaee8fb117ad06bdd830b7586c",
                             "{plain}secret",
                             "{md4}8846f7eaee8fb117ad06bdd830b7586c",
                             "{CRYPT}saCd5iZuE6RQg",
                             "pbkdf2_md5$1$a$b",
                             "$pbkdf2-md5$1$a$b"}) {
    EXPECT_EQ(verdict(kPassword, stored), "corrupt") << stored;
  }
}

// A setting without its hash would be answered with a fresh hash by crypt(3).
TEST(Password, RefusesEveryShorterOrLongerText) {
  for (const std::string_view stored : kStored) {
    if (stored.starts_with("$argon2")) continue;
    for (std::size_t size = 0; size < stored.size(); ++size) {
      EXPECT_EQ(verdict(kPassword, stored.substr(0, size)), "corrupt") << stored.substr(0, size);
    }
    EXPECT_EQ(verdict(kPassword, std::string(stored) + "a"), "corrupt") << stored;
    EXPECT_EQ(verdict(kPassword, std::string(stored) + '\0'), "corrupt") << stored;
    EXPECT_EQ(verdict(kPassword, std::string(stored) + "\n"), "corrupt") << stored;
  }
}

TEST(Password, RefusesMalformedArgon2) {
  constexpr std::string_view kTail =
      "$c2FsdFNBTFRzYWx0U0FMVA$rQJ/pvw1CeQReXlWvA2vrsTl2pPw5D+5DbkQn2rrGXI";
  for (const char* head :
       {"$argon2id$", "$argon2id$m=64,t=2,p=1", "$argon2id$v=20$m=64,t=2,p=1",
        "$argon2id$v=19$m=064,t=2,p=1", "$argon2id$v=19$m=-64,t=2,p=1", "$argon2id$v=19$m=64,t=2",
        "$argon2id$v=19$t=2,m=64,p=1", "$argon2id$v=19$m=64,t=2,p=1,x", "$argon2id$v=19$m=,t=2,p=1",
        "$argon2id$v=19$m=64,t=2,p=1$"}) {
    EXPECT_EQ(verdict(kPassword, std::string(head).append(kTail)), "corrupt") << head;
  }
  for (const char* tail : {"", "$", "$$", "$c2FsdA$rQJ/pvw1CeQReXlWvA2vrsTl2pPw5D+5DbkQn2rrGXI",
                           "$c2FsdFNBTFRzYWx0U0FMVA$", "$c2FsdFNBTFRzYWx0U0FMVA$rQJ/pv",
                           "$c2FsdFNBTFRzYWx0U0FMVA$rQJ/pvw1CeQReXlWvA2vrsTl2pPw5D+5DbkQn2rrGXI=",
                           "$c2FsdFNBTFRzYWx0U0FMVA$rQJ/pvw1CeQReXlWvA2vrsTl2pPw5D+5DbkQn2rrGXI$",
                           "$c2FsdFNBTFRzYWx0U0F*VA$rQJ/pvw1CeQReXlWvA2vrsTl2pPw5D+5DbkQn2rrGXI"}) {
    EXPECT_EQ(verdict(kPassword, std::string("$argon2id$v=19$m=64,t=2,p=1") + tail), "corrupt")
        << tail;
  }
  EXPECT_EQ(verdict(kPassword, "$argon2id$v=19$m=64,t=2,p=1$" + std::string(2000, 'A') + "$" +
                                   std::string(43, 'A')),
            "corrupt");
}

// Each of these would take minutes or gigabytes if it were computed.
TEST(Password, RefusesCostsAboveTheBounds) {
  const std::string salt_and_hash =
      "$c2FsdFNBTFRzYWx0U0FMVA$rQJ/pvw1CeQReXlWvA2vrsTl2pPw5D+5DbkQn2rrGXI";
  for (const char* cost : {"m=1048577,t=1,p=1", "m=4294967295,t=1,p=1", "m=64,t=17,p=1",
                           "m=1024,t=1,p=17", "m=99999999999,t=1,p=1", "m=64,t=4294967297,p=1",
                           "m=7,t=1,p=1", "m=64,t=0,p=1", "m=64,t=1,p=0", "m=64,t=1,p=9"}) {
    EXPECT_EQ(verdict("a", std::string("$argon2id$v=19$") + cost + salt_and_hash), "corrupt")
        << cost;
  }
  for (const char* cost : {"00", "03", "15", "31", "99", "-5", " 5", "5a"}) {
    EXPECT_EQ(verdict("a", std::string("$2b$") + cost +
                               "$abcdefghijklmnopqrstuukZiitZbm.QNDZR3HpQtPxSq2M2C5yjq"),
              "corrupt")
        << cost;
  }
  for (const char* rounds : {"1000001", "999999999", "99999999999999999999", "999", "0", "01000",
                             "-1000", "", "5000a"}) {
    EXPECT_EQ(verdict("a", std::string("$6$rounds=") + rounds + "$NaCl$" + std::string(86, 'a')),
              "corrupt")
        << rounds;
    EXPECT_EQ(verdict("a", std::string("$5$rounds=") + rounds + "$NaCl$" + std::string(43, 'a')),
              "corrupt")
        << rounds;
  }
  // yescrypt: N = 2^19 with r = 32, N = 2^48, r of two digits, other flags, further parameters.
  for (const char* cost : {"jGT", "jj/", "j9z", "/9T", ".9T", "j9T.", "j9T1..", "k09T"}) {
    for (const char* format : {"$y$", "$gy$"}) {
      EXPECT_EQ(
          verdict("a", std::string(format) + cost + "$saltSALTsaltSALT$" + std::string(43, 'a')),
          "corrupt")
          << format << cost;
    }
  }
  // scrypt: N = 2^19 with r = 32, N = 2^63, r and p of a thousand millions, r = 0, p = 0, N = 1.
  for (const char* cost : {"HU..../....", "z/..../....", "9zzzzz/....", "9/....zzzzz",
                           "9...../....", "9/.........", "./..../...."}) {
    EXPECT_EQ(verdict("a", std::string("$7$") + cost + "saltSALTsaltSALT$" + std::string(43, 'a')),
              "corrupt")
        << cost;
  }
}

// libxcrypt refuses these salts; none may reach it as a setting that it takes for another.
TEST(Password, RefusesSaltsThatLibcryptDoesNotTake) {
  for (const char bad : {'!', '*', ':', ';', '\\', ' ', '\t', '\n', '\0', '\x7f', '\xe9'}) {
    const std::string salt = std::string("ab") + bad + 'd';
    for (const auto& [format, digits] : {std::pair("$1$", 22), {"$5$", 43}, {"$6$", 86}}) {
      const std::string tail = '$' + std::string(static_cast<std::size_t>(digits), 'a');
      EXPECT_EQ(verdict("a", format + salt + tail), "corrupt") << format << int{bad};
      EXPECT_EQ(verdict("a", std::string(format) + "abcd" + tail), "false") << format;
    }
  }
  EXPECT_EQ(verdict("a", "$1$saltSALTs$" + std::string(22, 'a')), "corrupt");
}

// A C string ends at a NUL: "a" must not open the door for "a\0b", nor the other way round.
TEST(Password, TakesNulBytesAsPartOfThePassword) {
  std::string with_nul(kPassword);
  with_nul += '\0';
  for (const std::string_view stored : kStored) {
    EXPECT_EQ(verdict(with_nul, stored), "false") << stored;
    EXPECT_EQ(verdict(with_nul + "more", stored), "false") << stored;
  }
  const std::string made = hash_password(test_world().random, secret(with_nul), kCheap).value();
  EXPECT_EQ(verdict(with_nul, made), "true");
  EXPECT_EQ(verdict(kPassword, made), "false");
}

TEST(Password, LongPasswordsAreFalseWhereTheFormatHoldsNone) {
  const std::string password(6000, 'p');
  for (const std::string_view stored : kStored) {
    EXPECT_EQ(verdict(password, stored), "false") << stored;
  }
  const std::string made = hash_password(test_world().random, secret(password), kCheap).value();
  EXPECT_EQ(verdict(password, made), "true");
  EXPECT_EQ(verdict(password.substr(1), made), "false");
}

TEST(Password, HashIsAPhcStringThatVerifies) {
  const std::string made = hash_password(test_world().random, secret(kPassword), kCheap).value();
  EXPECT_TRUE(made.starts_with("$argon2id$v=19$m=64,t=2,p=1$")) << made;
  EXPECT_EQ(made.size(), 28u + 22 + 1 + 43) << made;
  EXPECT_EQ(made.find('='), made.find("=19$"));
  EXPECT_EQ(verdict(kPassword, made), "true");
  EXPECT_EQ(verdict("wrong", made), "false");
  EXPECT_NE(made, hash_password(test_world().random, secret(kPassword), kCheap).value());
}

TEST(Password, EmptyPasswordIsAPasswordLikeAnother) {
  const std::string made = hash_password(test_world().random, Secret(), kCheap).value();
  EXPECT_EQ(verdict("", made), "true");
  EXPECT_EQ(verdict("a", made), "false");
}

TEST(Password, DefaultCostVerifies) {
  const std::string made =
      hash_password(test_world().random, secret(kPassword), Argon2Cost{}).value();
  EXPECT_TRUE(made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << made;
  EXPECT_EQ(verdict(kPassword, made), "true");
}

TEST(Password, RefusesToHashAtAnImpossibleCost) {
  for (const Argon2Cost cost :
       {Argon2Cost{7, 1, 1}, Argon2Cost{64, 0, 1}, Argon2Cost{64, 1, 0}, Argon2Cost{64, 17, 1},
        Argon2Cost{1024, 1, 17}, Argon2Cost{kArgon2MemoryKibMax + 1, 1, 1}}) {
    const auto made = hash_password(test_world().random, secret("a"), cost);
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().code, Errc::kInvalid);
    burn_password_time(secret("a"), cost);
  }
}

TEST(Password, NeedsRehashUnlessArgon2idOfThisCost) {
  const std::string made = hash_password(test_world().random, secret(kPassword), kCheap).value();
  EXPECT_FALSE(needs_rehash(made, kCheap));
  EXPECT_TRUE(needs_rehash(made, Argon2Cost{128, 2, 1}));
  EXPECT_TRUE(needs_rehash(made, Argon2Cost{64, 3, 1}));
  EXPECT_TRUE(needs_rehash(made, Argon2Cost{64, 2, 2}));
  EXPECT_FALSE(needs_rehash(kStored[0], kCheap));
  for (const std::string_view stored : kStored) {
    if (stored == kStored[0]) continue;
    EXPECT_TRUE(needs_rehash(stored, kCheap)) << stored;
  }
  EXPECT_TRUE(needs_rehash("", kCheap));
  EXPECT_TRUE(needs_rehash("none", kCheap));
}

TEST(Password, TellsWhatIsCheapToVerify) {
  for (const std::string_view stored :
       {"", "none",
        "$argon2id$v=19$m=64,t=2,p=1$c2FsdFNBTFRzYWx0U0FMVA$"
        "rQJ/pvw1CeQReXlWvA2vrsTl2pPw5D+5DbkQn2rrGXI",
        "$2b$05$abcdefghijklmnopqrstuukZiitZbm.QNDZR3HpQtPxSq2M2C5yjq",
        "$1$saltSALT$neyO6HshndDLRGaM3VsGC.",
        "$5$saltsaltsaltsalt$WrjPuSjjTltACMLU1CP8.QngXupNOH2VQu7NdLJFrs9",
        "$y$j75$saltSALTsaltSALT$v7vANWEW6ARH12MM2BqrlnoPyD34.BYutcKoBJ5BcH.",
        "$scrypt$ln=4,r=8,p=1$c2FsdFNBTFRzYWx0U0FMVA$/dLfap02AX2cVM/Y1bQ/+4KwMaEreSLJ6mTja7VsE60",
        "$pbkdf2$1000$.//../8$xVfwboWwnYJb9wlKUtuc/sPYjtg", "{md5}6e479fa18b7118b76cbfb16875252bc4",
        "{wow-sha1}Cocos1$87f0493aacc84f38ee8b5adabead413cf7bf125e"}) {
    EXPECT_TRUE(cheap_to_verify(stored, Argon2Cost{})) << stored;
  }
  for (const std::string_view stored :
       {"$argon2id$v=19$m=19456,t=2,p=1$c2FsdFNBTFRzYWx0U0FMVA$"
        "rQJ/pvw1CeQReXlWvA2vrsTl2pPw5D+5DbkQn2rrGXI",
        "$2b$10$abcdefghijklmnopqrstuukZiitZbm.QNDZR3HpQtPxSq2M2C5yjq",
        "$y$j9T$saltSALTsaltSALT$YhC9xt2K9GrUYCEAAJvA0eTZtu/DWX3NO7gjqgxEMGD",
        "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
        "$7$C6..../....saltSALT$OKxSldky39PCd.IMw99afgj0RVKfNGefld86Wqr5x78",
        "$pbkdf2$600000$.//../8$xVfwboWwnYJb9wlKUtuc/sPYjtg",
        "pbkdf2_sha256$600000$seasaltseasa$wDJEktgNjvmjKwyd/SrN/XqIsSUbRBqn1cSzfSeusxg="}) {
    EXPECT_FALSE(cheap_to_verify(stored, Argon2Cost{})) << stored;
  }
  for (const std::string_view stored : kStored) {
    EXPECT_FALSE(cheap_to_verify(stored, Argon2Cost{8, 1, 1})) << stored;
  }
  EXPECT_TRUE(cheap_to_verify("{md5}6e479fa18b7118b76cbfb16875252bc4", Argon2Cost{64, 1, 1}));
}

double cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// The least processor time of a few runs, which other work on the machine hardly disturbs.
template <class Work>
double least_ms(Work work) {
  double least = 1e9;
  for (int i = 0; i < 7; ++i) {
    const double start = cpu_ms();
    work();
    least = std::min(least, cpu_ms() - start);
  }
  return least;
}

TEST(Password, BurningCostsWhatVerifyingCosts) {
  const Argon2Cost cost{8192, 2, 1};
  const Secret password = secret("some password");
  const std::string stored = hash_password(test_world().random, secret("another"), cost).value();
  const double verifying =
      least_ms([&] { EXPECT_FALSE(verify_password(password, stored).value()); });
  const double burning = least_ms([&] { burn_password_time(password, cost); });
  EXPECT_GT(burning, verifying * 0.6);
  EXPECT_LT(burning, verifying * 1.7);
}

}  // namespace
}  // namespace gatehouse::crypto
