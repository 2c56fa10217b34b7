// "gatehouse.snax": what skynet's gate and login written in Lua share with ours: the replies of a
// user (protocol/reply_window.hpp) and the test of a client's key.
#include <limits>
#include <new>
#include <string>

#include "crypto/skynet_suite.hpp"
#include "modules/modules.hpp"
#include "protocol/frame.hpp"
#include "protocol/reply_window.hpp"
#include "script/bind_util.hpp"

namespace gatehouse::modules {
namespace {

constexpr const char* kReplies = "gatehouse.snax.replies";

protocol::ReplyWindow& check_replies(lua_State* L) {
  return *static_cast<protocol::ReplyWindow*>(luaL_checkudata(L, 1, kReplies));
}

int free_replies(lua_State* L) {
  protocol::ReplyWindow& replies = check_replies(L);
  replies.~ReplyWindow();
  new (&replies) protocol::ReplyWindow(1, 0);  // a finalizer may find it once more
  return 0;
}

std::uint32_t check_number(lua_State* L, int index) {
  const lua_Integer number = luaL_checkinteger(L, index);
  luaL_argcheck(L, number >= 0 && number <= UINT32_MAX, index, "not a 32 bit number");
  return static_cast<std::uint32_t>(number);
}

// Pushes the frame of an answer. False: the memory error instead.
bool push_frame(lua_State* L, std::string_view content, protocol::FrameKind kind,
                std::uint32_t session) {
  std::string frame;
  static_cast<void>(protocol::append_response(frame, content, kind, session));
  return script::push_owned(L, frame);
}

// replies:ask(session, version) -> "run"; "send", frame; "wait": done() will have the answer; or
// "conflict". `version` is the number of the user's connection, from 1 up.
int replies_ask(lua_State* L) {
  using Verdict = protocol::ReplyWindow::Verdict;
  const std::uint32_t session = check_number(L, 2);
  const auto begun = check_replies(L).begin(session, check_number(L, 3));
  switch (begun.verdict) {
    case Verdict::kRun:
      lua_pushliteral(L, "run");
      return 1;
    case Verdict::kWait:
      lua_pushliteral(L, "wait");
      return 1;
    case Verdict::kResend:
      lua_pushliteral(L, "send");
      return push_frame(L, begun.content, begun.kind, session) ? 2 : lua_error(L);
    case Verdict::kGone:
    case Verdict::kConflict:
      break;
  }
  lua_pushliteral(L, "conflict");
  return 1;
}

// replies:done(session, ok, content, version) -> the frame for the user's connection, or nil when
// that has not asked; and what was wrong, or nil. Once for each "run". `version` is that of the
// connection now, 0 without one.
int replies_done(lua_State* L) {
  protocol::ReplyWindow& replies = check_replies(L);
  const std::uint32_t session = check_number(L, 2);
  const bool ran = lua_toboolean(L, 3) != 0;
  const std::uint32_t version = check_number(L, 5);
  lua_settop(L, 5);
  std::size_t size = 0;
  const char* text = "";
  if (!ran) {
    luaL_tolstring(L, 4, nullptr);
  } else if (!lua_isnil(L, 4) && !lua_isstring(L, 4)) {
    lua_pushfstring(L, "the answer is a %s", luaL_typename(L, 4));
  } else if (lua_isstring(L, 4) != 0 &&
             (text = lua_tolstring(L, 4, &size), size > kResponseContentBytesMax)) {
    lua_pushfstring(L, "the answer has %I bytes", static_cast<lua_Integer>(size));
  } else {
    lua_pushnil(L);
  }
  const auto completed =
      replies.complete({.session = session}, lua_isnil(L, 6), {text, size}, version);
  if (!completed.send) {
    lua_pushnil(L);
  } else if (!push_frame(L, completed.content, completed.kind, session)) {
    return lua_error(L);
  }
  lua_insert(L, 6);
  return 2;
}

// replies(count) -> the replies of one user, of which `count` are kept.
int l_replies(lua_State* L) {
  const std::uint32_t count = check_number(L, 1);
  void* const memory = lua_newuserdatauv(L, sizeof(protocol::ReplyWindow), 0);
  // A reply whose content went would be asked for by running it again: all contents stay.
  new (memory) protocol::ReplyWindow(count, std::numeric_limits<std::uint32_t>::max());
  luaL_setmetatable(L, kReplies);
  return 1;
}

// weak_key(public key of 8 bytes) -> whether everybody knows the secret that it makes
int l_weak_key(lua_State* L) {
  const std::string_view key = script::check_view(L, 1);
  luaL_argcheck(L, key.size() == crypto::kSkynetKeyBytes, 1, "a key has 8 bytes");
  lua_pushboolean(L, crypto::weak_public_key(key) ? 1 : 0);
  return 1;
}

}  // namespace

int open_snax(lua_State* L) {
  static const luaL_Reg methods[] = {
      {"ask", script::bind<replies_ask>}, {"done", script::bind<replies_done>}, {nullptr, nullptr}};
  static const luaL_Reg functions[] = {{"replies", script::bind<l_replies>},
                                       {"weak_key", script::bind<l_weak_key>},
                                       {nullptr, nullptr}};
  luaL_newmetatable(L, kReplies);
  lua_pushcfunction(L, script::bind<free_replies>);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  luaL_newlib(L, functions);
  return 1;
}

}  // namespace gatehouse::modules
