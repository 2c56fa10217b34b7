#include "edge/certificates.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/log.hpp"
#include "test_world.hpp"
#include "tls_support.hpp"

namespace gatehouse::edge {
namespace {

class CertificatesTest : public ::testing::Test {
 protected:
  static CertificateFiles files(const std::string& name) {
    return {crypto::certificates().pem(name), crypto::certificates().key(name)};
  }
  static TlsOptions options(const std::vector<std::string>& names) {
    TlsOptions made;
    for (const std::string& name : names) made.certificates.push_back(files(name));
    return made;
  }
  // What the first certificate of the gates is for.
  std::string shown() const {
    const auto context = certificates_.context(TlsPort::kGate);
    return context == nullptr ? "nothing" : context->certificates().at(0).name;
  }
  std::int64_t expiry(const std::string& name) {
    const std::string label = "file=\"" + crypto::certificates().pem(name) + "\"";
    return metrics_.gauge("tls_certificate_expiry_timestamp_seconds", label, "").value();
  }
  static std::int64_t expires(const std::string& name) {
    return crypto::showing(name)->certificates().at(0).not_after_s;
  }
  std::int64_t refused() {
    return metrics_.counter("tls_certificates_refused_total", "", "").value();
  }

  MetricSet metrics_;
  Certificates certificates_{test_world(), metrics_};
};

TEST_F(CertificatesTest, WithoutAnyThereIsNoTls) {
  ASSERT_TRUE(certificates_.load({}));
  EXPECT_EQ(shown(), "nothing");
  EXPECT_EQ(certificates_.context(TlsPort::kLogin), nullptr);
}

TEST_F(CertificatesTest, TakesAllOrNothingIntoUse) {
  ASSERT_TRUE(certificates_.load(options({"here"})));
  EXPECT_EQ(shown(), "localhost");
  const auto running = certificates_.context(TlsPort::kGate);
  const std::int64_t tomorrow = test_world().clock.wall_s() + 86'400;
  EXPECT_GT(expiry("here"), tomorrow);
  ASSERT_TRUE(certificates_.load(options({"other", "here"})));
  EXPECT_EQ(shown(), "other.test");
  EXPECT_NE(certificates_.context(TlsPort::kGate), running);
  EXPECT_GT(expiry("other"), tomorrow);

  TlsOptions broken = options({"here", "other"});
  broken.certificates[1].key_file = crypto::certificates().key("here");
  const auto refused_load = certificates_.load(broken);
  ASSERT_FALSE(refused_load.has_value());
  EXPECT_EQ(refused_load.error().message,
            "tls.certificates[1]: " + crypto::certificates().pem("other") +
                ": the certificate is refused: private key mismatch");
  EXPECT_EQ(shown(), "other.test");
  EXPECT_EQ(refused(), 1);
  ASSERT_TRUE(certificates_.load(options({"here"})));
  EXPECT_EQ(expiry("other"), 0) << "it is not used any more";
}

TEST_F(CertificatesTest, KeepsWhatIsValidFromWhatIsNot) {
  ASSERT_TRUE(certificates_.load(options({"here"})));
  const auto refused_load = certificates_.load(options({"expired"}));
  ASSERT_FALSE(refused_load.has_value());
  EXPECT_TRUE(refused_load.error().message.starts_with(
      "tls.certificates[0]: the certificate for localhost has expired "))
      << refused_load.error().message;
  EXPECT_EQ(shown(), "localhost");
  // With nothing to keep, a start goes on: clients that do not look still get in.
  Certificates fresh(test_world(), metrics_);
  EXPECT_TRUE(fresh.load(options({"expired"})));
}

TEST_F(CertificatesTest, ReportsWithoutTakingIntoUse) {
  const TlsOptions lasting = options({"long"});
  const std::int64_t now_s = test_world().clock.wall_s();  // after they were made
  const auto good = Certificates::check(lasting, now_s);
  EXPECT_TRUE(good.usable.has_value());
  EXPECT_TRUE(good.warnings.empty());
  const auto soon = Certificates::check(options({"long", "here", "expired"}), now_s);
  ASSERT_TRUE(soon.usable.has_value());
  ASSERT_EQ(soon.warnings.size(), 2u);
  EXPECT_EQ(soon.warnings[0], "tls.certificates[1]: the certificate for localhost expires " +
                                  days_until(expires("here"), now_s));
  EXPECT_TRUE(soon.warnings[1].find("has expired") != std::string::npos);
  const auto early = Certificates::check(options({"long"}), 1'000);
  ASSERT_EQ(early.warnings.size(), 1u);
  EXPECT_TRUE(early.warnings[0].ends_with("is not valid yet"));
}

TEST_F(CertificatesTest, SaysWhatIsWrongWithFiles) {
  const auto complaint = [](const TlsOptions& wrong) {
    const auto report = Certificates::check(wrong, 0);
    return report.usable ? "fine" : report.usable.error().message;
  };
  TlsOptions wrong = options({"here"});
  wrong.certificates[0].key_file = "/nowhere/key.pem";
  EXPECT_TRUE(complaint(wrong).starts_with("tls.certificates[0].key_file: ")) << complaint(wrong);
  wrong = options({"here"});
  wrong.certificates[0].certificate_file = "/nowhere/cert.pem";
  EXPECT_TRUE(complaint(wrong).starts_with("tls.certificates[0].certificate_file: "));
  wrong = options({"here"});
  wrong.ciphers = "NOTHING";
  EXPECT_TRUE(complaint(wrong).starts_with("tls.ciphers: no ciphers")) << complaint(wrong);
  // A key that others may read.
  wrong = options({"other"});
  const std::string key = wrong.certificates[0].key_file;
  ASSERT_EQ(::chmod(key.c_str(), 0644), 0);
  EXPECT_TRUE(complaint(wrong).starts_with("tls.certificates[0].key_file: ")) << complaint(wrong);
  ASSERT_EQ(::chmod(key.c_str(), 0600), 0);
  EXPECT_EQ(complaint(wrong), "fine");
}

TEST(CertificateDays, AreCounted) {
  constexpr std::int64_t kDay = 86'400;
  EXPECT_EQ(days_until(14 * kDay, 0), "in 14 days");
  EXPECT_EQ(days_until(kDay, 0), "in 1 day");
  EXPECT_EQ(days_until(5, 0), "within a day");
  EXPECT_EQ(days_until(0, 5), "within the last day");
  EXPECT_EQ(days_until(0, 3 * kDay), "3 days ago");
}

}  // namespace
}  // namespace gatehouse::edge
