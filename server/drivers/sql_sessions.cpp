// SqlDriver: sessions and players.
#include <fmt/format.h>

#include <utility>

#include "base/utf8.hpp"
#include "drivers/sql_driver.hpp"
#include "drivers/sql_values.hpp"

namespace gatehouse::drivers {
namespace {

constexpr std::size_t kOwnerBytes = 8;

// An id whose first bytes are an owner: a number above 0 that fits into SQLite's integers.
std::string claim_id_of(Random& random, const store::SessionClaim& claim) {
  std::string id = claim.id.empty() ? random.bytes(store::kClaimIdBytes) : claim.id;
  id[0] = static_cast<char>(id[0] & 0x7f);
  if (id.find_first_not_of('\0') >= kOwnerBytes) id[kOwnerBytes - 1] = 1;
  return id;
}

std::uint64_t owner_of(std::string_view claim_id) {
  std::uint64_t owner = 0;
  for (std::size_t i = 0; i < kOwnerBytes; ++i)
    owner = owner << 8 | static_cast<unsigned char>(claim_id[i]);
  return owner;
}

// As the account's newest claim begins.
std::string owner_bytes(std::uint64_t owner) {
  std::string bytes(kOwnerBytes, '\0');
  for (std::size_t i = kOwnerBytes; i > 0; --i, owner >>= 8)
    bytes[i - 1] = static_cast<char>(owner & 0xff);
  return bytes;
}

store::PlayerData player_of(const SqlRow& row, store::Fence& fence) {
  fence = {natural(row, 0), natural(row, 1)};
  store::PlayerData player;
  player.version = natural(row, 2);
  player.has_data = !row.is_null(3);
  player.data = row.bytes(3);
  player.replies = row.bytes(4);
  return player;
}

bool forgotten(bool exists, store::Fence stored, store::Fence fence) {
  return !exists || stored.epoch < fence.epoch ||
         (stored.epoch == fence.epoch && stored.owner != fence.owner);
}

tl::unexpected<Error> fenced(bool exists, store::Fence stored, store::Fence fence) {
  if (!forgotten(exists, stored, fence))
    return fail(Errc::kFenced, fmt::format("a newer session has the player (epoch {}, not {})",
                                           stored.epoch, fence.epoch));
  const std::string whose =
      !exists ? "it has no such player"
              : (stored.epoch < fence.epoch
                     ? fmt::format("it knows epoch {} of the player, this session has {}",
                                   stored.epoch, fence.epoch)
                     : fmt::format("another session has the same epoch {}", stored.epoch));
  return fail(
      Errc::kFenced,
      "the database has gone back (a failover to a replica that lagged, or a restore): " + whose);
}

}  // namespace

Result<store::Fence> SqlDriver::claim_session(AccountId account, const store::SessionClaim& claim) {
  if (!valid_text(claim.gate, kShortTextMax) || claim.gate.empty()) return invalid("gate name");
  if (!store::valid_server_name(claim.server)) return invalid("server name");
  if (claim.subid.size() > kLongTextMax) return invalid("subid");
  if (!claim.id.empty() && claim.id.size() != store::kClaimIdBytes) return invalid("claim id");
  const std::string id = claim_id_of(random_, claim);
  const std::string address = fit_text(claim.address, kShortTextMax);
  const SqlValue subid = claim.subid.empty() ? SqlValue{nullptr} : SqlBytes{claim.subid};
  const store::Credentials proved = claim.credentials.value_or(store::Credentials{});
  const SqlValue generation = claim.credentials ? SqlValue{proved.generation} : SqlValue{nullptr};
  std::uint64_t epoch = 0;
  auto ran = run(Statement::kClaimSession,
                 {SqlBytes{id}, subid, claim.node, SqlText{claim.gate}, SqlText{claim.server},
                  SqlText{address}, now_s(), generation, SqlText{proved.password},
                  SqlText{proved.factor}, claim.family, account.value, SqlBytes{id}},
                 Repeat::kYes, [&](const SqlRow& row) { epoch = natural(row, 0); });
  if (!ran) return tl::unexpected(ran.error());
  if (epoch == 0 && ran->matched > 0) epoch = ran->insert_id;
  if (epoch == 0) {
    auto claimed = claimed_epoch(account, id);
    if (!claimed) return tl::unexpected(claimed.error());
    epoch = *claimed;
  }
  return store::Fence{epoch, owner_of(id)};
}

Result<std::uint64_t> SqlDriver::claimed_epoch(AccountId account, std::string_view id) {
  bool exists = false;
  std::uint64_t epoch = 0;
  std::string claims;
  auto ran = run(Statement::kReadClaims, {account.value}, Repeat::kYes, [&](const SqlRow& row) {
    exists = true;
    epoch = natural(row, 0);
    claims = row.bytes(1);
  });
  if (!ran) return tl::unexpected(ran.error());
  if (!exists) return fail(Errc::kNotFound, "no such account");
  // Every claim since then raised the epoch by one; what raised it by more (fix_up) leaves an
  // epoch that nobody has, below that of the newest claim.
  for (std::size_t at = 0; at < claims.size() && epoch > 0; at += store::kClaimIdBytes, --epoch)
    if (std::string_view(claims).substr(at, store::kClaimIdBytes) == id) return epoch;
  return fail(Errc::kUnavailable, "later claims have taken the session over");
}

Result<> SqlDriver::rehearse() {
  constexpr std::uint64_t kNobody = 0;  // accounts are numbered from 1
  const auto found = find_account(" ");
  if (!found) return tl::unexpected(found.error());
  // Of a claim, as fencing wants it, and of a save: rights, tables, columns, a server that writes.
  const auto released = release_session(AccountId{kNobody}, store::Fence{});
  if (!released) return tl::unexpected(released.error());
  const auto saved = run(Statement::kSavePlayer,
                         {SqlBytes{""}, nullptr, std::uint64_t{1}, now_s(), kNobody, SqlText{"-"},
                          std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{1}},
                         Repeat::kYes);
  if (!saved) return tl::unexpected(saved.error());
  const auto written = run(Statement::kTouch, {}, Repeat::kYes);
  if (!written) return tl::unexpected(written.error());
  return {};
}

Result<bool> SqlDriver::catch_up_session(AccountId account, store::Fence fence) {
  auto ran =
      run(Statement::kCatchUpSession, {account.value, account.value, fence.epoch}, Repeat::kYes);
  if (!ran) return tl::unexpected(ran.error());
  return ran->matched > 0;
}

Result<bool> SqlDriver::release_session(AccountId account, store::Fence fence) {
  const std::string owner = owner_bytes(fence.owner);
  auto ran =
      run(Statement::kReleaseSession, {account.value, fence.epoch, SqlBytes{owner}}, Repeat::kYes);
  if (!ran) return tl::unexpected(ran.error());
  return ran->matched > 0;
}

Result<bool> SqlDriver::mark_session(const store::HeldSession& session, std::uint64_t node) {
  const std::string owner = owner_bytes(session.fence.owner);
  auto ran = run(Statement::kMarkSession,
                 {node, SqlText{session.gate}, SqlText{session.server}, SqlBytes{session.subid},
                  session.account.value, session.fence.epoch, SqlBytes{owner}},
                 Repeat::kYes);
  if (!ran) return tl::unexpected(ran.error());
  return ran->matched > 0;
}

Result<store::PlayerData> SqlDriver::load_player(AccountId account, std::string_view server,
                                                 store::Fence fence) {
  if (!store::valid_server_name(server)) return invalid("server name");
  auto ran = run(Statement::kFenceOthers,
                 {fence.epoch, account.value, SqlText{server}, fence.epoch}, Repeat::kYes);
  if (!ran) return tl::unexpected(ran.error());
  store::Fence stored;
  store::PlayerData player;
  ran = run(Statement::kTakePlayer, {account.value, SqlText{server}, fence.epoch, fence.owner},
            Repeat::kYes, [&](const SqlRow& row) { player = player_of(row, stored); });
  if (!ran) return tl::unexpected(ran.error());
  // Once the row is ours no older session can write it, so that the two statements need no
  // transaction around them.
  if (stored.epoch == 0) return read_player(account, server, fence);
  if (stored != fence) return fenced(true, stored, fence);
  return player;
}

Result<store::PlayerData> SqlDriver::read_player(AccountId account, std::string_view server,
                                                 store::Fence fence) {
  if (!store::valid_server_name(server)) return invalid("server name");
  store::Fence stored;
  store::PlayerData player;
  auto ran = run(Statement::kReadPlayer, {account.value, SqlText{server}}, Repeat::kYes,
                 [&](const SqlRow& row) { player = player_of(row, stored); });
  if (!ran) return tl::unexpected(ran.error());
  if (stored.epoch == 0) return fail(Errc::kUnavailable, "the player was deleted meanwhile");
  if (stored != fence) return fenced(true, stored, fence);
  return player;
}

Result<> SqlDriver::save_player(AccountId account, std::string_view server, store::Fence fence,
                                std::uint64_t version, std::string_view data,
                                const std::optional<std::string>& replies) {
  if (!store::valid_server_name(server)) return invalid("server name");
  if (version == 0 || version > kNumberMax) return invalid("version");
  if (data.size() > store::kPlayerDataBytesMax)
    return too_big("player data", data.size(), store::kPlayerDataBytesMax);
  if (replies && replies->size() > store::kPlayerRepliesBytesMax)
    return too_big("reply data", replies->size(), store::kPlayerRepliesBytesMax);
  const SqlValue reply_value = replies ? SqlValue{SqlBytes{*replies}} : SqlValue{nullptr};
  const auto ran = run(Statement::kSavePlayer,
                       {SqlBytes{data}, reply_value, version, now_s(), account.value,
                        SqlText{server}, fence.epoch, fence.owner, version},
                       Repeat::kYes);
  if (!ran) return tl::unexpected(ran.error());
  if (ran->matched > 0) return {};
  const auto saved = read_saved(account, server);
  if (!saved) return tl::unexpected(saved.error());
  const bool ours = saved->exists && saved->fence == fence;
  if (ours && saved->version >= version) return {};
  if (ran->repeated)
    return fail(Errc::kUnavailable, "the player was taken over while a save's answer was lost");
  if (ours) return fail(Errc::kUnavailable, "the player's row changed while it was saved");
  return fenced(saved->exists, saved->fence, fence);
}

Result<SqlDriver::Saved> SqlDriver::read_saved(AccountId account, std::string_view server) {
  Saved saved;
  auto ran = run(Statement::kReadSaved, {account.value, SqlText{server}}, Repeat::kYes,
                 [&](const SqlRow& row) {
                   saved.exists = true;
                   saved.fence = {natural(row, 0), natural(row, 1)};
                   saved.version = natural(row, 2);
                 });
  if (!ran) return tl::unexpected(ran.error());
  return saved;
}

Result<bool> SqlDriver::rewound(AccountId account, std::string_view server, store::Fence fence) {
  const auto saved = read_saved(account, server);
  if (!saved) return tl::unexpected(saved.error());
  return forgotten(saved->exists, saved->fence, fence);
}

}  // namespace gatehouse::drivers
