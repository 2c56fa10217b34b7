// The first frame of a gate connection. An input is the suite of the session and the frame; a "!"
// at its end stands for the right mac.
#include "protocol/gate_handshake.hpp"

#include <cmath>
#include <lua.hpp>

#include "crypto/encoding.hpp"
#include "fuzz.hpp"

namespace gatehouse::protocol {

namespace {

// docs/protocol.md 3.5: as Lua's tonumber reads a number, within the range of a double.
void check_index(std::string_view text) {
  static lua_State* const L = luaL_newstate();
  const auto ours = parse_index(text);
  if (ours) GATEHOUSE_ASSERT(std::isfinite(*ours));
  const std::string terminated(text);
  const bool number = lua_stringtonumber(L, terminated.c_str()) == terminated.size() + 1;
  if (!number) {
    GATEHOUSE_ASSERT(!ours);
  } else if (lua_isinteger(L, -1) != 0) {
    GATEHOUSE_ASSERT(ours && *ours == static_cast<HandshakeIndex>(lua_tointeger(L, -1)));
  } else {
    const double value = lua_tonumber(L, -1);
    const bool in_range = std::isnormal(value);
    if (in_range || ours) GATEHOUSE_ASSERT(ours && *ours == static_cast<HandshakeIndex>(value));
  }
  lua_settop(L, 0);
}

}  // namespace

FUZZ_TARGET(gate_handshake) {
  fuzz::Input choices(input);
  const Suite suite = static_cast<Suite>(choices.below(3));
  const Secret secret(std::string(suite == Suite::kSkynet ? 8 : 32, 's'));
  std::string body(choices.rest());
  bool signed_well = body.ends_with(":!");
  if (signed_well) {
    body.resize(body.size() - 1);
    const std::string_view text = std::string_view(body).substr(0, body.size() - 1);
    body += crypto::base64_encode(gate_mac(suite, secret, text));
  }

  const GateHandshake handshake = parse_gate_handshake(body);
  GATEHOUSE_ASSERT(body.starts_with(handshake.text) && handshake.text.size() <= body.size());
  GATEHOUSE_ASSERT(handshake.text.starts_with(handshake.name));
  GATEHOUSE_ASSERT(std::isfinite(handshake.index));
  GATEHOUSE_ASSERT(judge_gate_handshake(handshake, nullptr) == kGateNotFound);
  const GateSession session{suite, secret, 0};
  const std::string_view answer = judge_gate_handshake(handshake, &session);
  const auto colons = std::count(body.begin(), body.end(), ':');
  GATEHOUSE_ASSERT((handshake.form == HandshakeForm::kNone) == (colons < 2));
  GATEHOUSE_ASSERT((handshake.form == HandshakeForm::kExtended) == (colons == 5));
  if (handshake.form == HandshakeForm::kNone) {
    GATEHOUSE_ASSERT(answer == kGateNotFound);
  } else if (handshake.malformed) {
    GATEHOUSE_ASSERT(answer == kGateBadRequest);
  } else {
    GATEHOUSE_ASSERT(valid_conversation(handshake.conversation));
    signed_well = signed_well && (colons == 2 || colons == 5);
    if (handshake.index > 0 && signed_well) GATEHOUSE_ASSERT(answer == kGateOk);
    if (answer == kGateOk) {
      const GateSession used{suite, secret, handshake.index};
      GATEHOUSE_ASSERT(judge_gate_handshake(handshake, &used) == kGateIndexExpired);
    }
  }
  static_cast<void>(has_option(handshake.options, kWindowOption));

  if (const auto canonical = canonical_gate_name(handshake.name)) {
    GATEHOUSE_ASSERT(*canonical != handshake.name);
    GATEHOUSE_ASSERT(!canonical_gate_name(*canonical));
  }
  check_index(body.substr(0, body.find(':')));
  const std::size_t index_at = handshake.name.size() + 1;
  if (handshake.form != HandshakeForm::kNone)
    check_index(body.substr(index_at, body.find(':', index_at) - index_at));
}

}  // namespace gatehouse::protocol
