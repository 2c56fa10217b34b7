#include "net/address.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace gatehouse::net {
namespace {

TEST(Endpoint, ReadsTheThreeForms) {
  EXPECT_EQ(Endpoint::parse("127.0.0.1:8001").value(), (Endpoint{"127.0.0.1", 8001}));
  EXPECT_EQ(Endpoint::parse("[::1]:8001").value(), (Endpoint{"::1", 8001}));
  EXPECT_EQ(Endpoint::parse("db.example:65535").value(), (Endpoint{"db.example", 65535}));
  EXPECT_EQ(Endpoint::parse("0.0.0.0:0").value(), (Endpoint{"0.0.0.0", 0}));
}

TEST(Endpoint, PrintsWhatItReads) {
  for (const char* text : {"127.0.0.1:8001", "[::1]:8001", "localhost:1"}) {
    EXPECT_EQ(Endpoint::parse(text).value().to_string(), text);
  }
}

TEST(Endpoint, RefusesTheRest) {
  for (const char* text :
       {"", ":", ":80", "host", "host:", "host:65536", "host:-1", "host:+1", "host:8 ", "host:0x50",
        "::1:80", "[::1]", "[::1]80", "[::1:80", "[127.0.0.1]:80", "[]:80", "a b:80", "host:80:81",
        "host:99999999999999999999"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_FALSE(endpoint.has_value()) << text;
    EXPECT_EQ(endpoint.error().code, Errc::kInvalid) << text;
  }
}

TEST(Address, PrintsBothFamilies) {
  EXPECT_EQ(Address::from("127.0.0.1", 80).value().to_string(), "127.0.0.1:80");
  EXPECT_EQ(Address::from("::1", 80).value().to_string(), "[::1]:80");
  EXPECT_EQ(Address::from("::1", 80).value().ip(), "::1");
  EXPECT_EQ(Address().to_string(), "");
  EXPECT_FALSE(Address::from("localhost", 80).has_value());
  EXPECT_FALSE(Address::from("127.0.0.256", 80).has_value());
}

TEST(Address, TakesAMappedAddressForIpv4) {
  const Address mapped = Address::from("::ffff:192.0.2.7", 9).value();
  EXPECT_FALSE(mapped.is_v6());
  EXPECT_EQ(mapped, Address::from("192.0.2.7", 9).value());
  EXPECT_EQ(mapped.to_string(), "192.0.2.7:9");
}

TEST(Address, SurvivesTheSystemsForm) {
  for (const char* ip : {"192.0.2.1", "2001:db8::5"}) {
    const Address address = Address::from(ip, 4321).value();
    sockaddr_storage storage;
    EXPECT_GT(address.to_sockaddr(storage), 0u);
    EXPECT_EQ(Address::from(reinterpret_cast<const sockaddr&>(storage)), address);
  }
  sockaddr_storage storage;
  EXPECT_EQ(Address().to_sockaddr(storage), 0u);
}

}  // namespace
}  // namespace gatehouse::net
