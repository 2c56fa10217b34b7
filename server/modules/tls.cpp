// "gatehouse.tls", also "ltls.c": sessions of crypto/tls.hpp with the methods that skynet's TLS
// module has (newctx, newtls, handshake, finished, read, write, close), and what
// lua/lib/http/tlshelper.lua needs besides. Nothing here waits or knows a socket.
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crypto/tls.hpp"
#include "modules/modules.hpp"
#include "script/bind_util.hpp"

namespace gatehouse::modules {
namespace {

const char kContextType[] = "gatehouse.tls.context";
const char kSessionType[] = "gatehouse.tls.session";

// A buffer that grew beyond this gives its memory back when it is empty.
constexpr std::size_t kKeepBytes = 32768;

// A context, and whether a script said whom it trusts.
struct LuaContext {
  std::shared_ptr<crypto::TlsContext> context;
  bool trusts = false;
};

// A session with what its script has not taken yet. No session: it was closed.
struct LuaSession {
  std::optional<crypto::TlsSession> session;
  std::string plain;
  std::size_t head = 0;  // bytes of plain that were taken
  std::string wire;
};

void clear(std::string& buffer) {
  if (buffer.capacity() > kKeepBytes) std::string().swap(buffer);
  buffer.clear();
}

void release(LuaContext& context) {
  context.context.reset();
}

void release(LuaSession& session) {
  session.session.reset();
  std::string().swap(session.plain);
  std::string().swap(session.wire);
  session.head = 0;
}

template <class T>
T& new_object(lua_State* L, const char* type) {
  T* object = new (lua_newuserdatauv(L, sizeof(T), 0)) T;
  luaL_setmetatable(L, type);
  return *object;
}

// Leaves an object that owns nothing, because another finalizer may still call it.
template <class T, const char* Type>
int collect(lua_State* L) {
  release(*static_cast<T*>(luaL_checkudata(L, 1, Type)));
  return 0;
}

LuaContext& check_context(lua_State* L, int index) {
  auto& context = *static_cast<LuaContext*>(luaL_checkudata(L, index, kContextType));
  luaL_argcheck(L, context.context != nullptr, index, "no context");
  return context;
}

LuaSession& to_session(lua_State* L) {
  return *static_cast<LuaSession*>(luaL_checkudata(L, 1, kSessionType));
}

LuaSession& check_session(lua_State* L) {
  LuaSession& session = to_session(L);
  luaL_argcheck(L, session.session.has_value(), 1, "the session is closed");
  return session;
}

// Runs `act`; raises its error with the caller's place.
template <class Act>
void check(lua_State* L, Act act) {
  bool ok = false;
  {
    const Result<> done = act();
    ok = done.has_value();
    if (!ok) script::push_owned(L, done.error().message);
  }
  if (ok) return;
  luaL_where(L, 1);
  lua_insert(L, -2);
  lua_concat(L, 2);
  lua_error(L);
}

// --- Contexts

// newctx() -> context
int l_newctx(lua_State* L) {
  auto& made = new_object<LuaContext>(L, kContextType);
  check(L, [&made]() -> Result<> {
    auto context = crypto::TlsContext::make();
    if (!context) return tl::unexpected(context.error());
    made.context = std::move(*context);
    return {};
  });
  return 1;
}

int add_certificate(lua_State* L, bool alone) {
  const LuaContext& to = check_context(L, 1);
  const std::string_view chain = script::check_view(L, 2), key = script::check_view(L, 3);
  check(L, [&to, chain, key, alone] {
    const auto added = to.context->load_certificate(std::string(chain), std::string(key));
    if (added && alone) to.context->forget_older_certificates();
    return added;
  });
  return 0;
}

// ctx:set_cert(certfile, keyfile): the only certificate
int l_set_cert(lua_State* L) {
  return add_certificate(L, true);
}
// ctx:add_cert(certfile, keyfile): one more, for clients that ask for its name
int l_add_cert(lua_State* L) {
  return add_certificate(L, false);
}

int l_set_ciphers(lua_State* L) {
  const LuaContext& to = check_context(L, 1);
  const std::string_view list = script::check_view(L, 2);
  check(L, [&to, list] { return to.context->set_ciphers(std::string(list)); });
  return 0;
}

// ctx:set_alpn(name, ...)
int l_set_alpn(lua_State* L) {
  const LuaContext& to = check_context(L, 1);
  const int count = lua_gettop(L);
  for (int i = 2; i <= count; ++i) luaL_checkstring(L, i);
  check(L, [&to, L, count] {
    std::vector<std::string> names;
    for (int i = 2; i <= count; ++i) names.emplace_back(script::check_view(L, i));
    return to.context->set_alpn(names);
  });
  return 0;
}

int l_set_verify(lua_State* L) {
  const LuaContext& to = check_context(L, 1);
  luaL_checktype(L, 2, LUA_TBOOLEAN);
  to.context->set_verify(lua_toboolean(L, 2) != 0);
  return 0;
}

// ctx:trust([file]): the certificates of a PEM file, or the system's
int l_trust(lua_State* L) {
  LuaContext& to = check_context(L, 1);
  const char* file = luaL_optstring(L, 2, nullptr);
  check(L, [&to, file] {
    return file != nullptr ? to.context->trust_file(file) : to.context->trust_system();
  });
  to.trusts = true;
  return 0;
}

// --- Sessions

// newtls("client" or "server", ctx[, hostname]) -> session
int l_newtls(lua_State* L) {
  static const char* const roles[] = {"client", "server", nullptr};
  const bool client = luaL_checkoption(L, 1, nullptr, roles) == 0;
  LuaContext& of = check_context(L, 2);
  std::size_t size = 0;
  const char* name = luaL_optlstring(L, 3, "", &size);
  const std::string_view host(name, size);
  auto& made = new_object<LuaSession>(L, kSessionType);
  check(L, [&of, &made, client, host]() -> Result<> {
    if (client && of.context->verifies() && !of.trusts) {
      const auto trusted = of.context->trust_system();
      if (!trusted) return trusted;
      of.trusts = true;
    }
    auto session = client ? crypto::TlsSession::client(of.context, host)
                          : crypto::TlsSession::server(of.context);
    if (!session) return tl::unexpected(session.error());
    made.session.emplace(std::move(*session));
    return {};
  });
  return 1;
}

// What is to be sent, or nil.
int push_wire(lua_State* L, LuaSession& session) {
  if (session.wire.empty()) {
    lua_pushnil(L);
  } else {
    script::push_view(L, session.wire);
    clear(session.wire);
  }
  return 1;
}

int push_plain(lua_State* L, LuaSession& session, std::size_t size) {
  script::push_view(L, std::string_view(session.plain).substr(session.head, size));
  session.head += size;
  if (session.head == session.plain.size()) {
    clear(session.plain);
    session.head = 0;
  } else if (session.head > kKeepBytes) {
    session.plain.erase(0, session.head);
    session.head = 0;
  }
  return 1;
}

// Raises without a place: it is the peer's doing, not the caller's.
void feed(lua_State* L, LuaSession& session, std::string_view received) {
  bool ok = false;
  {
    const auto fed = session.session->feed(received, session.plain, session.wire);
    ok = fed.has_value();
    if (!ok) script::push_owned(L, fed.error().message);
  }
  if (!ok) lua_error(L);
}

// tls:handshake([received]) -> what to send, or nil. Also after the handshake.
int l_handshake(lua_State* L) {
  LuaSession& session = check_session(L);
  std::size_t size = 0;
  const char* received = luaL_optlstring(L, 2, "", &size);
  feed(L, session, {received, size});
  return push_wire(L, session);
}

int l_finished(lua_State* L) {
  lua_pushboolean(L, check_session(L).session->finished() ? 1 : 0);
  return 1;
}

// tls:read([received]) -> all that the peer said and nobody took
int l_tls_read(lua_State* L) {
  LuaSession& session = check_session(L);
  std::size_t size = 0;
  const char* received = luaL_optlstring(L, 2, "", &size);
  feed(L, session, {received, size});
  return push_plain(L, session, session.plain.size() - session.head);
}

// tls:take([n]) -> n bytes, or what there is; nil when there is less
int l_tls_take(lua_State* L) {
  LuaSession& session = check_session(L);
  const std::size_t size = session.plain.size() - session.head;
  const lua_Integer wanted = luaL_optinteger(L, 2, static_cast<lua_Integer>(size));
  luaL_argcheck(L, wanted >= 0, 2, "a size is not negative");
  const auto count = static_cast<std::size_t>(wanted);
  if (count <= size && (count > 0 || !lua_isnoneornil(L, 2))) {
    return push_plain(L, session, count);
  }
  lua_pushnil(L);
  return 1;
}

// tls:write(data) -> what to send
int l_tls_write(lua_State* L) {
  LuaSession& session = check_session(L);
  const std::string_view data = script::check_view(L, 2);
  check(L, [&session, data] { return session.session->write(data, session.wire); });
  if (!session.wire.empty()) return push_wire(L, session);
  lua_pushliteral(L, "");
  return 1;
}

// tls:output() -> what is left to send, after an error its alert; or nil
int l_output(lua_State* L) {
  return push_wire(L, check_session(L));
}

// tls:farewell() -> what tells the peer that nothing more comes, once
int l_farewell(lua_State* L) {
  LuaSession& session = check_session(L);
  session.session->close(session.wire);
  return push_wire(L, session);
}

// tls:ended([transport_ended]) -> whether the peer said that it is done; and why that end is bad
int l_ended(lua_State* L) {
  const LuaSession& session = check_session(L);
  lua_pushboolean(L, session.session->ended() ? 1 : 0);
  const Result<> end = session.session->end();
  if (end || lua_toboolean(L, 2) == 0) return 1;
  script::push_owned(L, end.error().message);
  return 2;
}

// tls:failed() -> whether handshake, read or write raised for what the peer did
int l_tls_failed(lua_State* L) {
  const LuaSession& session = to_session(L);
  lua_pushboolean(L, session.session && session.session->failed() ? 1 : 0);
  return 1;
}

// tls:info() -> { version=, cipher=, alpn=, server_name= }
int l_tls_info(lua_State* L) {
  const crypto::TlsSession& session = *check_session(L).session;
  const std::pair<const char*, std::string_view> fields[] = {
      {"version", session.version()},
      {"cipher", session.cipher()},
      {"alpn", session.alpn()},
      {"server_name", session.server_name()},
  };
  lua_createtable(L, 0, 4);
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    script::push_view(L, value);
    lua_setfield(L, -2, name);
  }
  return 1;
}

int l_tls_close(lua_State* L) {
  release(to_session(L));
  return 0;
}

const luaL_Reg kContextMethods[] = {
    {"set_cert", script::bind<l_set_cert>},
    {"add_cert", script::bind<l_add_cert>},
    {"set_ciphers", script::bind<l_set_ciphers>},
    {"set_alpn", script::bind<l_set_alpn>},
    {"set_verify", script::bind<l_set_verify>},
    {"trust", script::bind<l_trust>},
    {nullptr, nullptr},
};

const luaL_Reg kSessionMethods[] = {
    {"handshake", script::bind<l_handshake>}, {"finished", script::bind<l_finished>},
    {"read", script::bind<l_tls_read>},       {"take", script::bind<l_tls_take>},
    {"write", script::bind<l_tls_write>},     {"output", script::bind<l_output>},
    {"farewell", script::bind<l_farewell>},   {"ended", script::bind<l_ended>},
    {"failed", script::bind<l_tls_failed>},   {"info", script::bind<l_tls_info>},
    {"close", script::bind<l_tls_close>},     {nullptr, nullptr},
};

const luaL_Reg kTlsFunctions[] = {
    {"newctx", script::bind<l_newctx>},
    {"newtls", script::bind<l_newtls>},
    {nullptr, nullptr},
};

void make_type(lua_State* L, const char* type, const luaL_Reg* methods, lua_CFunction collector) {
  if (luaL_newmetatable(L, type) != 0) {
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, collector);
    lua_setfield(L, -2, "__gc");
    lua_pushliteral(L, "locked");
    lua_setfield(L, -2, "__metatable");
  }
  lua_pop(L, 1);
}

}  // namespace

int open_tls(lua_State* L) {
  make_type(L, kContextType, kContextMethods, collect<LuaContext, kContextType>);
  make_type(L, kSessionType, kSessionMethods, collect<LuaSession, kSessionType>);
  luaL_newlib(L, kTlsFunctions);
  return 1;
}

}  // namespace gatehouse::modules
