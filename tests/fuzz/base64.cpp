// Base64, base32 and hexadecimal: what a decoder takes has one spelling, and fits what its caller
// made room for.
#include "crypto/encoding.hpp"

#include "fuzz.hpp"

namespace gatehouse::crypto {

static std::string without_pads(std::string text) {
  while (text.ends_with('=')) text.pop_back();
  return text;
}

FUZZ_TARGET(base64) {
  const auto strict = base64_decode(input);
  const std::unique_ptr<char[]> room(new char[base64_decoded_size_max(input.size())]);
  const auto size = base64_decode_into(input, room.get());
  GATEHOUSE_ASSERT(strict.has_value() == size.has_value());
  const auto lenient = skynet_base64_decode(input);
  if (strict) {
    GATEHOUSE_ASSERT(*strict == std::string_view(room.get(), *size));
    GATEHOUSE_ASSERT(without_pads(base64_encode(*strict)) == without_pads(std::string(input)));
    GATEHOUSE_ASSERT(lenient && *lenient == *strict);
  }
  if (lenient) GATEHOUSE_ASSERT(lenient->size() <= base64_decoded_size_max(input.size()));

  const std::string text = base64_encode(input);
  GATEHOUSE_ASSERT(text.size() == base64_encoded_size(input.size()));
  GATEHOUSE_ASSERT(base64_decode(text).value() == input);
  GATEHOUSE_ASSERT(base64_decode(without_pads(text)).value() == input);
  GATEHOUSE_ASSERT(skynet_base64_decode(text).value() == input);
  GATEHOUSE_ASSERT(base32_encode(input).size() == (input.size() + 4) / 5 * 8);

  if (const auto bytes = hex_decode(input)) GATEHOUSE_ASSERT(hex_encode(*bytes) == input);
  GATEHOUSE_ASSERT(hex_decode(hex_encode(input)).value() == input);
}

}  // namespace gatehouse::crypto
