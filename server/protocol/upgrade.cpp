#include "protocol/upgrade.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <iterator>

#include "base/assert.hpp"
#include "crypto/encoding.hpp"
#include "crypto/skynet_suite.hpp"

namespace gatehouse::protocol {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::string_view kWebSocketGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 1.3
constexpr std::string_view kWebSocketVersion = "13";
constexpr std::size_t kKeyBytes = 16;

struct UpgradeRow {
  UpgradeResult result;
  std::string_view name;
  std::string_view status;
  std::string_view fields;  // further ones
  std::string_view text;
};

constexpr std::array<UpgradeRow, kUpgradeResults> kAnswers{{
    {UpgradeResult::kAccepted, "accepted", "101 Switching Protocols", "", ""},
    {UpgradeResult::kNotHttp, "not_http", "400 Bad Request", "", "This is no HTTP request."},
    {UpgradeResult::kTooLarge, "too_large", "431 Request Header Fields Too Large", "",
     "The request has more than 8192 bytes or 64 fields."},
    {UpgradeResult::kMethod, "method", "405 Method Not Allowed", "Allow: GET\r\n",
     "Only GET is served, with an upgrade to WebSocket."},
    {UpgradeResult::kHttpVersion, "http_version", "505 HTTP Version Not Supported", "",
     "WebSocket begins with HTTP/1.1."},
    {UpgradeResult::kNoUpgrade, "no_upgrade", "426 Upgrade Required", "Upgrade: websocket\r\n",
     "This is the port of a game server. There is no page here: game clients connect to it by "
     "WebSocket."},
    {UpgradeResult::kVersion, "version", "426 Upgrade Required",
     "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Version must be 13."},
    {UpgradeResult::kBadRequest, "bad_request", "400 Bad Request", "",
     "This is no complete request for a WebSocket (RFC 6455 section 4.2.1)."},
    {UpgradeResult::kOrigin, "origin", "403 Forbidden", "",
     "Pages of this origin may not connect here."},
}};

const UpgradeRow& row_of(UpgradeResult result) {
  const auto index = static_cast<std::size_t>(result);
  GATEHOUSE_ASSERT(index < kUpgradeResults && kAnswers[index].result == result);
  return kAnswers[index];
}

std::string http_response(std::string_view status, std::string_view fields, std::string_view text) {
  return fmt::format(
      "HTTP/1.1 {}\r\n{}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n"
      "Cache-Control: no-store\r\nConnection: close\r\n\r\n{}\n",
      status, fields, text.size() + 1, text);
}

using UpgradeRequest = http::request<http::empty_body>;

std::string_view text_of(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

// Whether a list in one of these fields has the token.
bool lists(const UpgradeRequest& request, http::field field, std::string_view token) {
  const auto range = request.equal_range(field);
  return std::any_of(range.first, range.second, [&](const auto& line) {
    return http::token_list{line.value()}.exists({token.data(), token.size()});
  });
}

// The value of a field that is there once, else nothing.
std::string_view only(const UpgradeRequest& request, http::field field) {
  return request.count(field) == 1 ? text_of(request[field]) : std::string_view();
}

bool has_body(const UpgradeRequest& request) {
  if (request.count(http::field::transfer_encoding) != 0) return true;
  return request.count(http::field::content_length) != 0 &&
         request[http::field::content_length] != "0";
}

// As names of sub-protocols are compared: by every character (RFC 6455 11.3.4).
bool offers(const UpgradeRequest& request, std::string_view subprotocol) {
  const auto range = request.equal_range(http::field::sec_websocket_protocol);
  for (auto line = range.first; line != range.second; ++line)
    for (const auto& token : http::token_list{line->value()})
      if (text_of(token) == subprotocol) return true;
  return false;
}

UpgradeResult judge_request(const UpgradeRequest& request, const UpgradeRules& rules) {
  using enum UpgradeResult;
  if (std::distance(request.begin(), request.end()) > static_cast<long>(kUpgradeFieldsMax))
    return kTooLarge;
  if (request.method() != http::verb::get) return kMethod;
  if (request.version() != 11) return kHttpVersion;
  if (only(request, http::field::host).empty() || has_body(request)) return kBadRequest;
  if (!lists(request, http::field::upgrade, "websocket")) return kNoUpgrade;
  if (!lists(request, http::field::connection, "upgrade")) return kBadRequest;
  if (only(request, http::field::sec_websocket_version) != kWebSocketVersion) return kVersion;
  const auto key = crypto::base64_decode(only(request, http::field::sec_websocket_key));
  if (!key || key->size() != kKeyBytes) return kBadRequest;
  const auto origins = request.count(http::field::origin);
  if (origins > 1) return kBadRequest;
  if (origins == 1 && !rules.origins.allow(text_of(request[http::field::origin]))) return kOrigin;
  return kAccepted;
}

std::string accept_request(const UpgradeRequest& request, const UpgradeRules& rules) {
  std::string key(only(request, http::field::sec_websocket_key));
  key += kWebSocketGuid;
  std::string text = fmt::format(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: {}\r\n",
      crypto::base64_encode(crypto::sha1(key)));
  if (offers(request, rules.subprotocol))
    text += fmt::format("Sec-WebSocket-Protocol: {}\r\n", rules.subprotocol);
  text += "\r\n";
  return text;
}

}  // namespace

std::string_view name(UpgradeResult result) {
  return row_of(result).name;
}

std::size_t upgrade_head_bytes(std::string_view text, std::size_t seen) {
  const std::size_t from = seen < kHeadEnd.size() ? 0 : seen - kHeadEnd.size() + 1;
  const std::size_t at = text.find(kHeadEnd, from);
  return at == std::string_view::npos ? 0 : at + kHeadEnd.size();
}

UpgradeAnswer refuse_upgrade(UpgradeResult result, const UpgradeRules& rules) {
  const UpgradeRow& row = row_of(result);
  if (result != UpgradeResult::kNoUpgrade)
    return {result, http_response(row.status, row.fields, row.text)};
  return {result,
          http_response(row.status, row.fields,
                        fmt::format("{} The sub-protocol is {}.", row.text, rules.subprotocol))};
}

UpgradeAnswer judge_upgrade(std::string_view head, const UpgradeRules& rules) {
  GATEHOUSE_ASSERT(head.ends_with(kHeadEnd));
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kUpgradeBytesMax);
  boost::beast::error_code error;
  parser.put(boost::asio::buffer(head.data(), head.size()), error);
  if (error == http::error::header_limit) return refuse_upgrade(UpgradeResult::kTooLarge, rules);
  if (error == http::error::bad_version) return refuse_upgrade(UpgradeResult::kHttpVersion, rules);
  if (error || !parser.is_header_done()) return refuse_upgrade(UpgradeResult::kNotHttp, rules);
  const UpgradeResult result = judge_request(parser.get(), rules);
  if (result != UpgradeResult::kAccepted) return refuse_upgrade(result, rules);
  return {result, accept_request(parser.get(), rules)};
}

std::string upgrade_unavailable() {
  return http_response("503 Service Unavailable", "", "No connection is taken now.");
}

}  // namespace gatehouse::protocol
