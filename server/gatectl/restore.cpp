#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gatectl/command.hpp"
#include "gatectl/store.hpp"
#include "store/rescue_file.hpp"

namespace gatehouse::gatectl {
namespace {

// The fence under which the data is written. That of the rescued session does as long as no later
// one has loaded the player; `force` takes the session over from whoever has it.
Result<store::Fence> fence_for(store::Driver& driver, const store::RescuedPlayer& player,
                               bool force) {
  if (!force) return player.fence();
  return driver.claim_session(
      player.account, {.gate = "gatectl", .server = player.server, .address = "", .subid = ""});
}

Result<> write_back(store::Driver& driver, const store::RescuedPlayer& player, bool force) {
  const auto fence = fence_for(driver, player, force);
  if (!fence) return tl::unexpected<Error>(fence.error());
  const auto stored = driver.load_player(player.account, player.server, *fence);
  if (!stored && stored.error().code == Errc::kFenced) {
    return fail(Errc::kFenced, player.uid +
                                   " has logged in since the rescue; --force writes over what that "
                                   "session saved, and ends it");
  }
  if (!stored) return tl::unexpected<Error>(stored.error());
  if (!force && stored->version >= player.version) {
    return fail(Errc::kExists, "the store has this data, or newer of the same session");
  }
  const std::uint64_t version = std::max(stored->version + 1, player.version);
  if (auto saved = driver.save_player(player.account, player.server, *fence, version, player.data,
                                      player.replies);
      !saved) {
    return saved;
  }
  if (!force) return {};
  const auto released = driver.release_session(player.account, *fence);
  if (!released) return tl::unexpected<Error>(released.error());
  return {};
}

}  // namespace

Result<> restore(const config::Config& config, const Arguments& arguments, Output& output) {
  const auto player = store::read_rescue_file(arguments.file);
  if (!player) return tl::unexpected<Error>(player.error());
  const auto driver = open_store(arguments.world, config);
  if (!driver) return tl::unexpected<Error>(driver.error());
  if (auto done = write_back(**driver, *player, arguments.force); !done) return done;
  output.say(fmt::format("{}@{} has its {} bytes back; {} is of no more use", player->uid,
                         player->server, player->data.size(), arguments.file),
             {{"done", "restored"},
              {"uid", player->uid},
              {"server", player->server},
              {"bytes", player->data.size()}});
  return {};
}

}  // namespace gatehouse::gatectl
