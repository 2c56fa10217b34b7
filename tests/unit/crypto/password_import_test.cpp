#include "crypto/password_import.hpp"

#include <set>

#include "password_support.hpp"

namespace gatehouse::crypto {
namespace {

constexpr const char* kMd5 = "6e479fa18b7118b76cbfb16875252bc4";
constexpr const char* kSha1 = "87f0493aacc84f38ee8b5adabead413cf7bf125e";
constexpr const char* kSrp6Salt =
    "E0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF";
constexpr const char* kVerifier =
    "2784D5407ABDDCCE333C5893D2794319B0CC4102E6B8B56F04365711F321CE3D";

// A row of an import whose password is kPassword, and the text that it makes.
struct Row {
  std::string_view format, name, hash, salt, stored;
};
constexpr Row kRows[] = {
    {"stored", "", "{md5}6e479fa18b7118b76cbfb16875252bc4", "",
     "{md5}6e479fa18b7118b76cbfb16875252bc4"},
    {"argon2", "",
     "$argon2id$v=19$m=64,t=2,p=1$c2FsdFNBTFRzYWx0U0FMVA$"
     "rQJ/pvw1CeQReXlWvA2vrsTl2pPw5D+5DbkQn2rrGXI",
     "",
     "$argon2id$v=19$m=64,t=2,p=1$c2FsdFNBTFRzYWx0U0FMVA$"
     "rQJ/pvw1CeQReXlWvA2vrsTl2pPw5D+5DbkQn2rrGXI"},
    {"bcrypt", "", "$2y$05$abcdefghijklmnopqrstuukZiitZbm.QNDZR3HpQtPxSq2M2C5yjq", "",
     "$2y$05$abcdefghijklmnopqrstuukZiitZbm.QNDZR3HpQtPxSq2M2C5yjq"},
    {"yescrypt", "", "$y$j75$saltSALTsaltSALT$v7vANWEW6ARH12MM2BqrlnoPyD34.BYutcKoBJ5BcH.", "",
     "$y$j75$saltSALTsaltSALT$v7vANWEW6ARH12MM2BqrlnoPyD34.BYutcKoBJ5BcH."},
    {"yescrypt", "", "$gy$j75$saltSALTsaltSALT$kcak5kW0EK8HlrTi9NnBtNcybCBt3pETbCmt4Jwd/xB", "",
     "$gy$j75$saltSALTsaltSALT$kcak5kW0EK8HlrTi9NnBtNcybCBt3pETbCmt4Jwd/xB"},
    {"scrypt", "",
     "$scrypt$ln=4,r=8,p=1$c2FsdFNBTFRzYWx0U0FMVA$/dLfap02AX2cVM/Y1bQ/+4KwMaEreSLJ6mTja7VsE60", "",
     "$scrypt$ln=4,r=8,p=1$c2FsdFNBTFRzYWx0U0FMVA$/dLfap02AX2cVM/Y1bQ/+4KwMaEreSLJ6mTja7VsE60"},
    {"scrypt", "", "$7$96..../....saltSALTsaltSALT$pkKtUt1GDMr4saHaXYA0B3IcNQW9PeyxXtOerkdoVE7", "",
     "$7$96..../....saltSALTsaltSALT$pkKtUt1GDMr4saHaXYA0B3IcNQW9PeyxXtOerkdoVE7"},
    {"sha512crypt", "",
     "$6$rounds=1000$NaCl$T/khbaFOkGzGYJgr8xVDzh.qsGN5ggSbxmWJJq7JBPJeJiXlWWxZgwF1.sOGan30/1LVUOUn"
     "i1OfGmC2g2mHS1",
     "",
     "$6$rounds=1000$NaCl$T/khbaFOkGzGYJgr8xVDzh.qsGN5ggSbxmWJJq7JBPJeJiXlWWxZgwF1.sOGan30/1LVUOUn"
     "i1OfGmC2g2mHS1"},
    {"sha256crypt", "", "$5$rounds=1000$NaCl$sRiDoYNaK1nw6ee.2IQwFip5doDLS7UeKxHt.mWPXZC", "",
     "$5$rounds=1000$NaCl$sRiDoYNaK1nw6ee.2IQwFip5doDLS7UeKxHt.mWPXZC"},
    {"md5crypt", "", "$1$saltSALT$neyO6HshndDLRGaM3VsGC.", "",
     "$1$saltSALT$neyO6HshndDLRGaM3VsGC."},
    {"pbkdf2", "", "$pbkdf2$1000$.//../8$xVfwboWwnYJb9wlKUtuc/sPYjtg", "",
     "$pbkdf2$1000$.//../8$xVfwboWwnYJb9wlKUtuc/sPYjtg"},
    {"pbkdf2", "", "pbkdf2_sha1$1000$seasaltseasa$/4TNA5RbpVX361Nzd0WxGZzUCe4=", "",
     "pbkdf2_sha1$1000$seasaltseasa$/4TNA5RbpVX361Nzd0WxGZzUCe4="},
    {"ldap", "", "{SSHA}Oai19Ftth/6NHBLA0XzrtEK9T28B/iBzYWx0ISE=", "",
     "{SSHA}Oai19Ftth/6NHBLA0XzrtEK9T28B/iBzYWx0ISE="},
    {"md5", "test1", kMd5, "", "{md5}6e479fa18b7118b76cbfb16875252bc4"},
    {"md5-ps", "", "5cae2178925fbe8fc7d5c4590cdba6f6", "N4 Cl:{}~",
     "{md5-ps}N4 Cl:{}~$5cae2178925fbe8fc7d5c4590cdba6f6"},
    {"md5-sp", "", "ccab2765e43ed374aa905b021d6acf69", "N4 Cl:{}~",
     "{md5-sp}N4 Cl:{}~$ccab2765e43ed374aa905b021d6acf69"},
    {"sha1", "", "d5dd5646556910d962022755e4691d8f27dcd24d", "",
     "{sha1}d5dd5646556910d962022755e4691d8f27dcd24d"},
    {"sha1-ps", "", "0bc9c5fc5e6a7c17904ab33bcf50759a02fb8c47", "N4 Cl:{}~",
     "{sha1-ps}N4 Cl:{}~$0bc9c5fc5e6a7c17904ab33bcf50759a02fb8c47"},
    {"sha1-sp", "", "34da64b462b2d811e88e11b94c0682a811dc0637", "N4 Cl:{}~",
     "{sha1-sp}N4 Cl:{}~$34da64b462b2d811e88e11b94c0682a811dc0637"},
    {"sha256", "", "3f8f12e13231508c39b6acf0a9f2c113dd4b956b4f6a1ab5ac033cffdcf907f6", "",
     "{sha256}3f8f12e13231508c39b6acf0a9f2c113dd4b956b4f6a1ab5ac033cffdcf907f6"},
    {"sha256-ps", "", "21228550404c215c69476e7720fc69b0d5ebf293451fbf3cb042961ed2cbad91",
     "N4 Cl:{}~",
     "{sha256-ps}N4 Cl:{}~$21228550404c215c69476e7720fc69b0d5ebf293451fbf3cb042961ed2cbad91"},
    {"sha256-sp", "", "92223073bea2ecf7413b7e1d1883e41ef47115ab2da83233cd1eace5c9233295",
     "N4 Cl:{}~",
     "{sha256-sp}N4 Cl:{}~$92223073bea2ecf7413b7e1d1883e41ef47115ab2da83233cd1eace5c9233295"},
    {"sha512", "",
     "b40c29a25d90b5097a13fa5aec95b3dc04f8ca4972ce146c33223f5092b21965"
     "eafb070242fa8e1e118fef50701848682f67a70ec007e401dbd9ccf867a2c2c1",
     "",
     "{sha512}b40c29a25d90b5097a13fa5aec95b3dc04f8ca4972ce146c33223f5092b21965"
     "eafb070242fa8e1e118fef50701848682f67a70ec007e401dbd9ccf867a2c2c1"},
    {"sha512-ps", "",
     "c9a1c0e6f584596ce1654b9a6e607b5ee65cd4fbc3e75ed7d958d4ae2f91d00a"
     "aa492dc28a6870c4d7407fb09a83e3cc49a9311eaba6296549371cd436a1c869",
     "N4 Cl:{}~",
     "{sha512-ps}N4 Cl:{}~$c9a1c0e6f584596ce1654b9a6e607b5ee65cd4fbc3e75ed7d958d4ae2f91d00a"
     "aa492dc28a6870c4d7407fb09a83e3cc49a9311eaba6296549371cd436a1c869"},
    {"sha512-sp", "",
     "5a5f8b8b16a9e3bf4a6b57720053c421b2b25f0c5024c9cbaab0b1e837170cc5"
     "737a325aae02ad4ced7d9a346d62de6891a3d18a418af7a25133b105c6bab076",
     "N4 Cl:{}~",
     "{sha512-sp}N4 Cl:{}~$5a5f8b8b16a9e3bf4a6b57720053c421b2b25f0c5024c9cbaab0b1e837170cc5"
     "737a325aae02ad4ced7d9a346d62de6891a3d18a418af7a25133b105c6bab076"},
    {"mysql41", "", "*49C30B44A879794B961D4BB3130AF3C14E67EE32", "",
     "*49C30B44A879794B961D4BB3130AF3C14E67EE32"},
    {"mysql41", "", "49C30B44A879794B961D4BB3130AF3C14E67EE32", "",
     "*49C30B44A879794B961D4BB3130AF3C14E67EE32"},
    {"authme", "",
     "$SHA$0123456789abcdef$80cdaf748e5876b7b245c74ead4f398b2262b16f236cf880cf2e38c23478f3b8", "",
     "$SHA$0123456789abcdef$80cdaf748e5876b7b245c74ead4f398b2262b16f236cf880cf2e38c23478f3b8"},
    {"authme", "", "80cdaf748e5876b7b245c74ead4f398b2262b16f236cf880cf2e38c23478f3b8",
     "0123456789abcdef",
     "$SHA$0123456789abcdef$80cdaf748e5876b7b245c74ead4f398b2262b16f236cf880cf2e38c23478f3b8"},
    {"wow-sha1", "Cocos1", kSha1, "", "{wow-sha1}Cocos1$87f0493aacc84f38ee8b5adabead413cf7bf125e"},
    {"srp6", "Cocos1", kVerifier, kSrp6Salt,
     "{srp6}Cocos1$E0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF$"
     "2784D5407ABDDCCE333C5893D2794319B0CC4102E6B8B56F04365711F321CE3D"},
};

TEST(PasswordImport, MakesATextThatTheOldPasswordOpens) {
  std::set<std::string_view> formats;
  for (const Row& row : kRows) {
    const auto stored = stored_from_import(row.format, row.name, row.hash, row.salt);
    ASSERT_TRUE(stored.has_value()) << row.format << ": " << stored.error().message;
    EXPECT_EQ(*stored, row.stored);
    EXPECT_EQ(verdict(kPassword, *stored), "true") << *stored;
    formats.insert(row.format);
  }
  EXPECT_EQ(formats, std::set<std::string_view>(kImportFormats.begin(), kImportFormats.end()));
}

std::string refusal(const Row& row) {
  const auto stored = stored_from_import(row.format, row.name, row.hash, row.salt);
  if (stored) return "made " + *stored;
  EXPECT_EQ(stored.error().code, Errc::kInvalid);
  return stored.error().message;
}

TEST(PasswordImport, SaysWhyItRefuses) {
  const std::string digest(64, 'a');
  const std::string long_salt(200, 's');
  const std::pair<Row, std::string_view> refused[] = {
      {{"", "", kMd5, "", ""}, "unknown format"},
      {{"plain", "", "secret", "", ""}, "unknown format"},
      {{"MD5", "", kMd5, "", ""}, "unknown format"},
      {{"md5", "", "", "", ""}, "no hash"},
      {{"stored", "", "", "", ""}, "no hash"},
      {{"stored", "", "secret", "", ""}, "unknown format"},
      {{"stored", "", kMd5, "", ""}, "unknown format"},
      {{"md5", "", kMd5, "salt", ""}, "takes no salt"},
      {{"bcrypt", "", "$2y$05$abcdefghijklmnopqrstuukZiitZbm.QNDZR3HpQtPxSq2M2C5yjq", "s", ""},
       "takes no salt"},
      {{"bcrypt", "", "$1$saltSALT$neyO6HshndDLRGaM3VsGC.", "", ""}, "another format"},
      {{"bcrypt", "", "$2y$05$abcdefghijklmnopqrstuu", "", ""}, "malformed"},
      {{"bcrypt", "", "$2y$31$abcdefghijklmnopqrstuukZiitZbm.QNDZR3HpQtPxSq2M2C5yjq", "", ""},
       "cost out of bounds"},
      {{"pbkdf2", "", kMd5, "", ""}, "another format"},
      {{"argon2", "", "{md5}6e479fa18b7118b76cbfb16875252bc4", "", ""}, "another format"},
      {{"md5", "", kSha1, "", ""}, "malformed"},
      {{"md5", "", " 6e479fa18b7118b76cbfb16875252bc4", "", ""}, "malformed"},
      {{"sha1", "", kMd5, "", ""}, "malformed"},
      {{"md5-ps", "", kMd5, "", ""}, "salt"},
      {{"md5-ps", "", kMd5, "a$b", ""}, "salt"},
      {{"md5-ps", "", kMd5, "盐", ""}, "salt"},
      {{"sha256-sp", "", digest, long_salt, ""}, "longer than the column"},
      {{"mysql41", "", "**49C30B44A879794B961D4BB3130AF3C14E67EE32", "", ""}, "malformed"},
      {{"authme", "", digest, "", ""}, "salt"},
      {{"authme", "", "$SHA$0123$abcd", "", ""}, "malformed"},
      {{"wow-sha1", "", kSha1, "", ""}, "name"},
      {{"wow-sha1", "严", kSha1, "", ""}, "name"},
      {{"wow-sha1", "a$b", kSha1, "", ""}, "name"},
      {{"srp6", "test1", kVerifier, "", ""}, "salt"},
      {{"srp6", "", kVerifier, kSrp6Salt, ""}, "name"},
      {{"srp6", "test1", kSha1, kSrp6Salt, ""}, "malformed"},
      {{"srp6", "test1", kVerifier, "00", ""}, "malformed"},
  };
  for (const auto& [row, why] : refused) {
    const std::string said = refusal(row);
    EXPECT_NE(said.find(why), std::string::npos) << row.format << ": " << said;
  }
}

// An operator reads the message in a terminal and in a log: never the hash itself.
TEST(PasswordImport, MessagesHoldNoHash) {
  EXPECT_EQ(refusal({"sha1", "", kMd5, "", ""}).find(kMd5), std::string::npos);
  EXPECT_EQ(refusal({"stored", "", kMd5, "", ""}).find(kMd5), std::string::npos);
  EXPECT_EQ(refusal({"md5", "", kMd5, "salt", ""}).find(kMd5), std::string::npos);
}

TEST(PasswordImport, LongestNamesFit) {
  const std::string name(64, 'n');
  EXPECT_TRUE(stored_from_import("srp6", name, kVerifier, kSrp6Salt).has_value());
}

}  // namespace
}  // namespace gatehouse::crypto
