#include <vector>

#include "crypto/encoding.hpp"
#include "password_support.hpp"

namespace gatehouse::crypto {
namespace {

// kPassword in every imported form. PBKDF2, scrypt, LDAP and MySQL: passlib 1.7.4 (Django 3.2's
// own hasher agrees on its form). Plain digests and AuthMe: Python's hashlib.
constexpr std::string_view kImported[] = {
    "$pbkdf2-sha256$1000$c2FsdFNBTFRzYWx0U0FMVA$DqLDGacHg/koWv1ZW1iQVuRJ6CMvVvnhxrfq9xMFPqQ",
    "$pbkdf2-sha512$1000$c2FsdFNBTFRzYWx0U0FMVA$NUD/cTveCga3c2BA2fwFh.6bTyYSxPhc56RBj"
    "JGzaNp40Oi2JNYzEAGpMdAvd3OHlJjP4mELE52VLZt1YIYVqg",
    "$pbkdf2$1000$.//../8$xVfwboWwnYJb9wlKUtuc/sPYjtg",
    "pbkdf2_sha256$1000$seasaltseasa$wDJEktgNjvmjKwyd/SrN/XqIsSUbRBqn1cSzfSeusxg=",
    "pbkdf2_sha1$1000$seasaltseasa$/4TNA5RbpVX361Nzd0WxGZzUCe4=",
    "$scrypt$ln=4,r=8,p=1$c2FsdFNBTFRzYWx0U0FMVA$/dLfap02AX2cVM/Y1bQ/+4KwMaEreSLJ6mTja7VsE60",
    "$scrypt$ln=10,r=2,p=3$c2FsdFNBTFRzYWx0U0FMVA$+pECcVdajCsFyFdKWCWfVbzbxFf+kb4eWu13+o4hrW8",
    "{SHA}1d1WRlVpENliAidV5Gkdjyfc0k0=",
    "{MD5}bkefoYtxGLdsv7FodSUrxA==",
    "{SSHA}Oai19Ftth/6NHBLA0XzrtEK9T28B/iBzYWx0ISE=",
    "{SMD5}KcWepRYMnmkw9Mpshq4ecgH+IHNhbHQhIQ==",
    "{SSHA256}0yWPrQBxfvlvSMfKRW9ySgP0Po2OmbfaY8AcWMEvmYYB/iBzYWx0ISE=",
    "{SSHA512}jEmMSS7E3nulRmXkXsXXqBtl5qeKA/Q67WsRdoDBAe10mTlJPzgPl8/v4uLXGMIq3SeYXpN"
    "iliLXNnk53u1TEgH+IHNhbHQhIQ==",
    "{SHA256}P48S4TIxUIw5tqzwqfLBE91LlWtPahq1rAM8/9z5B/Y=",
    "{SHA512}tAwpol2QtQl6E/pa7JWz3AT4yklyzhRsMyI/UJKyGWXq+wcCQvqOHhGP71BwGEhoL2enDsAH"
    "5AHb2cz4Z6LCwQ==",
    "*49C30B44A879794B961D4BB3130AF3C14E67EE32",
    "{md5}6e479fa18b7118b76cbfb16875252bc4",
    "{md5-ps}N4 Cl:{}~$5cae2178925fbe8fc7d5c4590cdba6f6",
    "{md5-sp}N4 Cl:{}~$ccab2765e43ed374aa905b021d6acf69",
    "{sha1}d5dd5646556910d962022755e4691d8f27dcd24d",
    "{sha1-ps}N4 Cl:{}~$0bc9c5fc5e6a7c17904ab33bcf50759a02fb8c47",
    "{sha1-sp}N4 Cl:{}~$34da64b462b2d811e88e11b94c0682a811dc0637",
    "{sha256}3f8f12e13231508c39b6acf0a9f2c113dd4b956b4f6a1ab5ac033cffdcf907f6",
    "{sha256-ps}N4 Cl:{}~$21228550404c215c69476e7720fc69b0d5ebf293451fbf3cb042961ed2cbad91",
    "{sha256-sp}N4 Cl:{}~$92223073bea2ecf7413b7e1d1883e41ef47115ab2da83233cd1eace5c9233295",
    "{sha512}b40c29a25d90b5097a13fa5aec95b3dc04f8ca4972ce146c33223f5092b21965eafb0702"
    "42fa8e1e118fef50701848682f67a70ec007e401dbd9ccf867a2c2c1",
    "{sha512-ps}N4 Cl:{}~$c9a1c0e6f584596ce1654b9a6e607b5ee65cd4fbc3e75ed7d958d4ae2f9"
    "1d00aaa492dc28a6870c4d7407fb09a83e3cc49a9311eaba6296549371cd436a1c869",
    "{sha512-sp}N4 Cl:{}~$5a5f8b8b16a9e3bf4a6b57720053c421b2b25f0c5024c9cbaab0b1e8371"
    "70cc5737a325aae02ad4ced7d9a346d62de6891a3d18a418af7a25133b105c6bab076",
    "$SHA$0123456789abcdef$80cdaf748e5876b7b245c74ead4f398b2262b16f236cf880cf2e38c23478f3b8",
    "{mysql41}*49C30B44A879794B961D4BB3130AF3C14E67EE32",
    "{wow-sha1}Cocos1$87f0493aacc84f38ee8b5adabead413cf7bf125e",
    "{srp6}Cocos1$E0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF$"
    "2784D5407ABDDCCE333C5893D2794319B0CC4102E6B8B56F04365711F321CE3D",
};

bool is_ldap(std::string_view stored) {
  return stored.size() > 1 && stored[0] == '{' && stored[1] < 'a';
}

bool folds_case(std::string_view stored) {
  return stored.starts_with("{wow-sha1}") || stored.starts_with("{srp6}");
}

TEST(ImportedPassword, VerifiesEveryForm) {
  for (const std::string_view stored : kImported) {
    EXPECT_EQ(verdict(kPassword, stored), "true") << stored;
    EXPECT_TRUE(needs_rehash(stored, Argon2Cost{})) << stored;
    EXPECT_LE(stored.size(), 255u) << stored;
  }
}

TEST(ImportedPassword, RefusesAnotherPassword) {
  const std::string with_nul = std::string(kPassword) + '\0';
  for (const std::string_view stored : kImported) {
    for (const std::string& password :
         {std::string(), std::string("correct horse"), with_nul, std::string(6000, 'p')}) {
      EXPECT_EQ(verdict(password, stored), "false") << stored;
    }
    EXPECT_EQ(verdict("Correct horse 严", stored), folds_case(stored) ? "true" : "false") << stored;
  }
}

// Values published by others: RFC 6070, RFC 7914 sections 11 and 12, passlib's manual, Django's
// test suite, MySQL's manual, FIPS 180 and RFC 1321.
TEST(ImportedPassword, VerifiesPublishedHashes) {
  EXPECT_EQ(verdict("password", "$pbkdf2$1$c2FsdA$DGDID5YfDnHzqbUkr2ASBi/gN6Y"), "true");
  EXPECT_EQ(verdict("password", "$pbkdf2$2$c2FsdA$6mwBTcctb4zNHtkqzh1B8NjeiVc"), "true");
  EXPECT_EQ(verdict("password", "$pbkdf2$4096$c2FsdA$SwB5AbdlSJq.rUnZJvch0GWkKcE"), "true");
  EXPECT_EQ(verdict("password",
                    "$pbkdf2-sha256$8000$XAuBMIYQQogxRg$"
                    "tRRlz8hYn63B9LYiCd6PRo6FMiunY9ozmMMI3srxeRE"),
            "true");
  EXPECT_EQ(
      verdict("lètmein", "pbkdf2_sha256$1000$seasalt$JgZryXe2Ga8ysg6XbzkLpTdyPQrHqsinbL9BnnhgX4A="),
      "true");
  EXPECT_EQ(verdict("lètmein", "pbkdf2_sha1$1000$seasalt$ljleU4wBmTtz/MoG5YTwxpM0d7I="), "true");
  EXPECT_EQ(verdict("password",
                    "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$"
                    "nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E"),
            "true");
  EXPECT_EQ(verdict("test", "*94BDCEBE19083CE2A1F959FD02F964C7AF4CFC29"), "true");
  EXPECT_EQ(verdict("mypass", "*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4"), "true");
  EXPECT_EQ(verdict("password", "{md5}5f4dcc3b5aa765d61d8327deb882cf99"), "true");
  EXPECT_EQ(verdict("abc", "{sha1}A9993E364706816ABA3E25717850C26C9CD0D89D"), "true");
  EXPECT_EQ(verdict("", "{md5}d41d8cd98f00b204e9800998ecf8427e"), "true");
}

std::string unpadded(std::string_view bytes) {
  const std::string text = base64_encode(bytes);
  return text.substr(0, text.find('='));
}

std::string from_hex(std::string_view hex) {
  return hex_decode(hex).value();
}

TEST(ImportedPassword, VerifiesTheVectorsOfRfc7914) {
  EXPECT_EQ(verdict("pleaseletmein",
                    "$scrypt$ln=14,r=8,p=1$" + unpadded("SodiumChloride") + "$" +
                        unpadded(from_hex("7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6"
                                          "545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40"
                                          "dfcf017b45575887"))),
            "true");
  EXPECT_EQ(verdict("password", "$scrypt$ln=10,r=8,p=16$" + unpadded("NaCl") + "$" +
                                    unpadded(from_hex(
                                        "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b"
                                        "3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360"
                                        "cbdfa2cc0640"))),
            "true");
  EXPECT_EQ(verdict("Password",
                    "$pbkdf2-sha256$80000$" + unpadded("NaCl") + "$" +
                        unpadded(from_hex("4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff0887"
                                          "6b34ab56"))),
            "true");
}

// Python: pow(7, int.from_bytes(sha1(salt + sha1(b"TEST1:SECRET")), "little"), N), to 32 bytes
// little-endian. The highest byte of this verifier is 0.
TEST(ImportedPassword, VerifiesAShortSrp6Verifier) {
  const std::string stored = "{srp6}test1$" + std::string(63, '0') +
                             "2$292100e576713ebb2c60d085c2ee1d96af7f77d64d09b6951bb0f33a42ca7a00";
  EXPECT_EQ(verdict("secret", stored), "true");
  EXPECT_EQ(verdict("SECRET", stored), "true");
  EXPECT_EQ(verdict("secret2", stored), "false");
}

TEST(ImportedPassword, NameIsPartOfAWowPassword) {
  EXPECT_EQ(verdict(kPassword, "{wow-sha1}COCOS1$87f0493aacc84f38ee8b5adabead413cf7bf125e"),
            "true");
  EXPECT_EQ(verdict(kPassword, "{wow-sha1}cocos2$87f0493aacc84f38ee8b5adabead413cf7bf125e"),
            "false");
}

TEST(ImportedPassword, RefusesAChangedHash) {
  for (const std::string_view stored : kImported) {
    std::string changed(stored);
    char& c = changed[changed.size() - 6];
    c = c == 'a' ? 'b' : 'a';
    EXPECT_EQ(verdict(kPassword, changed), "false") << changed;
  }
}

TEST(ImportedPassword, HexadecimalIsOfEitherCase) {
  EXPECT_EQ(verdict("password", "{md5}5F4DCC3B5AA765D61D8327DEB882CF99"), "true");
  EXPECT_EQ(verdict("password", "{md5}5F4dcc3b5aa765D61D8327deb882cf99"), "true");
  EXPECT_EQ(verdict("mypass", "*6c8989366eaf75bb670ad8ea7a7fc1176a95cef4"), "true");
}

// LDAP's salt is what follows the digest, so that a text cut short may be one with a shorter salt.
TEST(ImportedPassword, RefusesEveryShorterOrLongerText) {
  for (const std::string_view stored : kImported) {
    for (std::size_t size = 0; size < stored.size(); ++size) {
      const std::string_view shorter = stored.substr(0, size);
      // Django's padding may be left out.
      if (stored.starts_with("pbkdf2_") && shorter.size() + 1 == stored.size()) continue;
      const std::string said = verdict(kPassword, shorter);
      if (is_ldap(stored)) {
        EXPECT_TRUE(said == "corrupt" || said == "false" || stored[size] == '=') << shorter;
      } else {
        EXPECT_EQ(said, "corrupt") << shorter;
      }
    }
    for (const char more : {'a', '\0', '\n', ' ', '$', '='}) {
      EXPECT_EQ(verdict(kPassword, std::string(stored) + more), "corrupt") << stored << more;
    }
  }
}

TEST(ImportedPassword, RefusesMalformedTexts) {
  const std::string md5 = "6e479fa18b7118b76cbfb16875252bc4";
  const std::string sha1 = "87f0493aacc84f38ee8b5adabead413cf7bf125e";
  const std::string n32 = std::string(64, '1');
  const std::string key20 = "$c2FsdA$DGDID5YfDnHzqbUkr2ASBi/gN6Y";
  const std::vector<std::string> malformed = {
      "{md5}" + sha1, "{sha1}" + md5, "{MD5}" + md5, "{Md5}" + md5, "{md5-ps}" + md5,
      "{md5-ps}$" + md5, "{md5-ps}a$b$" + md5, "{md5-ps}\x01$" + md5, "{md5-ps}\xe9$" + md5,
      "{md5}" + md5.substr(1) + 'g', "{sha}1d1WRlVpENliAidV5Gkdjyfc0k0=", "{mysql41}" + sha1,
      "{ssha}Oai19Ftth/6NHBLA0XzrtEK9T28B/iBzYWx0ISE=",
      std::string("{SSHA}1d1WRlVpENliAidV5Gkdjyfc0k0="),
      std::string("{SHA}Oai19Ftth/6NHBLA0XzrtEK9T28B/iBzYWx0ISE="),
      "{SSHA}" + base64_encode(std::string(20 + 65, 's')), "$SHA$" + md5, "$SHA$$" + n32,
      "{wow-sha1}" + sha1, "{wow-sha1}$" + sha1, "{wow-sha1}cocos\n1$" + sha1,
      "{wow-sha1}严$" + sha1, "{srp6}$" + n32 + '$' + n32, "{srp6}cocos1$" + n32 + n32,
      "{srp6}cocos1$" + n32 + '$' + n32 + "11", "{srp6}cocos1$11" + n32 + '$' + n32,
      // N itself, and a verifier above it.
      "{srp6}cocos1$" + n32 + "$b79b3e2a87823cab8f5ebfbf8eb10108535006298b5badbd5b53e1895e644b89",
      "{srp6}cocos1$" + n32 + '$' + std::string(62, '0') + "ff", "$pbkdf2$01" + key20,
      "$pbkdf2$-1" + key20, "$pbkdf2$" + key20, "$pbkdf2$1a" + key20, "$pbkdf2$ 1" + key20,
      "$pbkdf2$1" + key20 + "=", "$pbkdf2$1$" + key20.substr(7),
      "$pbkdf2$1$c2FsdA$DGDID5YfDnHzqbUkr2ASBi/gN6YAAAA", "$pbkdf2-sha256$1" + key20,
      "pbkdf2_sha1$1$$DGDID5YfDnHzqbUkr2ASBi/gN6Y=",
      "pbkdf2_sha1$1$" + std::string(129, 's') + "$DGDID5YfDnHzqbUkr2ASBi/gN6Y="};
  for (const std::string& stored : malformed) {
    EXPECT_EQ(verdict(kPassword, stored), "corrupt") << stored;
  }
}

// Each of these would take minutes or gigabytes if it were computed.
TEST(ImportedPassword, RefusesCostsAboveTheBounds) {
  for (const char* iterations : {"0", "10000001", "4294967295", "4294967297", "99999999999999"}) {
    for (const char* head : {"$pbkdf2$", "pbkdf2_sha1$"}) {
      const std::string stored =
          head + std::string(iterations) + "$c2FsdA$DGDID5YfDnHzqbUkr2ASBi/gN6Y";
      EXPECT_EQ(verdict("a", stored), "corrupt") << stored;
    }
  }
  const std::string rest = "$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E";
  for (const char* cost :
       {"ln=21,r=8,p=1", "ln=20,r=8,p=2", "ln=63,r=8,p=1", "ln=64,r=8,p=1", "ln=4294967295,r=8,p=1",
        "ln=4,r=4294967295,p=1", "ln=4,r=1,p=4294967295", "ln=4,r=65536,p=65536", "ln=0,r=8,p=1",
        "ln=4,r=0,p=1", "ln=4,r=8,p=0", "ln=16,r=1,p=1", "ln=1,r=65537,p=1", "ln=1,r=1,p=65537",
        "ln=1,r=256,p=257", "ln=4,r=8", "r=8,ln=4,p=1", "ln=4,r=8,p=1,x=1", "ln=+4,r=8,p=1"}) {
    EXPECT_EQ(verdict("a", std::string("$scrypt$") + cost + rest), "corrupt") << cost;
  }
  EXPECT_EQ(verdict("password", "$scrypt$ln=4,r=8,p=1" + rest), "false");
}

}  // namespace
}  // namespace gatehouse::crypto
