// A file of a rescued player, which an operator brings back: it is whole, or it is refused; one
// that is taken can be written and read again. A "!" at the end of its sha256 line stands for the
// digest.
#include "store/rescue_file.hpp"

#include <filesystem>

#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"
#include "fuzz.hpp"
#include "temp_folder.hpp"

namespace gatehouse::store {

FUZZ_TARGET(rescue_file) {
  static const test::TempFolder folder;
  static const std::string file = folder / "input";
  std::string text(input);
  constexpr std::string_view kMark = "\nsha256: !\n";
  if (const std::size_t at = text.find(kMark); at != std::string::npos) {
    const std::size_t body = text.find("\n\n", at);
    const std::string digest =
        body == std::string::npos
            ? ""
            : crypto::hex_encode(crypto::sha256(std::string_view(text).substr(body + 2)));
    text.replace(at + kMark.size() - 2, 1, digest);
  }
  test::write_file(file, text);
  const auto player = read_rescue_file(file);
  if (!player) {
    GATEHOUSE_ASSERT(player.error().code == Errc::kCorrupt);
    return;
  }
  GATEHOUSE_ASSERT(player->data.size() + player->replies.value_or("").size() <= text.size());
  const std::string out = folder / "out";
  const auto written = write_rescue_file({out, 1u << 20}, *player);
  GATEHOUSE_ASSERT(written);
  const auto again = read_rescue_file(*written);
  GATEHOUSE_ASSERT(again && again->data == player->data && again->replies == player->replies);
  GATEHOUSE_ASSERT(again->account.value == player->account.value && again->at_s == player->at_s);
  GATEHOUSE_ASSERT(again->epoch == player->epoch && again->owner == player->owner);
  std::filesystem::remove_all(out);
}

}  // namespace gatehouse::store
