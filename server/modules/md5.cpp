// "md5" (docs/skynet-rules.md 1.11): the functions of Lua's md5 library, on crypto/md5.hpp.
#include "crypto/md5.hpp"
#include "crypto/encoding.hpp"
#include "modules/modules.hpp"
#include "script/lua_args.hpp"
#include "script/vm.hpp"

namespace gatehouse::modules {
namespace {

constexpr std::size_t kSeedBytes = 8;

// sum(text) -> 16 bytes
int l_sum(lua_State* L) {
  const std::string_view text = script::check_view(L, 1);
  return script::push_result(L, [text] { return Result<std::string>(crypto::md5(text)); });
}

// sumhexa(text) -> 32 digits
int l_sumhexa(lua_State* L) {
  const std::string_view text = script::check_view(L, 1);
  return script::push_result(
      L, [text] { return Result<std::string>(crypto::hex_encode(crypto::md5(text))); });
}

// hmacmd5(text, key) -> 32 digits
int l_hmacmd5(lua_State* L) {
  const std::string_view text = script::check_view(L, 1), key = script::check_view(L, 2);
  return script::push_result(L, [text, key] {
    return Result<std::string>(crypto::hex_encode(crypto::hmac_md5(key, text)));
  });
}

// exor(a, b) -> the bytes of equally long strings, XORed
int l_exor(lua_State* L) {
  const std::string_view a = script::check_view(L, 1), b = script::check_view(L, 2);
  luaL_argcheck(L, a.size() == b.size(), 2, "lengths must be equal");
  return script::push_result(L, [a, b] {
    std::string result(a);
    for (std::size_t i = 0; i < b.size(); ++i) result[i] = static_cast<char>(a[i] ^ b[i]);
    return Result<std::string>(std::move(result));
  });
}

// crypt(text, key[, seed]) -> bytes; a random seed when there is none
int l_crypt(lua_State* L) {
  const std::string_view text = script::check_view(L, 1), key = script::check_view(L, 2);
  char random[kSeedBytes];
  std::string_view seed(random, sizeof random);
  if (lua_isnoneornil(L, 3)) {
    script::Vm::of(L).world().random.fill(random, sizeof random);
  } else {
    seed = script::check_view(L, 3);
  }
  return script::push_result(L, [text, key, seed] { return crypto::md5_crypt(text, key, seed); });
}

// decrypt(bytes, key) -> text
int l_decrypt(lua_State* L) {
  const std::string_view bytes = script::check_view(L, 1), key = script::check_view(L, 2);
  return script::push_result(L, [bytes, key] { return crypto::md5_decrypt(bytes, key); });
}

const luaL_Reg kMd5Functions[] = {
    {"sum", script::bind<l_sum>},
    {"sumhexa", script::bind<l_sumhexa>},
    {"hmacmd5", script::bind<l_hmacmd5>},
    {"exor", script::bind<l_exor>},
    {"crypt", script::bind<l_crypt>},
    {"decrypt", script::bind<l_decrypt>},
    {nullptr, nullptr},
};

}  // namespace

int open_md5(lua_State* L) {
  luaL_newlib(L, kMd5Functions);
  return 1;
}

}  // namespace gatehouse::modules
