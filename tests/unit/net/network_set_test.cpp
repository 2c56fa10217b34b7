#include "net/network_set.hpp"

#include <gtest/gtest.h>

namespace gatehouse::net {
namespace {

Address address(const char* ip) {
  return Address::from(ip, 1).value();
}

NetworkSet set_of(std::initializer_list<const char*> texts) {
  NetworkSet set;
  for (const char* text : texts) EXPECT_TRUE(set.add(text)) << text;
  return set;
}

TEST(NetworkSet, HoldsAddressesAndNetworks) {
  const NetworkSet set =
      set_of({"203.0.113.7", "198.51.100.0/26", "192.0.2.129/25", "2001:db8::/32", "::1"});
  for (const char* in : {"203.0.113.7", "198.51.100.0", "198.51.100.63", "192.0.2.128",
                         "2001:db8:ffff::1", "::1", "::ffff:203.0.113.7"}) {
    EXPECT_TRUE(set.contains(address(in))) << in;
  }
  for (const char* out :
       {"203.0.113.8", "198.51.100.77", "192.0.2.127", "2001:db9::", "::2", "127.0.0.1"}) {
    EXPECT_FALSE(set.contains(address(out))) << out;
  }
  EXPECT_FALSE(set.contains(Address()));
}

TEST(NetworkSet, ZeroBitsHoldAllOfOneFamily) {
  const NetworkSet v4 = set_of({"0.0.0.0/0"});
  EXPECT_TRUE(v4.contains(address("127.0.0.1")));
  EXPECT_FALSE(v4.contains(address("::1")));
  const NetworkSet v6 = set_of({"::/0"});
  EXPECT_TRUE(v6.contains(address("::1")));
  EXPECT_FALSE(v6.contains(address("127.0.0.1")));
  EXPECT_FALSE(v6.contains(address("::ffff:127.0.0.1")));
  EXPECT_FALSE(v6.contains(Address()));
}

TEST(NetworkSet, AMappedAddressIsIpv4HoweverItIsWritten) {
  const NetworkSet set = set_of({"::ffff:203.0.113.0/120", "::ffff:c633:6400/122"});
  for (const char* in : {"203.0.113.200", "::ffff:203.0.113.200", "198.51.100.63"})
    EXPECT_TRUE(set.contains(address(in))) << in;
  for (const char* out : {"192.0.2.200", "198.51.100.64", "::203.0.113.200", "::1"})
    EXPECT_FALSE(set.contains(address(out))) << out;
  const NetworkSet all = set_of({"::ffff:0:0/96"});
  EXPECT_TRUE(all.contains(address("127.0.0.1")));
  EXPECT_FALSE(all.contains(address("::1")));
  EXPECT_EQ(subscriber_bytes(address("::ffff:203.0.113.7")),
            subscriber_bytes(address("203.0.113.7")));
}

TEST(NetworkSet, ASubscriberHasAText) {
  EXPECT_EQ(subscriber_text(address("203.0.113.7")), "203.0.113.7");
  EXPECT_EQ(subscriber_text(address("::ffff:203.0.113.7")), "203.0.113.7");
  EXPECT_EQ(subscriber_text(address("2001:db8:1:2:3::4")), "2001:db8:1:2::/64");
  EXPECT_EQ(subscriber_text(Address()), "");
}

TEST(NetworkSet, RefusesTheRest) {
  NetworkSet set;
  for (const char* text :
       {"", "/", "/24", "127.0.0.1/", "127.0.0.1/33", "127.0.0.1/-1", "127.0.0.1/8 ", " 127.0.0.1",
        "127.0.0.1/8/8", "127.0.0/8", "::1/129", "::ffff:127.0.0.1/24", "::ffff:0:0/95", "host",
        "127.0.0.1/x", "127.0.0.1/99999999999999"}) {
    EXPECT_FALSE(set.add(text)) << text;
  }
  EXPECT_FALSE(set.add(std::string_view("127.0.0.1\0/8", 12)));
  EXPECT_TRUE(set.empty());
}

TEST(NetworkSet, ASubscriberIsAnAddressOrASlash64) {
  EXPECT_NE(subscriber_bytes(address("127.0.0.1")), subscriber_bytes(address("127.0.0.2")));
  EXPECT_EQ(subscriber_bytes(address("2001:db8::1")), subscriber_bytes(address("2001:db8::ffff")));
  EXPECT_NE(subscriber_bytes(address("2001:db8::1")), subscriber_bytes(address("2001:db8:0:1::1")));
}

}  // namespace
}  // namespace gatehouse::net
