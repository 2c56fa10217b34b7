// What the Autobahn test suite asks of a server that echoes, by its numbers of cases
// (github.com/crossbario/autobahn-testsuite), as far as messages up to 65,535 bytes go; larger ones
// have to be refused. Cases of its sections 12 and 13 are about compression, which is not offered.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "ws_frames_of_client.hpp"

namespace gatehouse::test {

struct WsCase {
  std::string number;
  std::string sent;
  std::vector<std::string> messages;    // that come back, in this order
  std::vector<std::string> pongs = {};  // likewise
  // Of the close frame that ends it. kNone: one without a code; kOpen: the connection stays open.
  int code = kOpen;
  static constexpr int kOpen = 0;
  static constexpr int kNone = 1005;
};

namespace ws_cases {

inline std::string octets(std::initializer_list<int> bytes) {
  std::string text;
  for (const int b : bytes) text += static_cast<char>(b);
  return text;
}

inline void add_framing(std::vector<WsCase>& cases) {
  int n = 0;
  for (const std::size_t size : {0, 125, 126, 127, 128, 65'535, 65'536}) {
    const std::string number = std::to_string(++n);
    const std::string text(size, '*'), bytes(size, '\xfe');
    if (size <= 65'535) {
      cases.push_back({"1.1." + number, ws_text(text), {text}});
      cases.push_back({"1.2." + number, ws_binary(bytes), {bytes}});
    } else {
      cases.push_back({"1.1." + number, ws_text(text), {}, {}, 1009});
      cases.push_back({"1.2." + number, ws_binary(bytes), {}, {}, 1009});
    }
  }
}

inline void add_pings(std::vector<WsCase>& cases) {
  const std::string binary = octets({0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff});
  const std::string longest(125, '\xfe');
  cases.push_back({"2.1", ws_ping(""), {}, {""}});
  cases.push_back({"2.2", ws_ping("Hello, world!"), {}, {"Hello, world!"}});
  cases.push_back({"2.3", ws_ping(binary), {}, {binary}});
  cases.push_back({"2.4", ws_ping(longest), {}, {longest}});
  cases.push_back({"2.5", ws_ping(longest + "*"), {}, {}, 1002});
  cases.push_back({"2.7", ws_frame(10, ""), {}});
  cases.push_back({"2.8", ws_frame(10, "unsolicited pong payload"), {}});
  cases.push_back(
      {"2.9", ws_frame(10, "unsolicited") + ws_ping("ping payload"), {}, {"ping payload"}});
  std::string pings;
  std::vector<std::string> pongs;
  for (int i = 0; i < 10; ++i) {
    pongs.push_back("payload-" + std::to_string(i));
    pings += ws_ping(pongs.back());
  }
  cases.push_back({"2.10", pings, {}, pongs});
}

// The messages before the fault may come back, or not, if all arrives at once: what comes before
// is sent, and read back, by a case of its own.
inline void add_reserved(std::vector<WsCase>& cases) {
  const std::string payload = "Hello, world!";
  cases.push_back({"3.1", ws_frame(1, payload, {.rsv = 1}), {}, {}, 1002});
  cases.push_back({"3.2", ws_frame(1, payload, {.rsv = 2}) + ws_ping(""), {}, {}, 1002});
  cases.push_back({"3.3", ws_frame(1, payload, {.rsv = 3}) + ws_ping(""), {}, {}, 1002});
  cases.push_back({"3.4", ws_frame(1, payload, {.rsv = 4}) + ws_ping(""), {}, {}, 1002});
  cases.push_back({"3.5", ws_frame(2, payload, {.rsv = 5}), {}, {}, 1002});
  cases.push_back({"3.6", ws_frame(9, payload, {.rsv = 6}), {}, {}, 1002});
  cases.push_back({"3.7", ws_frame(8, ws_code(1000), {.rsv = 7}), {}, {}, 1002});
  for (int i = 0; i < 5; ++i) {
    const std::string number = std::to_string(i + 1);
    cases.push_back(
        {"4.1." + number, ws_frame(3 + i, i == 0 ? "" : payload) + ws_ping(""), {}, {}, 1002});
    cases.push_back(
        {"4.2." + number, ws_frame(11 + i, i == 0 ? "" : payload) + ws_ping(""), {}, {}, 1002});
  }
  cases.push_back({"unmasked", ws_frame(1, payload, {.masked = false}), {}, {}, 1002});
  // RFC 6455 5.2: the minimal number of bytes for a length.
  cases.push_back({"length16", octets({0x82, 0xfe, 0, 5, 0, 0, 0, 0}) + "Hello", {}, {}, 1002});
  cases.push_back(
      {"length64", octets({0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0}), {}, {}, 1002});
  cases.push_back(
      {"length63", octets({0x82, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0}), {}, {}, 1002});
  cases.push_back(
      {"length62", octets({0x82, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 1}), {}, {}, 1009});
}

inline void add_fragments(std::vector<WsCase>& cases) {
  const std::string a = "fragment1", b = "fragment2", both = a + b, ping = ws_ping("pongme");
  cases.push_back({"5.1", ws_frame(9, a, {.fin = false}) + ws_more(b, true), {}, {}, 1002});
  cases.push_back({"5.2", ws_frame(10, a, {.fin = false}) + ws_more(b, true), {}, {}, 1002});
  cases.push_back({"5.3", ws_text(a, false) + ws_more(b, true), {both}});
  cases.push_back({"5.6", ws_text(a, false) + ping + ws_more(b, true), {both}, {"pongme"}});
  cases.push_back(
      {"5.9", ws_more("non-continuation payload", true) + ws_text("Hello"), {}, {}, 1002});
  cases.push_back({"5.12", ws_more("non-continuation payload") + ws_text("Hello"), {}, {}, 1002});
  cases.push_back({"5.15", ws_more("fragment3") + ws_text("fragment4", true), {}, {}, 1002});
  cases.push_back({"5.18", ws_text(a, false) + ws_text(b), {}, {}, 1002});
  const std::string f5 = "fragment1fragment2fragment3fragment4fragment5";
  cases.push_back({"5.19",
                   ws_text(a, false) + ws_more(b) + ws_ping("pongme 1!") + ws_more("fragment3") +
                       ws_more("fragment4") + ws_ping("pongme 2!") + ws_more("fragment5", true),
                   {f5},
                   {"pongme 1!", "pongme 2!"}});
  cases.push_back({"binary", ws_binary("", false) + ws_more("") + ws_more("", true), {""}});
  std::string many = ws_binary("", false), payload;
  for (int i = 0; i < 50; ++i) {
    payload += "0123456789";
    many += ws_more("0123456789", i == 49);
  }
  cases.push_back({"10.1.1", many, {payload}});
  const std::string half(32'768, '*');
  cases.push_back(
      {"9.3", ws_text(half, false) + ws_more(half.substr(1), true), {half + half.substr(1)}});
  cases.push_back({"9.4", ws_binary(half, false) + ws_more(half, true), {}, {}, 1009});
}

inline void add_texts(std::vector<WsCase>& cases) {
  const std::string kosme = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
  const std::string hello =
      "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!";
  const auto valid = [&](const std::string& number, const std::string& text) {
    cases.push_back({number, ws_text(text), {text}});
    std::string bytewise = ws_text("", false);
    for (const char c : text) bytewise += ws_more({&c, 1});
    cases.push_back({number + " by the byte", bytewise + ws_more("", true), {text}});
  };
  const auto invalid = [&](const std::string& number, const std::string& text) {
    cases.push_back({number, ws_text(text), {}, {}, 1007});
    std::string bytewise = ws_text("", false);
    for (const char c : text) bytewise += ws_more({&c, 1});
    cases.push_back({number + " by the byte", bytewise + ws_more("", true), {}, {}, 1007});
    // What is binary may be anything.
    cases.push_back({number + " in binary", ws_binary(text), {text}});
  };
  cases.push_back({"6.1.1", ws_text(""), {""}});
  cases.push_back({"6.1.2", ws_text("", false) + ws_more("") + ws_more("", true), {""}});
  cases.push_back(
      {"6.1.3", ws_text("", false) + ws_more("middle") + ws_more("", true), {"middle"}});
  valid("6.2.1", hello);
  invalid("6.3.1", kosme + "\xed\xa0\x80" + "edited");
  // It ends where no UTF-8 can follow any more, without the rest of the message.
  cases.push_back({"6.4.1", ws_text(kosme, false) + ws_more("\xf4\x90\x80\x80"), {}, {}, 1007});
  cases.push_back({"6.4.2", ws_text(kosme + "\xf4", false) + ws_more("\x90"), {}, {}, 1007});
  cases.push_back(
      {"6.4.3", ws_frame(1, kosme + "\xf4\x90\x80\x80" + "edited").substr(0, 21), {}, {}, 1007});
  for (std::size_t size = 1; size <= kosme.size(); ++size) {
    const bool whole = size == 2 || size == 5 || size == 7 || size == 9 || size == 11;
    const std::string text = kosme.substr(0, size), number = "6.6." + std::to_string(size);
    whole ? valid(number, text) : invalid(number, text);
  }
  int n = 0;
  for (const auto& text : {octets({0}), std::string("\xc2\x80"), std::string("\xe0\xa0\x80"),
                           std::string("\xf0\x90\x80\x80")})
    valid("6.7." + std::to_string(++n), text);
  invalid("6.8.1", "\xf8\x88\x80\x80\x80");
  invalid("6.8.2", "\xfc\x84\x80\x80\x80\x80");
  n = 0;
  for (const char* text : {"\x7f", "\xdf\xbf", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"})
    valid("6.9." + std::to_string(++n), text);
  n = 0;
  for (const char* text : {"\xf7\xbf\xbf\xbf", "\xfb\xbf\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf\xbf"})
    invalid("6.10." + std::to_string(++n), text);
  n = 0;
  for (const char* text : {"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbd", "\xf4\x8f\xbf\xbf"})
    valid("6.11." + std::to_string(++n), text);
  invalid("6.11.5", "\xf4\x90\x80\x80");
  n = 0;
  for (const char* text : {"\x80", "\xbf", "\x80\xbf", "\x80\xbf\x80", "\x80\xbf\x80\xbf"})
    invalid("6.12." + std::to_string(++n), text);
  n = 0;
  for (const char* text : {"\xc0 \xc1 ", "\xe0 \xe1 ", "\xf0 \xf1 ", "\xf8 \xf9 ", "\xfc "})
    invalid("6.13." + std::to_string(++n), text);
  n = 0;
  for (const char* text :
       {"\xc0", "\xe0\x80", "\xf0\x80\x80", "\xf8\x80\x80\x80", "\xdf", "\xef\xbf", "\xf7\xbf\xbf"})
    invalid("6.14." + std::to_string(++n), text);
  invalid("6.16.1", "\xfe");
  invalid("6.16.2", "\xff");
  n = 0;
  for (const char* text : {"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x80\x80\x80\xaf"})
    invalid("6.17." + std::to_string(++n), text);
  n = 0;
  for (const char* text : {"\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf"})
    invalid("6.18." + std::to_string(++n), text);
  invalid("6.19.1", "\xc0\x80");
  n = 0;
  for (const char* text : {"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf",
                           "\xed\xb0\x80", "\xed\xbe\x80", "\xed\xbf\xbf"})
    invalid("6.20." + std::to_string(++n), text);
  invalid("6.21.1", "\xed\xa0\x80\xed\xb0\x80");
  n = 0;
  for (const char* text : {"\xef\xbf\xbe", "\xef\xbf\xbf", "\xf0\x9f\xbf\xbe", "\xf4\x8f\xbf\xbf"})
    valid("6.22." + std::to_string(++n), text);
  valid("6.23.1", "\xef\xbf\xbd");
}

inline void add_closes(std::vector<WsCase>& cases) {
  const std::string close = ws_close(1000);
  cases.push_back({"7.1.1", ws_text("Hello World!") + close, {"Hello World!"}, {}, 1000});
  cases.push_back({"7.1.2", close + close, {}, {}, 1000});
  cases.push_back({"7.1.3", close + ws_ping("Hello World!"), {}, {}, 1000});
  cases.push_back({"7.1.4", close + ws_text("Hello World!"), {}, {}, 1000});
  cases.push_back(
      {"7.1.5", ws_text("fragment1", false) + close + ws_more("fragment2", true), {}, {}, 1000});
  cases.push_back({"7.3.1", ws_frame(8, ""), {}, {}, WsCase::kNone});
  cases.push_back({"7.3.2", ws_frame(8, "a"), {}, {}, 1002});
  cases.push_back({"7.3.3", close, {}, {}, 1000});
  cases.push_back({"7.3.4", ws_close(1000, "Hello World!"), {}, {}, 1000});
  cases.push_back({"7.3.5", ws_close(1000, std::string(123, '*')), {}, {}, 1000});
  cases.push_back({"7.3.6", ws_close(1000, std::string(124, '*')), {}, {}, 1002});
  cases.push_back({"7.5.1", ws_close(1000, "\xce\xba\xe1\xbd\xb9\xed\xa0\x80"), {}, {}, 1007});
  cases.push_back({"7.5.2", ws_close(1000, "\xce\xba\xe1\xbd"), {}, {}, 1007});
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                         3000, 3999, 4000, 4999})
    cases.push_back({"7.7 " + std::to_string(code), ws_close(code), {}, {}, code});
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65'535})
    cases.push_back({"7.9 " + std::to_string(code), ws_close(code), {}, {}, 1002});
}

}  // namespace ws_cases

inline std::vector<WsCase> all_ws_cases() {
  std::vector<WsCase> cases;
  ws_cases::add_framing(cases);
  ws_cases::add_pings(cases);
  ws_cases::add_reserved(cases);
  ws_cases::add_fragments(cases);
  ws_cases::add_texts(cases);
  ws_cases::add_closes(cases);
  return cases;
}

}  // namespace gatehouse::test
