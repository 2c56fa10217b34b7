// Player data that the store does not take, kept in files until an operator brings it back
// (`gatectl restore`). Nothing but these files holds it by then.
//
// A file is text lines `name: value` as below, an empty line, and then the bytes of `data` and of
// `replies`, right behind each other. Lines, in this order:
//   gatehouse-player: 2           the form of the file; form 1 had no owner
//   uid, server                   the player, UTF-8 without control characters
//   account                       account.id
//   epoch, version                of the save that was refused (Driver::save_player)
//   at                            Unix seconds of writing the file
//   why                           class and words of the refusal
//   data, replies                 their bytes; replies: "none" when the save brought none
//   sha256                        of data and replies, in hexadecimal
//   owner                         of the session, beside its epoch
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "store/records.hpp"

namespace gatehouse::store {

struct RescueOptions {
  std::string folder = "var/rescue";     // agent.rescue_folder; made when missing, mode 0700
  std::uint64_t bytes_max = 1ull << 30;  // agent.rescue_bytes_max, of all files in it
};

struct RescuedPlayer {
  std::string uid;
  std::string server;
  AccountId account;
  std::uint64_t epoch = 0;
  std::uint64_t version = 0;
  std::int64_t at_s = 0;
  std::string why;
  std::string data;
  std::optional<std::string> replies;
  std::uint64_t owner = 0;

  [[nodiscard]] Fence fence() const { return {epoch, owner}; }
};

// Makes the folder; kIo when it cannot be made or written to.
[[nodiscard]] Result<> make_rescue_folder(const RescueOptions& options);

// Writes a file of mode 0600, `ACCOUNT-EPOCH-VERSION-OWNER.player` (an owner of 0 is left out),
// and returns its path once it is durable. It appears whole or not at all. kFull when the folder
// would hold more than bytes_max; kIo with the words of the operating system. Blocks; any thread.
[[nodiscard]] Result<std::string> write_rescue_file(const RescueOptions& options,
                                                    const RescuedPlayer& player);

// kNotFound, kIo; kCorrupt for a file that is not whole.
[[nodiscard]] Result<RescuedPlayer> read_rescue_file(const std::string& path);

}  // namespace gatehouse::store
