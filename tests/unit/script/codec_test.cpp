// The packed form of Lua values: every tag with its bounds, and bytes that nobody packed.
#include "script/codec.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "script/answer.hpp"
#include "script/array_mark.hpp"
#include "vm_fixture.hpp"

namespace gatehouse::script {
namespace {

using namespace std::string_literals;

// Lua: a function that makes a text of any values, which tells apart what codecs may confuse.
constexpr const char* kShow = R"(
local function show(value)
	if type(value) == "table" then
		local keys = {}
		for key in next, value do keys[#keys + 1] = key end
		table.sort(keys, function(a, b) return show(a) < show(b) end)
		local parts = {}
		for i, key in ipairs(keys) do parts[i] = show(key) .. "=" .. show(rawget(value, key)) end
		return "{" .. table.concat(parts, ",") .. "}"
	elseif type(value) == "string" then
		return ("%q"):format(value)
	end
	return (math.type(value) or type(value)) .. " " .. tostring(value)
end
return function(...)
	local texts = table.pack(...)
	for i = 1, texts.n do texts[i] = show(texts[i]) end
	return table.concat(texts, " ")
end
)";
constexpr std::string_view kGarbage = "Invalid serialize stream";

class CodecTest : public VmTest {
 protected:
  // The bytes of what the Lua expressions make.
  Result<std::string> packed(const char* expressions) {
    std::string bytes;
    const auto done = vm_->protect([&](lua_State* L) {
      evaluate(L, expressions);
      pack(L, 1, vm_->pack_buffer());
      bytes.assign(vm_->pack_buffer().data(), vm_->pack_buffer().size());
    });
    if (!done) return tl::unexpected(done.error());
    return bytes;
  }

  // What the bytes are read as, value by value.
  Result<std::string> read(std::string_view bytes, PointersOf believed = PointersOf::kNobody) {
    return read_in(*vm_, bytes, believed);
  }
  static Result<std::string> read_in(Vm& vm, std::string_view bytes, PointersOf believed) {
    std::string text;
    const auto done = vm.protect([&](lua_State* L) {
      const int count = unpack(L, bytes, believed);
      if (count != lua_gettop(L)) luaL_error(L, "%d values, not %d", lua_gettop(L), count);
      show(L, text);
    });
    if (!done) return tl::unexpected(done.error());
    return text;
  }
  // The same of expressions that are not packed.
  std::string plain(const char* expressions) {
    std::string text;
    const auto done = vm_->protect([&](lua_State* L) {
      evaluate(L, expressions);
      show(L, text);
    });
    return done ? text : done.error().message;
  }

  static void show(lua_State* L, std::string& out) {
    if (luaL_loadstring(L, kShow) != LUA_OK) lua_error(L);
    lua_call(L, 0, 1);
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    out = lua_tostring(L, -1);
  }

  static bool is_garbage(const Result<std::string>& result) {
    return !result && result.error().message.find(kGarbage) != std::string::npos;
  }
};

struct Golden {
  const char* expressions;
  std::string bytes;
};

// docs/skynet-rules.md 2.8.
const std::vector<Golden>& goldens() {
  static const std::vector<Golden> list{
      {"nil", "\x00"s},
      {"false", "\x01"s},
      {"true", "\x09"s},
      {"0", "\x02"s},
      {"1", "\x0a\x01"s},
      {"255", "\x0a\xff"s},
      {"256", "\x12\x00\x01"s},
      {"65535", "\x12\xff\xff"s},
      {"65536", "\x22\x00\x00\x01\x00"s},
      {"2147483647", "\x22\xff\xff\xff\x7f"s},
      {"2147483648", "\x32\x00\x00\x00\x80\x00\x00\x00\x00"s},
      {"-1", "\x22\xff\xff\xff\xff"s},
      {"-2147483648", "\x22\x00\x00\x00\x80"s},
      {"-2147483649", "\x32\xff\xff\xff\x7f\xff\xff\xff\xff"s},
      {"math.maxinteger", "\x32\xff\xff\xff\xff\xff\xff\xff\x7f"s},
      {"math.mininteger", "\x32\x00\x00\x00\x00\x00\x00\x00\x80"s},
      {"1.5", "\x42\x00\x00\x00\x00\x00\x00\xf8\x3f"s},
      {"0.0", "\x42\x00\x00\x00\x00\x00\x00\x00\x00"s},
      {"-0.0", "\x42\x00\x00\x00\x00\x00\x00\x00\x80"s},
      {"1 / 0", "\x42\x00\x00\x00\x00\x00\x00\xf0\x7f"s},
      {"''", "\x04"s},
      {"'abc'", "\x1c"s + "abc"},
      {"('x'):rep(31)", "\xfc" + std::string(31, 'x')},
      {"('x'):rep(32)", "\x15\x20\x00"s + std::string(32, 'x')},
      {"('x'):rep(65535)", "\x15\xff\xff" + std::string(65535, 'x')},
      {"('x'):rep(65536)", "\x25\x00\x00\x01\x00"s + std::string(65536, 'x')},
      {"'\\0\\255'", "\x14\x00\xff"s},
      {"{}", "\x06\x00"s},
      {"{ 7 }", "\x0e\x0a\x07\x00"s},
      {"{ a = true }", "\x06\x0c\x61\x09\x00"s},
      {"{ {}, [0] = 1 }", "\x0e\x06\x00\x02\x0a\x01\x00"s},
      {"1, nil, 'x', nil", "\x0a\x01\x00\x0cx\x00"s},
  };
  return list;
}

TEST_F(CodecTest, PacksTheBytesOfSkynet) {
  for (const Golden& golden : goldens()) {
    const auto bytes = packed(golden.expressions);
    ASSERT_TRUE(bytes.has_value()) << golden.expressions;
    EXPECT_EQ(*bytes, golden.bytes) << golden.expressions;
  }
}

TEST_F(CodecTest, ReadsWhatItPacked) {
  for (const Golden& golden : goldens()) {
    const auto text = read(golden.bytes);
    ASSERT_TRUE(text.has_value()) << golden.expressions << ": " << text.error().message;
    EXPECT_EQ(*text, plain(golden.expressions));
  }
  EXPECT_EQ(read("").value(), "") << "no values";
}

// 30 items are counted in the tag, 31 in a number behind it.
TEST_F(CodecTest, CountsTheItemsOfATable) {
  for (const int count : {15, 16, 17, 29, 30, 31, 32, 255, 256, 70'000}) {
    std::string expression = "(function() local t = { x = 1 } for i = 1, ";
    expression += std::to_string(count) + " do t[i] = i end return t end)()";
    const auto bytes = packed(expression.c_str());
    ASSERT_TRUE(bytes.has_value()) << count;
    const auto head = static_cast<unsigned char>((*bytes)[0]);
    EXPECT_EQ(head, count < 31 ? 6 | count << 3 : 6 | 31 << 3);
    EXPECT_EQ(read(*bytes).value(), plain(expression.c_str())) << count;
  }
}

// The first entries of a table without items are read before the table is made.
TEST_F(CodecTest, ReadsTablesOfManyEntries) {
  for (const int count : {0, 1, 15, 16, 17, 33, 1'000}) {
    std::string expression = "(function() local t = {} for i = 1, ";
    expression += std::to_string(count) + " do t['k' .. i] = i end return t end)()";
    EXPECT_EQ(read(packed(expression.c_str()).value()).value(), plain(expression.c_str()));
  }
}

TEST_F(CodecTest, KeepsTheMarkOfAnArray) {
  std::string bytes;
  bool array = false, object = true;
  const auto done = vm_->protect([&](lua_State* L) {
    lua_newtable(L);
    push_array_metatable(L);
    lua_setmetatable(L, -2);
    pack(L, 1, vm_->pack_buffer());
    bytes.assign(vm_->pack_buffer().data(), vm_->pack_buffer().size());
    lua_settop(L, 0);
    unpack(L, bytes);
    array = is_marked_array(L, 1);
    lua_settop(L, 0);
    unpack(L, std::string_view("\x06\x00", 2));
    object = is_marked_array(L, 1);
  });
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(bytes, "\x06\x08"s);
  EXPECT_TRUE(array);
  EXPECT_FALSE(object);
}

TEST_F(CodecTest, PacksWhatPairsPresents) {
  const auto bytes =
      packed("setmetatable({ hidden = 1 }, { __pairs = function() return next, { a = 1 } end })");
  EXPECT_EQ(bytes.value(), "\x06\x0c\x61\x0a\x01\x00"s);
}

TEST_F(CodecTest, RefusesWhatCannotBePacked) {
  for (const char* expression : {"print", "{ print }", "{ [print] = 1 }", "1, print"}) {
    const auto bytes = packed(expression);
    ASSERT_FALSE(bytes.has_value()) << expression;
    EXPECT_NE(bytes.error().message.find("Unsupport type function to serialize"), std::string::npos)
        << bytes.error().message;
  }
  EXPECT_EQ(packed("true").value(), "\x09"s) << "nothing stays of what failed half-way";
}

TEST_F(CodecTest, BoundsTheDepth) {
  const auto nested = [](int depth) {
    return "(function() local t = {} for _ = 1, " + std::to_string(depth) +
           " do t = { t } end return t end)()";
  };
  const auto deepest = packed(nested(kPackDepthMax).c_str());
  ASSERT_TRUE(deepest.has_value());
  EXPECT_TRUE(read(*deepest).has_value());
  EXPECT_FALSE(packed(nested(kPackDepthMax + 1).c_str()).has_value());
  EXPECT_FALSE(packed("(function() local t = {} t[1] = t return t end)()").has_value())
      << "a circle";
  for (const int depth : {kPackDepthMax + 3, 1'000, 1'000'000}) {
    const std::string forged(static_cast<std::size_t>(depth), '\x0e');
    EXPECT_TRUE(is_garbage(read(forged))) << depth;
    const std::string in_keys(static_cast<std::size_t>(depth), '\x06');
    EXPECT_TRUE(is_garbage(read(in_keys))) << depth;
  }
}

constexpr const char* kEverything =
    "{ 1, -1, 300, 70000, 1 << 40, 1.5, true, false, 'short', ('l'):rep(100), { { 'deep' } }, "
    "key = 'value', [0.5] = {}, [true] = { 1, 2, 3, n = 3 } }";

TEST_F(CodecTest, RefusesWhatIsCutOffAnywhere) {
  const std::string bytes = packed(kEverything).value();
  ASSERT_TRUE(read(bytes).has_value());
  for (std::size_t size = 1; size < bytes.size(); ++size)
    EXPECT_TRUE(is_garbage(read(bytes.substr(0, size)))) << size << " of " << bytes.size();
}

TEST_F(CodecTest, RefusesTagsThatThereAreNot) {
  for (int head = 0; head < 256; ++head) {
    const int type = head & 7, cookie = head >> 3;
    const bool known = type == 0 || type == 1 || type == 3 || type == 4 ||
                       (type == 6 && cookie != 31) ||
                       (type == 2 && (cookie <= 2 || cookie == 4 || cookie == 6 || cookie == 8)) ||
                       (type == 5 && (cookie == 2 || cookie == 4));
    // Whatever follows: enough zeros for any of them.
    const std::string bytes = std::string(1, static_cast<char>(head)) + std::string(64, '\0');
    EXPECT_EQ(read(bytes).has_value(), known) << head;
    EXPECT_EQ(is_garbage(read(bytes)), !known) << head;
  }
}

// A count is believed only as far as bytes are there: it reserves no memory.
TEST_F(CodecTest, RefusesForgedCounts) {
  const std::size_t before = vm_->memory_bytes();
  for (const std::string& bytes :
       {"\xfe\x22\xff\xff\xff\x7f"s, "\xfe\x32\xff\xff\xff\xff\xff\xff\xff\x7f"s,
        "\xfe\x22\xff\xff\xff\xff"s, "\xfe\x42\x00\x00\x00\x00\x00\x00\xf0\x3f"s,
        "\xfe\x1c"s + "abc", "\xfe"s, "\xfe\x00"s, "\x25\xff\xff\xff\xff"s + "x", "\x15\xff\xff"s,
        "\xfc"s + "short"}) {
    EXPECT_TRUE(is_garbage(read(bytes))) << testing::PrintToString(bytes);
  }
  EXPECT_LT(vm_->memory_bytes(), before + 200'000);
}

// Each level would believe the same bytes to be its own items.
TEST_F(CodecTest, RefusesForgedCountsInsideOneAnother) {
  constexpr std::size_t kBytes = 60'000;
  constexpr std::size_t kHead = 4;  // a table, and its count in two bytes
  std::string bytes;
  for (int depth = 0; depth < kPackDepthMax; ++depth) {
    const std::size_t count = kBytes - bytes.size() - kHead;
    bytes += "\xfe\x12";
    bytes += static_cast<char>(count & 0xff);
    bytes += static_cast<char>(count >> 8);
  }
  bytes.resize(kBytes, '\x02');
  const std::uint64_t before = vm_->allocated_bytes();
  EXPECT_TRUE(is_garbage(read(bytes)));
  EXPECT_LT(vm_->allocated_bytes() - before, 20 * kBytes + 200'000);
}

TEST_F(CodecTest, RefusesKeysThatNoTableHas) {
  EXPECT_FALSE(read("\x06\x42\x00\x00\x00\x00\x00\x00\xf8\x7f\x09\x00"s).has_value()) << "NaN";
  EXPECT_EQ(read("\x06\x0a\x01\x00\x00"s).value(), "{}") << "a nil is no entry";
}

// Nothing that a peer sends does more than raise.
TEST_F(CodecTest, SurvivesAnyBytes) {
#ifdef __SANITIZE_THREAD__
  // A longjmp leaves its frames on the sanitizer's own stack, which grows without a bound here.
  GTEST_SKIP() << "one thread, and thirty thousand errors";
#endif
  std::mt19937 random(28);
  const std::string whole = packed(kEverything).value();
  for (int round = 0; round < 30'000; ++round) {
    std::string bytes;
    if (round % 2 == 0) {
      bytes = whole;
      for (std::uint32_t changes = 1 + random() % 4; changes > 0; --changes)
        bytes[random() % bytes.size()] = static_cast<char>(random());
    } else {
      for (std::uint32_t size = random() % 40; size > 0; --size)
        bytes.push_back(static_cast<char>(random()));
    }
    const auto done = vm_->protect([&](lua_State* L) { unpack(L, bytes); });
    if (!done && done.error().message.find(kGarbage) == std::string::npos) {
      EXPECT_NE(done.error().message.find("index is"), std::string::npos) << done.error().message;
    }
  }
  EXPECT_EQ(read(whole).value(), plain(kEverything));
}

// --- Pointers

class CodecPointers : public CodecTest {
 protected:
  std::string packed_pointer(void* pointer, bool durable = false) {
    std::string bytes;
    const auto done = vm_->protect([&](lua_State* L) {
      lua_pushlightuserdata(L, pointer);
      vm_->pack_buffer().reset();
      vm_->pack_buffer().durable = durable;
      pack_more(L, 1, vm_->pack_buffer());
      bytes.assign(vm_->pack_buffer().data(), vm_->pack_buffer().size());
    });
    return done ? bytes : done.error().message;
  }
  int here_ = 0;
};

TEST_F(CodecPointers, AreBelievedOnlyFromHere) {
  const std::string bytes = packed_pointer(&here_);
  EXPECT_EQ(bytes.size(), 1 + sizeof(void*));
  EXPECT_TRUE(is_garbage(read(bytes)));
  EXPECT_TRUE(read(bytes, PointersOf::kThisVm).has_value());
  EXPECT_TRUE(read(bytes, PointersOf::kThisProcess).has_value());
  const std::shared_ptr<Vm> other = make_vm();
  EXPECT_TRUE(is_garbage(read_in(*other, bytes, PointersOf::kThisVm)));
  std::string forged = bytes;
  forged[1] = static_cast<char>(forged[1] + 8);
  EXPECT_TRUE(is_garbage(read(forged, PointersOf::kThisVm)));
}

TEST_F(CodecPointers, NullIsHarmless) {
  EXPECT_TRUE(read(packed_pointer(nullptr)).has_value());
  EXPECT_EQ(packed_pointer(nullptr, true).size(), 1 + sizeof(void*));
}

TEST_F(CodecPointers, AreNotStored) {
  EXPECT_NE(packed_pointer(&here_, true).find("cannot be stored"), std::string::npos);
}

TEST_F(CodecPointers, OldOnesAreForgotten) {
  char many[65];
  const std::string first = packed_pointer(&many[0]);
  for (int i = 1; i < 64; ++i) packed_pointer(&many[i]);
  EXPECT_TRUE(read(first, PointersOf::kThisVm).has_value());
  packed_pointer(&many[64]);
  EXPECT_TRUE(is_garbage(read(first, PointersOf::kThisVm)));
}

// --- The buffer

TEST_F(CodecPointers, AMessageTellsThatItHoldsThem) {
  packed_pointer(&here_);
  const actor::MessagePtr with = vm_->pack_buffer().take();
  EXPECT_TRUE(with->pointers);
  ASSERT_TRUE(packed("true").has_value());
  const actor::MessagePtr without = vm_->pack_buffer().take();
  EXPECT_FALSE(without->pointers);
  const auto read_message = [this](const actor::Message& message) {
    return vm_->protect([&](lua_State* L) { unpack(L, message); }).has_value();
  };
  EXPECT_TRUE(read_message(*with));
  with->pointers = false;  // as one that came from another node
  EXPECT_FALSE(read_message(*with));
  EXPECT_TRUE(read_message(*without));
}

TEST(PackBuffer, HandsOverWhatWasPutIn) {
  PackBuffer buffer;
  EXPECT_EQ(buffer.take()->size, 0u);
  for (const std::size_t size : {1u, 95u, 96u, 97u, 4'096u, 4'097u, 100'000u}) {
    std::string wanted;
    while (wanted.size() < size) {
      const std::size_t piece = std::min(size - wanted.size(), 1 + wanted.size() % 700);
      const std::string text(piece, static_cast<char>('a' + wanted.size() % 26));
      text.copy(buffer.extend(piece), piece);
      wanted += text;
    }
    EXPECT_EQ(buffer.size(), size);
    const actor::MessagePtr message = buffer.take();
    EXPECT_EQ(message->view(), wanted);
    EXPECT_EQ(buffer.size(), 0u);
  }
  *buffer.extend(1) = 'x';
  buffer.reset();
  EXPECT_EQ(buffer.take()->size, 0u);
}

TEST_F(CodecTest, ValuesPackedWithoutALuaStateAreTheSameBytes) {
  PackBuffer buffer;
  pack_boolean(buffer, true);
  pack_boolean(buffer, false);
  for (const std::size_t size : {0, 31, 32, 0xffff, 0x10000})
    pack_string(buffer, std::string(size, 'x'));
  EXPECT_EQ(buffer.take()->view(),
            packed("true, false, '', ('x'):rep(31), ('x'):rep(32), ('x'):rep(0xffff), "
                   "('x'):rep(0x10000)")
                .value());
}

}  // namespace
}  // namespace gatehouse::script
