// The first frame of a gate connection (docs/protocol.md 3.2 to 3.6).
//
//   colons  meaning
//   0, 1    nobody: 404 (the empty frame too)
//   2       name:index:mac                                         skynet's form
//   5       name:index:last_push:conversation:options:mac          extended form
//   others  skynet's form, what follows the third field is ignored
//
// name = base64(uid)@base64(server)#base64(subid). The mac is in base64 and covers the text
// before its colon, as sent. Checks and answers, in this order, the first that fails:
//   1  404 User Not Found   the name is not logged in
//   2  400 Bad Request      the index is no number, the mac no base64; extended: last_push is no
//                           u32, the conversation not 0 to 32 characters of base64url
//   3  403 Index Expired    the index is not above that of the last accepted handshake
//   4  401 Unauthorized     the mac differs
//   5  200 OK               extended: may be followed by a blank and the options granted
// While a script keeps the worker of the name's session busy (limits.worker_stuck_ms) the answer
// is 503 Service Unavailable without these checks: try again later. Instead of 200 it may be
//   429 Too Many Requests         more handshakes than the player's rate has room for
//   503 Service Unavailable full  the gate is full, and no connection of this player makes room
//
// Options a client may ask for:
//   window   granted as window=N in a conversation: the answers that are remembered. Whoever has
//            at most N numbers unanswered and repeats those first is never told 410 Gone
//   sealed   granted to sessions of the suite x25519: all frames that follow the answer are sealed
//            (sealed_frames.hpp)
// All but 200 close the connection. Only a 200 consumes the index.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "protocol/suite.hpp"

namespace gatehouse::protocol {

inline constexpr std::string_view kGateOk = "200 OK";
inline constexpr std::string_view kWindowOption = "window";
inline constexpr std::string_view kSealedOption = "sealed";
inline constexpr std::string_view kGateNotFound = "404 User Not Found";
inline constexpr std::string_view kGateIndexExpired = "403 Index Expired";
inline constexpr std::string_view kGateUnauthorized = "401 Unauthorized";
inline constexpr std::string_view kGateBadRequest = "400 Bad Request";
inline constexpr std::string_view kGateUpgradeRequired = "426 Upgrade Required";
inline constexpr std::string_view kGateUnavailable = "503 Service Unavailable";
inline constexpr std::string_view kGateFull = "503 Service Unavailable full";
inline constexpr std::string_view kGateTooMany = "429 Too Many Requests";

// skynet reads the index with Lua's tonumber: an integer of 64 bits or a double. This type holds
// both without loss.
using HandshakeIndex = long double;
static_assert(std::numeric_limits<HandshakeIndex>::digits >= 64);

// The number that Lua's tonumber makes of the text: decimal or hexadecimal, whole or with a
// fraction and exponent, blanks around it; whole hexadecimal numbers wrap at 64 bits. Nothing
// for any other text, and for what is beyond the range of a double.
[[nodiscard]] std::optional<HandshakeIndex> parse_index(std::string_view text);

enum class HandshakeForm : std::uint8_t { kNone, kSkynet, kExtended };

// A handshake as received; the views point into the body.
struct GateHandshake {
  HandshakeForm form = HandshakeForm::kNone;  // kNone: answer 404, the rest is empty
  bool malformed = false;                     // answer 400 to a name that is logged in
  std::string_view name;
  std::string_view text;  // what the mac covers
  HandshakeIndex index = 0;
  std::string mac;  // decoded
  std::uint32_t last_push = 0;
  std::string_view conversation;
  std::string_view options;
};

[[nodiscard]] GateHandshake parse_gate_handshake(std::string_view body);

// What the gate knows of a name that is logged in.
struct GateSession {
  Suite suite = Suite::kSkynet;
  const Secret& secret;
  HandshakeIndex last_index = 0;  // of the last accepted handshake; 0 before the first
};

// The answer by the table above; `session` is null when the name is not logged in. One of the
// constants. On kGateOk the caller stores the index.
[[nodiscard]] std::string_view judge_gate_handshake(const GateHandshake& handshake,
                                                    const GateSession* session);

// kGateOk and, for the extended form, the options granted.
[[nodiscard]] std::string format_gate_ok(HandshakeForm form, std::string_view options_granted);

// skynet: hmac64(hash_key(text), secret), 8 bytes; otherwise HMAC-SHA256, 32 bytes. Empty when
// the secret does not fit the suite; no mac verifies against that.
[[nodiscard]] std::string gate_mac(Suite suite, const Secret& secret, std::string_view text);
// In constant time; false for a mac of another length.
[[nodiscard]] bool verify_gate_mac(Suite suite, const Secret& secret, std::string_view text,
                                   std::string_view mac);

// The name that a session has at the gate, of one that a client may have made of what the player
// typed: the uid and the server normalised (user_name.hpp), all parts in padded base64. Nothing
// when the text is that already, or no name at all.
[[nodiscard]] std::optional<std::string> canonical_gate_name(std::string_view text);

[[nodiscard]] std::string make_gate_name(std::string_view uid, std::string_view server,
                                         std::string_view subid);

// 0 to kConversationCharactersMax characters of base64url.
[[nodiscard]] bool valid_conversation(std::string_view conversation);

// True when the comma-separated list names the option.
[[nodiscard]] bool has_option(std::string_view options, std::string_view option);

}  // namespace gatehouse::protocol
