#include "protocol/gate_handshake.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "base/user_name.hpp"
#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"
#include "crypto/skynet_suite.hpp"

namespace gatehouse::protocol {
namespace {

constexpr std::string_view kLuaBlanks = " \t\n\v\f\r";
constexpr std::size_t kSkynetColons = 2;
constexpr std::size_t kExtendedColons = 5;

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kLuaBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kLuaBlanks) - first + 1);
}

// An unsigned whole number over the whole text.
std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (text.empty() || result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

// Hexadecimal digits only, modulo 2^64, as Lua reads them.
std::optional<std::uint64_t> parse_hexadecimal(std::string_view digits) {
  if (digits.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : digits) {
    unsigned digit = 0;
    if (std::from_chars(&c, &c + 1, digit, 16).ec != std::errc()) return std::nullopt;
    value = value << 4 | digit;
  }
  return value;
}

std::optional<double> parse_real(std::string_view text, std::chars_format format) {
  // from_chars takes "inf", "nan" and a sign of its own; tonumber takes none of them here.
  if (text.empty() || text.front() == '-' || text.find_first_of("nN") != std::string_view::npos)
    return std::nullopt;
  double value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value, format);
  if (result.ec != std::errc() || result.ptr != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

// skynet's form when the text has at least two colons.
struct Fields {
  std::array<std::string_view, kExtendedColons + 1> at;
  std::size_t colons = 0;
};

Fields split(std::string_view body) {
  Fields fields;
  fields.colons = static_cast<std::size_t>(std::count(body.begin(), body.end(), ':'));
  for (std::string_view& field : fields.at) {
    const std::size_t colon = body.find(':');
    field = body.substr(0, colon);
    if (colon == std::string_view::npos) break;
    body.remove_prefix(colon + 1);
  }
  return fields;
}

// The last push field: decimal digits of a u32.
std::optional<std::uint32_t> parse_push_number(std::string_view text) {
  const auto value = parse_decimal(text);
  if (!value || *value > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*value);
}

struct GateName {
  std::string uid;
  std::string server;
  std::string subid;
};

// The base64 as parse_token() takes it: padding may be missing.
Result<GateName> split_gate_name(std::string_view text) {
  const std::size_t at = text.find('@');
  const std::size_t mark = at == std::string_view::npos ? at : text.find('#', at + 1);
  if (mark == std::string_view::npos) return fail(Errc::kInvalid, "name has not three parts");
  auto uid = crypto::base64_decode(text.substr(0, at));
  auto server = crypto::base64_decode(text.substr(at + 1, mark - at - 1));
  auto subid = crypto::base64_decode(text.substr(mark + 1));
  if (!uid || !server || !subid) return fail(Errc::kInvalid, "name is not base64");
  return GateName{std::move(*uid), std::move(*server), std::move(*subid)};
}

}  // namespace

std::optional<HandshakeIndex> parse_index(std::string_view text) {
  text = trim(text);
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  const auto signed_value = [negative](HandshakeIndex value) { return negative ? -value : value; };
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    text.remove_prefix(2);
    if (const auto value = parse_hexadecimal(text)) {
      const std::uint64_t wrapped = negative ? 0 - *value : *value;
      return static_cast<HandshakeIndex>(static_cast<std::int64_t>(wrapped));
    }
    if (const auto value = parse_real(text, std::chars_format::hex)) return signed_value(*value);
    return std::nullopt;
  }
  constexpr std::uint64_t kIntegerMax = std::numeric_limits<std::int64_t>::max();
  const auto whole = parse_decimal(text);
  if (whole && *whole <= kIntegerMax + (negative ? 1 : 0))
    return signed_value(static_cast<HandshakeIndex>(*whole));
  if (const auto value = parse_real(text, std::chars_format::general)) return signed_value(*value);
  return std::nullopt;
}

GateHandshake parse_gate_handshake(std::string_view body) {
  const Fields fields = split(body);
  GateHandshake handshake;
  if (fields.colons < kSkynetColons) return handshake;

  const bool extended = fields.colons == kExtendedColons;
  const std::string_view mac = fields.at[extended ? kExtendedColons : kSkynetColons];
  handshake.form = extended ? HandshakeForm::kExtended : HandshakeForm::kSkynet;
  GATEHOUSE_ASSERT(mac.data() > body.data() && mac.data()[-1] == ':');
  handshake.name = fields.at[0];
  handshake.text = body.substr(0, static_cast<std::size_t>(mac.data() - body.data()) - 1);

  const auto index = parse_index(fields.at[1]);
  auto mac_bytes = crypto::skynet_base64_decode(mac);
  handshake.malformed = !index || !mac_bytes;
  if (extended) {
    const auto last_push = parse_push_number(fields.at[2]);
    handshake.conversation = fields.at[3];
    handshake.options = fields.at[4];
    if (!last_push || !valid_conversation(handshake.conversation)) handshake.malformed = true;
    handshake.last_push = last_push.value_or(0);
  }
  handshake.index = index.value_or(0);
  if (mac_bytes) handshake.mac = std::move(*mac_bytes);
  return handshake;
}

std::string_view judge_gate_handshake(const GateHandshake& handshake, const GateSession* session) {
  if (handshake.form == HandshakeForm::kNone || session == nullptr) return kGateNotFound;
  if (handshake.malformed) return kGateBadRequest;
  GATEHOUSE_ASSERT(session->last_index >= 0);  // nothing is accepted that is not above 0
  if (handshake.index <= session->last_index) return kGateIndexExpired;
  if (!verify_gate_mac(session->suite, session->secret, handshake.text, handshake.mac))
    return kGateUnauthorized;
  return kGateOk;
}

std::string format_gate_ok(HandshakeForm form, std::string_view options_granted) {
  GATEHOUSE_ASSERT(form != HandshakeForm::kNone);
  std::string answer(kGateOk);
  if (form != HandshakeForm::kExtended || options_granted.empty()) return answer;
  answer.push_back(' ');
  answer.append(options_granted);
  return answer;
}

std::string gate_mac(Suite suite, const Secret& secret, std::string_view text) {
  if (suite != Suite::kSkynet) return crypto::hmac_sha256(secret.reveal(), text);
  return crypto::hmac_hash(secret.reveal(), text).value_or(std::string());
}

bool verify_gate_mac(Suite suite, const Secret& secret, std::string_view text,
                     std::string_view mac) {
  const std::string expected = gate_mac(suite, secret, text);
  return !expected.empty() && crypto::constant_time_equal(expected, mac);
}

std::optional<std::string> canonical_gate_name(std::string_view text) {
  const auto name = split_gate_name(text);
  if (!name) return std::nullopt;
  const auto uid = normalise_user_name(name->uid);
  const auto server = normalise_server_name(name->server);
  std::string canonical =
      make_gate_name(uid ? *uid : name->uid, server ? *server : name->server, name->subid);
  if (canonical == text) return std::nullopt;
  return canonical;
}

std::string make_gate_name(std::string_view uid, std::string_view server, std::string_view subid) {
  return crypto::base64_encode(uid) + '@' + crypto::base64_encode(server) + '#' +
         crypto::base64_encode(subid);
}

bool valid_conversation(std::string_view conversation) {
  return conversation.size() <= kConversationCharactersMax &&
         std::all_of(conversation.begin(), conversation.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

bool has_option(std::string_view options, std::string_view option) {
  while (true) {
    const std::size_t comma = options.find(',');
    if (options.substr(0, comma) == option) return true;
    if (comma == std::string_view::npos) return false;
    options.remove_prefix(comma + 1);
  }
}

}  // namespace gatehouse::protocol
