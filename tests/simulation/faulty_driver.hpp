// A store that is down for a while, or does its work and loses the answer: a driver over another
// one. Whoever steps the simulation draws what happens; how slow it is, is the executor's to say.
#pragma once

#include <memory>
#include <utility>

#include "store/driver.hpp"

namespace gatehouse::simulation {

// Shared by the drivers of one store.
class StoreFaults {
 public:
  virtual ~StoreFaults() = default;
  enum class Fault { kNone, kDown, kLostAnswer };
  // What becomes of the call that is made now.
  virtual Fault draw(const char* call) = 0;
};

class FaultyDriver final : public store::Driver {
 public:
  FaultyDriver(std::unique_ptr<store::Driver> inner, StoreFaults& faults)
      : inner_(std::move(inner)), faults_(faults) {}

#define FORWARD(result, name, parameters, arguments)                           \
  result name parameters override {                                            \
    return attempt(#name, [&]() -> result { return inner_->name arguments; }); \
  }
  using Bytes = std::string_view;
  using Replies = const std::optional<std::string>&;
  using Budget = const store::TotpBudget&;
  FORWARD(Result<std::optional<store::Account>>, find_account, (Bytes name), (name))
  FORWARD(Result<store::Account>, create_account, (Bytes name, Bytes hash), (name, hash))
  FORWARD(Result<std::vector<bool>>, create_accounts, (std::span<const store::NewAccount> all),
          (all))
  FORWARD(Result<>, delete_account, (Bytes name), (name))
  FORWARD(Result<>, set_password_hash, (AccountId account, Bytes hash), (account, hash))
  FORWARD(Result<bool>, replace_password_hash,
          (AccountId account, Bytes before, Bytes after, Bytes origin),
          (account, before, after, origin))
  FORWARD(Result<>, set_ban, (Bytes name, bool on, std::int64_t until_s, Bytes reason, Bytes note),
          (name, on, until_s, reason, note))
  FORWARD(Result<std::vector<store::BanRecord>>, list_bans, (AccountId account), (account))
  FORWARD(Result<>, revoke_tickets, (Bytes name), (name))
  FORWARD(Result<>, set_totp, (Bytes name, Bytes sealed), (name, sealed))
  FORWARD(Result<bool>, use_totp_step, (AccountId account, std::uint64_t step), (account, step))
  FORWARD(Result<bool>, take_totp_try, (AccountId account, Budget budget, std::int64_t now_s),
          (account, budget, now_s))
  FORWARD(Result<>, give_totp_try, (AccountId account, Budget budget), (account, budget))
  FORWARD(Result<>, set_staff, (Bytes name, bool staff), (name, staff))
  FORWARD(Result<std::vector<store::Account>>, list_accounts, (Bytes after, std::uint32_t limit),
          (after, limit))
  FORWARD(Result<std::vector<store::StoredHash>>, list_password_hashes,
          (AccountId after, std::uint32_t limit), (after, limit))
  FORWARD(Result<std::vector<store::Account>>, list_barred_online, (std::int64_t now_s), (now_s))
  FORWARD(Result<std::vector<store::StaleSession>>, list_stale_online,
          (AccountId after, std::uint32_t limit), (after, limit))
  FORWARD(Result<std::optional<store::TicketFamily>>, find_ticket_family,
          (AccountId account, std::uint64_t family), (account, family))
  FORWARD(Result<bool>, begin_ticket_family,
          (AccountId account, const store::NewTicketFamily& family, std::uint32_t most),
          (account, family, most))
  FORWARD(Result<bool>, advance_ticket_family,
          (AccountId account, std::uint64_t family, std::uint64_t sequence, Bytes address),
          (account, family, sequence, address))
  FORWARD(Result<>, end_ticket_family, (AccountId account, std::uint64_t family), (account, family))
  FORWARD(Result<std::uint64_t>, trim_ticket_families, (std::int64_t now_s, std::uint32_t limit),
          (now_s, limit))
  FORWARD(Result<store::Fence>, claim_session,
          (AccountId account, const store::SessionClaim& claim), (account, claim))
  FORWARD(Result<bool>, catch_up_session, (AccountId account, store::Fence fence), (account, fence))
  FORWARD(Result<bool>, release_session, (AccountId account, store::Fence fence), (account, fence))
  FORWARD(Result<bool>, mark_session, (const store::HeldSession& session, std::uint64_t node),
          (session, node))
  FORWARD(Result<bool>, beat, (const store::Node& node), (node))
  FORWARD(Result<std::vector<store::Node>>, list_nodes, (), ())
  FORWARD(Result<std::uint64_t>, clear_node, (std::uint64_t node, std::uint32_t limit),
          (node, limit))
  FORWARD(Result<std::vector<store::OnlineSession>>, list_online,
          (Bytes after, std::uint32_t limit), (after, limit))
  FORWARD(Result<std::uint64_t>, fix_up, (Past past), (past))
  FORWARD(Result<store::PlayerData>, load_player,
          (AccountId account, Bytes server, store::Fence fence), (account, server, fence))
  FORWARD(Result<store::PlayerData>, read_player,
          (AccountId account, Bytes server, store::Fence fence), (account, server, fence))
  FORWARD(Result<>, save_player,
          (AccountId account, Bytes server, store::Fence fence, std::uint64_t version, Bytes data,
           Replies replies),
          (account, server, fence, version, data, replies))
  FORWARD(Result<bool>, rewound, (AccountId account, Bytes server, store::Fence fence),
          (account, server, fence))
  FORWARD(Result<>, record_logins, (std::span<const store::LoginAudit> rows), (rows))
  FORWARD(Result<std::uint64_t>, trim_login_audit, (std::int64_t before_s, std::uint32_t limit),
          (before_s, limit))
  FORWARD(Result<store::AuditPart>, measure_login_audit, (std::uint64_t after, std::uint32_t limit),
          (after, limit))
  FORWARD(Result<std::uint64_t>, cut_login_audit, (std::uint64_t last, std::uint32_t limit),
          (last, limit))
  FORWARD(Result<std::optional<store::GameServer>>, game_server, (Bytes name), (name))
  FORWARD(Result<std::vector<store::GameServer>>, list_game_servers, (), ())
  FORWARD(Result<>, upsert_game_server, (const store::GameServer& server), (server))
  FORWARD(Result<std::vector<store::AddressBan>>, list_address_bans, (std::int64_t now_s), (now_s))
  FORWARD(Result<std::vector<store::AddressAllow>>, list_address_allows, (), ())
  FORWARD(Result<std::uint32_t>, schema_version, (), ())
  FORWARD(Result<std::uint32_t>, missing_migrations, (), ())
  FORWARD(Result<std::uint32_t>, migrate, (), ())
  FORWARD(Result<>, end_group, (), ())
  FORWARD(Result<>, rehearse, (), ())
  FORWARD(Result<>, connect, (), ())
  FORWARD(Result<>, ping, (), ())
#undef FORWARD
  std::size_t group_max() const override {
    return inner_->group_max();
  }
  void begin_group() override {
    inner_->begin_group();
  }
  bool connected() override {
    return inner_->connected();
  }

 private:
  template <class Call>
  auto attempt(const char* name, Call call) -> decltype(call()) {
    const StoreFaults::Fault fault = faults_.draw(name);
    if (fault == StoreFaults::Fault::kDown) return fail(Errc::kUnavailable, "the store is down");
    auto done = call();
    if (fault == StoreFaults::Fault::kLostAnswer && done)
      return fail(Errc::kUnavailable, "the answer was lost");
    return done;
  }

  const std::unique_ptr<store::Driver> inner_;
  StoreFaults& faults_;
};

}  // namespace gatehouse::simulation
