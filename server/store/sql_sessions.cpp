// SqlDriver: sessions and players.
#include <utility>

#include "crypto/random.hpp"
#include "store/sql_driver.hpp"
#include "store/sql_values.hpp"

namespace gatehouse::store {

Result<std::uint64_t> SqlDriver::claim_session(AccountId account, const SessionClaim& claim) {
  if (!valid_text(claim.gate, kShortTextMax) || claim.gate.empty()) return invalid("gate name");
  if (!valid_server_name(claim.server)) return invalid("server name");
  if (claim.subid.size() > kLongTextMax) return invalid("subid");
  if (!claim.id.empty() && claim.id.size() != kClaimIdBytes) return invalid("claim id");
  const std::string id = claim.id.empty() ? crypto::random_bytes(kClaimIdBytes) : claim.id;
  const std::string address = fit_text(claim.address, kShortTextMax);
  const SqlValue subid = claim.subid.empty() ? SqlValue{nullptr} : SqlBytes{claim.subid};
  const Credentials proved = claim.credentials.value_or(Credentials{});
  const SqlValue generation =
      claim.credentials ? SqlValue{proved.generation} : SqlValue{nullptr};
  std::uint64_t epoch = 0;
  auto ran = run(Statement::kClaimSession,
                 {SqlBytes{id}, subid, SqlText{claim.gate}, SqlText{claim.server},
                  SqlText{address}, generation, SqlText{proved.password}, SqlText{proved.factor},
                  claim.family, account.value, SqlBytes{id}},
                 Repeat::kYes, [&](const SqlRow& row) { epoch = natural(row, 0); });
  if (!ran) return tl::unexpected(ran.error());
  if (epoch == 0 && ran->matched > 0) epoch = ran->insert_id;
  if (epoch == 0) return claimed_epoch(account, id);
  return epoch;
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
  // Every claim since then raised the epoch by one.
  for (std::size_t at = 0; at < claims.size() && epoch > 0; at += kClaimIdBytes, --epoch)
    if (std::string_view(claims).substr(at, kClaimIdBytes) == id) return epoch;
  return fail(Errc::kUnavailable, "later claims have taken the session over");
}

Result<> SqlDriver::rehearse(bool writes) {
  constexpr std::uint64_t kNobody = 0;  // accounts are numbered from 1
  const auto found = find_account(" ");
  if (!found) return tl::unexpected(found.error());
  // Of a claim, as fencing wants it, and of a save: rights, tables, columns, a server that writes.
  const auto released = release_session(AccountId{kNobody}, 0);
  if (!released) return tl::unexpected(released.error());
  const auto saved = run(Statement::kSavePlayer,
                         {SqlBytes{""}, nullptr, std::uint64_t{1}, kNobody, SqlText{"-"},
                          std::uint64_t{0}, std::uint64_t{1}},
                         Repeat::kYes);
  if (!saved) return tl::unexpected(saved.error());
  if (!writes) return {};
  const auto written = run(Statement::kTouch, {}, Repeat::kYes);
  if (!written) return tl::unexpected(written.error());
  return {};
}

Result<bool> SqlDriver::release_session(AccountId account, std::uint64_t epoch) {
  auto ran = run(Statement::kReleaseSession, {account.value, epoch}, Repeat::kYes);
  if (!ran) return tl::unexpected(ran.error());
  return ran->matched > 0;
}

Result<PlayerData> SqlDriver::load_player(AccountId account, std::string_view server,
                                          std::uint64_t epoch) {
  if (!valid_server_name(server)) return invalid("server name");
  std::uint64_t owner = 0;
  PlayerData player;
  const auto read = [&](const SqlRow& row) {
    owner = natural(row, 0);
    player.version = natural(row, 1);
    player.has_data = !row.is_null(2);
    player.data = row.bytes(2);
    player.replies = row.bytes(3);
  };
  auto ran = run(Statement::kTakePlayer, {account.value, SqlText{server}, epoch}, Repeat::kYes,
                 read);
  // Once the row is ours no older epoch can write it, so that the two statements need no
  // transaction around them.
  if (ran && owner == 0)
    ran = run(Statement::kReadPlayer, {account.value, SqlText{server}}, Repeat::kYes, read);
  if (!ran) return tl::unexpected(ran.error());
  if (owner == 0) return fail(Errc::kUnavailable, "the player was deleted while it was loaded");
  if (owner != epoch) return fail(Errc::kFenced, "a newer session has the player");
  return player;
}

Result<> SqlDriver::save_player(AccountId account, std::string_view server, std::uint64_t epoch,
                                std::uint64_t version, std::string_view data,
                                const std::optional<std::string>& replies) {
  if (!valid_server_name(server)) return invalid("server name");
  if (version == 0 || version > kNumberMax) return invalid("version");
  if (data.size() > kPlayerDataBytesMax)
    return too_big("player data", data.size(), kPlayerDataBytesMax);
  if (replies && replies->size() > kPlayerRepliesBytesMax)
    return too_big("reply data", replies->size(), kPlayerRepliesBytesMax);
  const SqlValue reply_value = replies ? SqlValue{SqlBytes{*replies}} : SqlValue{nullptr};
  auto ran = run(Statement::kSavePlayer,
                 {SqlBytes{data}, reply_value, version, account.value, SqlText{server}, epoch,
                  version},
                 Repeat::kYes);
  if (ran && ran->matched > 0) return {};
  const bool repeated = ran && ran->repeated;
  std::uint64_t owner = 0;
  std::uint64_t saved = 0;
  if (ran) {
    ran = run(Statement::kReadSaved, {account.value, SqlText{server}}, Repeat::kYes,
              [&](const SqlRow& row) {
                owner = natural(row, 0);
                saved = natural(row, 1);
              });
  }
  if (!ran) return tl::unexpected(ran.error());
  if ((owner != epoch || saved < version) && repeated)
    return fail(Errc::kUnavailable, "the player was taken over while a save's answer was lost");
  if (owner != epoch || saved < version)
    return fail(Errc::kFenced, "this session does not have the player");
  return {};
}

}  // namespace gatehouse::store
