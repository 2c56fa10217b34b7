#include "store/rescue_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "base/durable_file.hpp"
#include "base/file_text.hpp"
#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"
#include "store/records.hpp"

namespace gatehouse::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFirstLine = "gatehouse-player: 2\n";
constexpr std::string_view kFirstLineWithoutOwner = "gatehouse-player: 1\n";
constexpr std::string_view kNone = "none";
// A player's data, the stored replies, and the lines above them.
constexpr std::size_t kRescueBytesMax = kPlayerDataBytesMax + kPlayerRepliesBytesMax + 65'536;

tl::unexpected<Error> os_failure(const std::string& what) {
  return fail(Errc::kIo, fmt::format("{}: {}", what, std::generic_category().message(errno)));
}

std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return text;
}

std::string head_of(const RescuedPlayer& player) {
  const std::string replies = player.replies.value_or("");
  return fmt::format(
      "{}uid: {}\nserver: {}\naccount: {}\nepoch: {}\nversion: {}\nat: {}\nwhy: {}\n"
      "data: {}\nreplies: {}\nsha256: {}\nowner: {}\n\n",
      kFirstLine, one_line(player.uid), one_line(player.server), player.account.value, player.epoch,
      player.version, player.at_s, one_line(player.why), player.data.size(),
      player.replies ? std::to_string(replies.size()) : std::string(kNone),
      crypto::hex_encode(crypto::sha256(player.data + replies)), player.owner);
}

// What the folder's files hold by now.
std::uint64_t bytes_in(const std::string& folder) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::uint64_t size = entry.file_size(error);
    if (!error) bytes += size;
  }
  return bytes;
}

// Takes the line `name: value` off the text.
bool take_line(std::string_view& text, std::string_view name, std::string_view& value) {
  const std::size_t end = text.find('\n');
  if (end == text.npos) return false;
  const std::string_view line = text.substr(0, end);
  if (!line.starts_with(name) || line.substr(name.size(), 2) != ": ") return false;
  value = line.substr(name.size() + 2);
  text.remove_prefix(end + 1);
  return true;
}

template <class Number>
bool parse(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_file(std::string_view text, RescuedPlayer& player) {
  const bool has_owner = text.starts_with(kFirstLine);
  if (!has_owner && !text.starts_with(kFirstLineWithoutOwner)) return false;
  text.remove_prefix(kFirstLine.size());
  std::array<std::string_view, 10> values;
  constexpr std::array<std::string_view, 10> kNames = {
      "uid", "server", "account", "epoch", "version", "at", "why", "data", "replies", "sha256"};
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (!take_line(text, kNames[i], values[i])) return false;
  std::string_view owner = "0";
  if (has_owner && !take_line(text, "owner", owner)) return false;
  if (!parse(owner, player.owner) || !text.starts_with('\n')) return false;
  text.remove_prefix(1);
  std::size_t data_bytes = 0;
  std::size_t reply_bytes = 0;
  const bool has_replies = values[8] != kNone;
  if (!parse(values[2], player.account.value) || !parse(values[3], player.epoch) ||
      !parse(values[4], player.version) || !parse(values[5], player.at_s) ||
      !parse(values[7], data_bytes) || (has_replies && !parse(values[8], reply_bytes)))
    return false;
  if (data_bytes > text.size() || text.size() - data_bytes != reply_bytes) return false;
  if (crypto::hex_encode(crypto::sha256(text)) != values[9]) return false;
  player.uid = values[0];
  player.server = values[1];
  player.why = values[6];
  player.data = text.substr(0, data_bytes);
  if (has_replies) player.replies = text.substr(data_bytes);
  return true;
}

}  // namespace

Result<> make_rescue_folder(const RescueOptions& options) {
  const std::string& folder = options.folder;
  std::error_code error;
  if (fs::create_directories(folder, error)) {
    fs::permissions(folder, fs::perms::owner_all, error);
  }
  if (error) return fail(Errc::kIo, fmt::format("{}: {}", folder, error.message()));
  if (::access(folder.c_str(), W_OK | X_OK) != 0) return os_failure(folder);
  return {};
}

Result<std::string> write_rescue_file(const RescueOptions& options, const RescuedPlayer& player) {
  if (auto made = make_rescue_folder(options); !made) return tl::unexpected(made.error());
  const std::string head = head_of(player);
  const std::string replies = player.replies.value_or("");
  const std::uint64_t bytes = head.size() + player.data.size() + replies.size();
  if (const std::uint64_t held = bytes_in(options.folder); held + bytes > options.bytes_max)
    return fail(Errc::kFull, fmt::format("{} holds {} bytes; {} more are above "
                                         "agent.rescue_bytes_max ({})",
                                         options.folder, held, bytes, options.bytes_max));
  const std::string owner = player.owner == 0 ? "" : fmt::format("-{:x}", player.owner);
  const std::string path = fmt::format("{}/{}-{}-{}{}.player", options.folder, player.account.value,
                                       player.epoch, player.version, owner);
  std::string draft = path + ".XXXXXX";
  const int fd = mkostemp(draft.data(), O_CLOEXEC);  // mode 0600
  if (fd < 0) return os_failure(path);
  int error = 0;
  for (const std::string_view part :
       {std::string_view(head), std::string_view(player.data), std::string_view(replies)})
    if (error == 0) error = write_all(fd, part);
  if (error == 0 && ::fsync(fd) != 0) error = errno;
  ::close(fd);
  if (error == 0 && ::rename(draft.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(draft.c_str());
    errno = error;
    return os_failure(path);
  }
  errno = sync_folder(options.folder);
  if (errno != 0) return os_failure(options.folder);
  return path;
}

Result<RescuedPlayer> read_rescue_file(const std::string& path) {
  const auto file = read_file(path, kRescueBytesMax);
  if (!file && file.error().code == Errc::kNotFound)
    return fail(Errc::kNotFound, "there is no file " + path);
  if (!file) return tl::unexpected<Error>(file.error());
  RescuedPlayer player;
  if (!parse_file(file->text, player))
    return fail(Errc::kCorrupt, path + " is no rescued player, or not whole");
  return player;
}

}  // namespace gatehouse::store
