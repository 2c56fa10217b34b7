// "skynet.crypt", also known as "client.crypt" (docs/skynet-rules.md 1.7): skynet's crypt functions
// with its argument checks and error texts, on crypto/skynet_suite.hpp. Also the module
// client/crypt.so for plain Lua interpreters.
#include <algorithm>

#include "base/random.hpp"
#include "crypto/encoding.hpp"
#include "crypto/skynet_suite.hpp"
#include "modules/modules.hpp"
#include "script/lua_args.hpp"

namespace gatehouse::modules {
namespace {

template <Result<std::string> (*Function)(std::string_view)>
int of_one(lua_State* L) {
  const std::string_view a = script::check_view(L, 1);
  return script::push_result(L, [a] { return Function(a); });
}

template <std::string (*Function)(std::string_view)>
int of_any_one(lua_State* L) {
  const std::string_view a = script::check_view(L, 1);
  return script::push_result(L, [a] { return Result<std::string>(Function(a)); });
}

template <Result<std::string> (*Function)(std::string_view, std::string_view)>
int of_two(lua_State* L) {
  const std::string_view a = script::check_view(L, 1), b = script::check_view(L, 2);
  return script::push_result(L, [a, b] { return Function(a, b); });
}

template <std::string (*Function)(std::string_view, std::string_view)>
int of_any_two(lua_State* L) {
  const std::string_view a = script::check_view(L, 1), b = script::check_view(L, 2);
  return script::push_result(L, [a, b] { return Result<std::string>(Function(a, b)); });
}

// (key, text[, padding])
template <Result<std::string> (*Function)(std::string_view, std::string_view, crypto::DesPadding)>
int of_des(lua_State* L) {
  const std::string_view key = script::check_view(L, 1), text = script::check_view(L, 2);
  const lua_Integer mode = luaL_optinteger(L, 3, 0);
  return script::push_result(L, [key, text, mode]() -> Result<std::string> {
    const auto padding = crypto::des_padding(mode);
    if (!padding) return tl::unexpected(padding.error());
    return Function(key, text, *padding);
  });
}

// randomkey(), of the Random that is its upvalue -> 8 bytes, not all zero: zero is no key of the
// exchange
int l_randomkey(lua_State* L) {
  auto& random = *static_cast<Random*>(lua_touserdata(L, lua_upvalueindex(1)));
  char key[crypto::kSkynetKeyBytes];
  do {
    random.fill(key, sizeof key);
  } while (std::all_of(std::begin(key), std::end(key), [](char c) { return c == 0; }));
  lua_pushlstring(L, key, sizeof key);
  return 1;
}

const luaL_Reg kCryptFunctions[] = {
    {"dhexchange", script::bind<of_one<crypto::dh_exchange>>},
    {"dhsecret", script::bind<of_two<crypto::dh_secret>>},
    {"hmac64", script::bind<of_two<crypto::hmac64>>},
    {"hmac64_md5", script::bind<of_two<crypto::hmac64_md5>>},
    {"hmac_hash", script::bind<of_two<crypto::hmac_hash>>},
    {"hashkey", script::bind<of_any_one<crypto::hash_key>>},
    {"desencode", script::bind<of_des<crypto::des_encode>>},
    {"desdecode", script::bind<of_des<crypto::des_decode>>},
    {"base64encode", script::bind<of_any_one<crypto::base64_encode>>},
    {"base64decode", script::bind<of_one<crypto::skynet_base64_decode>>},
    {"hexencode", script::bind<of_any_one<crypto::hex_encode>>},
    {"hexdecode", script::bind<of_one<crypto::hex_decode>>},
    {"sha1", script::bind<of_any_one<crypto::sha1>>},
    {"hmac_sha1", script::bind<of_any_two<crypto::hmac_sha1>>},
    {"xor_str", script::bind<of_two<crypto::xor_str>>},
    {nullptr, nullptr},
};

}  // namespace

int push_crypt(lua_State* L, Random& random) {
  luaL_newlib(L, kCryptFunctions);
  lua_pushlightuserdata(L, &random);
  lua_pushcclosure(L, script::bind<l_randomkey>, 1);
  lua_setfield(L, -2, "randomkey");
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, static_cast<lua_Integer>(crypto::DesPadding::kIso7816_4));
  lua_setfield(L, -2, "iso7816_4");
  lua_pushinteger(L, static_cast<lua_Integer>(crypto::DesPadding::kPkcs7));
  lua_setfield(L, -2, "pkcs7");
  lua_setfield(L, -2, "padding");
  return 1;
}

}  // namespace gatehouse::modules
