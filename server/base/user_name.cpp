#include "base/user_name.hpp"

#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/uidna.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "base/server_name.hpp"

namespace gatehouse {
namespace {

using Utf16 = std::u16string;

// Nobody's name is longer before it is composed, and the work of composing is bounded by it.
constexpr std::size_t kNameBytesMax = 8'192;
constexpr std::size_t kMarksInARowMax = 4;  // UTS #39 section 5.4

tl::unexpected<Error> bad_name(std::string_view why) {
  return fail(Errc::kInvalid, std::string("name ") + std::string(why));
}

// Names of ASCII, which are most, need no table.
bool is_ascii_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::optional<Utf16> to_utf16(std::string_view text) {
  Utf16 wide(text.size(), u'\0');  // never more units than bytes
  std::int32_t size = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strFromUTF8(wide.data(), static_cast<std::int32_t>(wide.size()), &size, text.data(),
                static_cast<std::int32_t>(text.size()), &error);
  if (U_FAILURE(error)) return std::nullopt;
  wide.resize(static_cast<std::size_t>(size));
  return wide;
}

std::string to_utf8(const Utf16& wide) {
  std::string text(wide.size() * 3, '\0');
  std::int32_t size = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strToUTF8(text.data(), static_cast<std::int32_t>(text.size()), &size, wide.data(),
              static_cast<std::int32_t>(wide.size()), &error);
  GATEHOUSE_ASSERT(U_SUCCESS(error));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

// UAX #15: how many times longer a text becomes at most, in UTF-16.
constexpr std::size_t kCanonicalGrowth = 4;
constexpr std::size_t kCompatibilityGrowth = 18;

// The form that `instance` gets.
Utf16 normal_form(const Utf16& wide, const UNormalizer2* (*instance)(UErrorCode*),
                  std::size_t growth = kCanonicalGrowth) {
  UErrorCode error = U_ZERO_ERROR;
  const UNormalizer2* const form = instance(&error);
  Utf16 normal(wide.size() * growth, u'\0');
  const std::int32_t size =
      unorm2_normalize(form, wide.data(), static_cast<std::int32_t>(wide.size()), normal.data(),
                       static_cast<std::int32_t>(normal.size()), &error);
  GATEHOUSE_ASSERT(U_SUCCESS(error));
  normal.resize(static_cast<std::size_t>(size));
  return normal;
}

std::vector<UChar32> code_points(const Utf16& wide) {
  std::vector<UChar32> list;
  list.reserve(wide.size());
  for (std::size_t i = 0; i < wide.size();) {
    UChar32 c = 0;
    U16_NEXT(wide.data(), i, wide.size(), c);
    list.push_back(c);
  }
  return list;
}

// What no name may hold, however old it is.
bool is_forbidden(UChar32 c) {
  constexpr std::uint32_t kForbiddenKinds =
      U_GC_CC_MASK | U_GC_CS_MASK | U_GC_ZL_MASK | U_GC_ZP_MASK;
  return (U_GET_GC_MASK(c) & kForbiddenKinds) != 0 || U_IS_UNICODE_NONCHAR(c);
}

Result<std::string> normalise_ascii(std::string_view name) {
  if (name.size() > kUserNameCharactersMax) return bad_name("is too long");
  for (const char c : name) {
    if (is_forbidden(c)) return bad_name(fmt::format("holds U+{:04X}", int{c}));
  }
  return std::string(name);
}

// RFC 8264 section 9.6 with the exceptions of RFC 5892 section 2.6 that other rules do not
// decide alike. Characters that depend on their neighbours count as letters here.
std::optional<bool> precis_exception(UChar32 c) {
  switch (c) {
    case 0x00df:
    case 0x03c2:
    case 0x06fd:
    case 0x06fe:
    case 0x0f0b:
    case 0x3007:
    case 0x00b7:
    case 0x0375:
    case 0x05f3:
    case 0x05f4:
    case 0x30fb:
      return true;
    case 0x0640:
    case 0x07fa:
    case 0x302e:
    case 0x302f:
    case 0x3031:
    case 0x3032:
    case 0x3033:
    case 0x3034:
    case 0x3035:
    case 0x303b:
      return false;
    default:
      return std::nullopt;
  }
}

bool has_compatibility_form(UChar32 c) {
  UErrorCode error = U_ZERO_ERROR;
  const UNormalizer2* const nfkc = unorm2_getNFKCInstance(&error);
  std::array<UChar, 2> text{};
  std::int32_t size = 0;
  U16_APPEND_UNSAFE(text, size, c);
  return !unorm2_isNormalized(nfkc, text.data(), size, &error) || U_FAILURE(error);
}

// IdentifierClass of RFC 8264 sections 4.2 and 8.
bool in_identifier_class(UChar32 c) {
  constexpr std::uint32_t kLetterDigits = U_GC_LL_MASK | U_GC_LU_MASK | U_GC_LO_MASK |
                                          U_GC_ND_MASK | U_GC_LM_MASK | U_GC_MN_MASK | U_GC_MC_MASK;
  if (const auto exception = precis_exception(c)) return *exception;
  if (c > 0x20 && c < 0x7f) return true;
  if ((U_GET_GC_MASK(c) & kLetterDigits) == 0) return false;
  const int jamo = u_getIntPropertyValue(c, UCHAR_HANGUL_SYLLABLE_TYPE);
  if (jamo == U_HST_LEADING_JAMO || jamo == U_HST_VOWEL_JAMO || jamo == U_HST_TRAILING_JAMO)
    return false;
  return !u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) && !has_compatibility_form(c);
}

// UTS #39 section 5.1: the sets of scripts that a text can be of.
class Scripts {
 public:
  // False: a script that is not in common use (UAX #31 table 5).
  [[nodiscard]] bool add(UChar32 c) {
    std::array<UScriptCode, 64> codes{};
    UErrorCode error = U_ZERO_ERROR;
    const std::int32_t count = uscript_getScriptExtensions(
        c, codes.data(), static_cast<std::int32_t>(codes.size()), &error);
    if (U_FAILURE(error)) return false;
    Set set;
    bool common = false, in_use = false;
    for (std::int32_t i = 0; i < count; ++i) {
      const UScriptCode code = codes[static_cast<std::size_t>(i)];
      common = common || code == USCRIPT_COMMON || code == USCRIPT_INHERITED;
      in_use = in_use || uscript_getUsage(code) == USCRIPT_USAGE_RECOMMENDED;
      set |= augmented(code);
    }
    if (common) return true;
    all_ &= set;
    if (!set.test(USCRIPT_LATIN)) beside_latin_ &= set;
    return in_use;
  }

  // Section 5.2, Highly Restrictive.
  [[nodiscard]] bool highly_restrictive() const {
    return all_.any() || beside_latin_.test(USCRIPT_JAPANESE) ||
           beside_latin_.test(USCRIPT_KOREAN) || beside_latin_.test(USCRIPT_HAN_WITH_BOPOMOFO);
  }

 private:
  using Set = std::bitset<256>;

  static Set augmented(UScriptCode code) {
    Set set;
    set.set(static_cast<std::size_t>(code));
    if (code == USCRIPT_HAN || code == USCRIPT_BOPOMOFO) set.set(USCRIPT_HAN_WITH_BOPOMOFO);
    if (code == USCRIPT_HAN || code == USCRIPT_HIRAGANA || code == USCRIPT_KATAKANA)
      set.set(USCRIPT_JAPANESE);
    if (code == USCRIPT_HAN || code == USCRIPT_HANGUL) set.set(USCRIPT_KOREAN);
    return set;
  }

  Set all_ = Set().set();           // of all characters
  Set beside_latin_ = Set().set();  // of those that are not Latin
};

// Parts without a blank, joined by single ones.
bool blanks_join_parts(std::string_view name) {
  return name.front() != ' ' && name.back() != ' ' && name.find("  ") == std::string_view::npos;
}

// The bidi rule (RFC 5893) and the contextual rules (RFC 5892, appendix A), of each part.
Result<> check_context(std::string_view name) {
  static const UIDNA* const rules = [] {
    UErrorCode error = U_ZERO_ERROR;
    return uidna_openUTS46(UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ | UIDNA_CHECK_CONTEXTO, &error);
  }();
  constexpr std::uint32_t kNeighbours = UIDNA_ERROR_CONTEXTJ | UIDNA_ERROR_CONTEXTO_PUNCTUATION |
                                        UIDNA_ERROR_CONTEXTO_DIGITS |
                                        UIDNA_ERROR_LEADING_COMBINING_MARK;
  for (std::string_view rest = name; !rest.empty();) {
    const std::string_view part = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    std::array<char, 2'048> out{};
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    UErrorCode error = U_ZERO_ERROR;
    uidna_labelToUnicodeUTF8(rules, part.data(), static_cast<std::int32_t>(part.size()), out.data(),
                             static_cast<std::int32_t>(out.size()), &info, &error);
    if (U_FAILURE(error)) return bad_name("cannot be judged");
    if ((info.errors & UIDNA_ERROR_BIDI) != 0)
      return bad_name("mixes directions of writing (RFC 5893)");
    if ((info.errors & kNeighbours) != 0)
      return bad_name("holds a character that may not stand where it does (RFC 5892)");
  }
  return {};
}

// Of the name in NFD, where each mark is by itself.
Result<> check_numbers_and_marks(const std::vector<UChar32>& characters) {
  std::optional<UChar32> zero;
  std::size_t marks = 0;
  UChar32 last = 0;
  for (const UChar32 c : characters) {
    if (u_charType(c) == U_DECIMAL_DIGIT_NUMBER) {
      const UChar32 its_zero = c - u_charDigitValue(c);
      if (zero.value_or(its_zero) != its_zero) return bad_name("mixes digits of two systems");
      zero = its_zero;
    }
    marks = u_charType(c) == U_NON_SPACING_MARK ? marks + 1 : 0;
    if (marks > kMarksInARowMax || (marks > 0 && c == last))
      return bad_name("piles marks on a letter");
    last = c;
  }
  return {};
}

}  // namespace

Result<std::string> normalise_user_name(std::string_view name) {
  if (name.empty()) return bad_name("is empty");
  if (name.size() > kNameBytesMax) return bad_name("is too long");
  if (is_ascii_name(name)) return normalise_ascii(name);
  auto wide = to_utf16(name);
  if (!wide) return bad_name("is not UTF-8");
  *wide = normal_form(*wide, unorm2_getNFCInstance);
  const std::vector<UChar32> characters = code_points(*wide);
  if (characters.size() > kUserNameCharactersMax) return bad_name("is too long");
  for (const UChar32 c : characters) {
    if (is_forbidden(c)) return bad_name(fmt::format("holds U+{:04X}", std::uint32_t(c)));
  }
  return to_utf8(*wide);
}

Result<std::string> normalise_server_name(std::string_view name) {
  auto normal = normalise_user_name(name);
  if (!normal) return normal;
  if (auto checked = check_server_name(*normal); !checked)
    return tl::unexpected<Error>(checked.error());
  return normal;
}

std::string fold_name(std::string_view name) {
  const auto wide = to_utf16(name);
  if (!wide) return std::string(name);
  const std::string folded =
      to_utf8(normal_form(*wide, unorm2_getNFKCCasefoldInstance, kCompatibilityGrowth));
  const std::size_t begin = folded.find_first_not_of(' ');
  if (begin == std::string::npos) return {};
  return folded.substr(begin, folded.find_last_not_of(' ') + 1 - begin);
}

Result<> check_new_user_name(std::string_view name, NewNames rule) {
  if (rule == NewNames::kAny) return {};
  if (!name.empty() && !blanks_join_parts(name))
    return bad_name("has a blank at an end, or two in a row");
  if (is_ascii_name(name)) return {};
  const auto wide = to_utf16(name);
  if (!wide) return bad_name("is not UTF-8");
  const std::vector<UChar32> characters = code_points(*wide);
  Scripts scripts;
  for (const UChar32 c : characters) {
    if (c != ' ' && !in_identifier_class(c))
      return bad_name(
          fmt::format("holds U+{:04X}, which RFC 8264 does not allow in names", std::uint32_t(c)));
    if (!scripts.add(c))
      return bad_name(
          fmt::format("holds U+{:04X}, of a script that is not in common use", std::uint32_t(c)));
  }
  if (!scripts.highly_restrictive())
    return bad_name("mixes scripts whose letters look alike (UTS #39)");
  const std::vector<UChar32> decomposed = code_points(normal_form(*wide, unorm2_getNFDInstance));
  if (auto checked = check_numbers_and_marks(decomposed); !checked) return checked;
  return check_context(name);
}

}  // namespace gatehouse
