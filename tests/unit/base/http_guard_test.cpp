#include "base/http_guard.hpp"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

int status(const HttpHead& head, HttpEffect effect = HttpEffect::kReads) {
  return judge_http(head, effect).status;
}

HttpHead for_host(std::string host) {
  return {.hosts = {std::move(host)}};
}

TEST(HttpGuard, HostsOfThisMachine) {
  for (const char* host : {"localhost", "127.0.0.1", "127.9.9.9:80", "[::1]", "[::1]:8080"})
    EXPECT_EQ(status(for_host(host)), 0) << host;
  for (const char* host : {"game.example", "127.0.0.1.game.example", "localhost.game.example", "",
                           "0.0.0.0", "[::]", "[::1", "192.0.2.1", "127.0.0.1:80:90",
                           "game.example:80@localhost", "localhost:8x", "::1"}) {
    EXPECT_EQ(status(for_host(host)), 403) << host;
  }
}

TEST(HttpGuard, OneHostUnlessItIsTheOldVersion) {
  EXPECT_EQ(status({}), 400);
  EXPECT_EQ(status({.hosts = {"localhost", "localhost"}}), 400);
  EXPECT_EQ(status({.version_1_0 = true}), 0);
  EXPECT_EQ(status({.version_1_0 = true, .hosts = {"game.example"}}), 403);
  EXPECT_EQ(status({.version_1_0 = true, .hosts = {"localhost", "game.example"}}), 400);
}

TEST(HttpGuard, PagesAreRefusedWhereverTheyComeFrom) {
  for (const HttpEffect effect : {HttpEffect::kReads, HttpEffect::kActs}) {
    HttpHead head = for_host("localhost");
    head.origins = {"http://localhost"};
    EXPECT_EQ(status(head, effect), 403);
    head.origins = {""};
    EXPECT_EQ(status(head, effect), 403);
    head.origins.clear();
    head.referers = {"http://game.example/"};
    EXPECT_EQ(status(head, effect), 403);
    head.referers.clear();
    head.fetch_sites = {"cross-site"};
    EXPECT_EQ(status(head, effect), 403);
    head.fetch_sites = {"none", "same-origin"};
    EXPECT_EQ(status(head, effect), 403);
  }
}

TEST(HttpGuard, WhatIsTypedByHandMayOnlyRead) {
  HttpHead head = for_host("localhost");
  head.fetch_sites = {"none"};
  EXPECT_EQ(status(head, HttpEffect::kReads), 0);
  EXPECT_EQ(status(head, HttpEffect::kActs), 403);
}

}  // namespace
}  // namespace gatehouse
