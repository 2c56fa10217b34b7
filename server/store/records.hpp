// The other values that go in and out of the store. All times are Unix seconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "store/account.hpp"

namespace gatehouse::store {

// A player's data and replies travel in one statement, which must stay below the 16 MiB that
// a MySQL server takes by default (max_allowed_packet).
inline constexpr std::size_t kPlayerDataBytesMax = 8u << 20;
inline constexpr std::size_t kPlayerRepliesBytesMax = 1u << 20;
static_assert(kPlayerDataBytesMax + kPlayerRepliesBytesMax < (16u << 20));

// What a session must show to write a player: its epoch, and an owner's token, because a database
// that was failed over to a replica that lagged, or restored, gives the same epoch once more.
struct Fence {
  std::uint64_t epoch = 0;
  // The first 8 bytes of the claim's id as a number, below 2^63; 0: of a session before there
  // were owners.
  std::uint64_t owner = 0;
  bool operator==(const Fence&) const = default;
};

// What a login writes when it takes the account's session over.
struct SessionClaim {
  std::string gate;     // name of the gate that will hold the session
  std::string server;   // the game server asked for
  std::string address;  // the client's address
  std::string subid;    // empty: the new epoch in decimal
  // kClaimIdBytes random bytes that make a repeated claim the same claim; empty: made up by the
  // driver, which is right for whoever calls once.
  std::string id{};
  // What the player proved; the session ends when the account's are others. None: it is not
  // looked at.
  std::optional<Credentials> credentials{};
  std::uint64_t family = 0;  // of the resume ticket that came, or that is given; 0: none
  std::uint64_t node = 0;    // the process that holds the session (Node); 0: none
};
inline constexpr std::size_t kClaimIdBytes = 16;

// An account to be made, as an import brings it; the fields are those of Account.
struct NewAccount {
  std::string name;
  std::string password_hash;
  AccountStatus status = AccountStatus::kActive;
  std::int64_t banned_until_s = 0;  // kept only of who is banned, like the next
  std::string ban_reason{};
  bool staff = false;
  std::string totp_secret{};
  std::string ban_note{};
};

// A ban of an account, in force or over.
struct BanRecord {
  std::int64_t at_s = 0;         // 0: written by hand, nobody noted when
  std::int64_t until_s = 0;      // 0: for ever
  std::string reason;            // told to the player
  std::string note;              // for staff
  std::int64_t lifted_at_s = 0;  // 0: not lifted
};

// The tickets that began with one password, from the first use of one of them on. Each has a
// number; the first, which came with the password, has 0.
struct TicketFamily {
  std::uint64_t sequence = 0;  // of the newest ticket
  std::string address;         // of the client that got it
  std::int64_t age_s = 0;      // how long ago, by the database's clock
  bool ended = false;
};

struct NewTicketFamily {
  std::uint64_t family = 0;
  std::int64_t password_at_s = 0;
  std::int64_t expires_at_s = 0;
  std::string address;
};

// A session that was made under other credentials than its account has now.
struct StaleSession {
  AccountId account;
  std::string name;
  std::uint64_t epoch = 0;
};

// One player of one game server.
struct PlayerData {
  bool has_data = false;      // false: never saved; data is empty
  std::string data;           // what the game saved, opaque
  std::uint64_t version = 0;  // number of the last save
  std::string replies;        // replies committed with the last save that gave any, opaque
};

// A life of a process that holds sessions. While it lives it says so every few seconds; what it
// leaves behind when it ends without a word is taken away by others.
struct Node {
  std::uint64_t id = 0;  // random, below 2^63, not 0
  // Boot id and pid namespace of the machine, pid and start time of the process: who has the first
  // two in common can ask the kernel whether it lives (base/node_life.hpp).
  std::string process;
  std::int64_t silent_s = 0;  // since it said so last, by the database's clock
};

// A player who is online.
struct OnlineSession {
  std::string name;
  std::string server;
  std::string gate;
  std::uint64_t epoch = 0;
  std::uint64_t node = 0;
  std::string address;
  std::int64_t since_s = 0;
};

// A session as its process knows it.
struct HeldSession {
  AccountId account;
  Fence fence;
  std::string gate;
  std::string server;
  std::string subid;
};

// A login, for ops and for the search after an attack; or all that were refused of an address in
// a minute, by the last of them.
struct LoginAudit {
  std::string name;   // as the client gave it
  AccountId account;  // nobody when the name is unknown
  std::string server;
  std::string address;
  std::string suite;      // "skynet", "plain", "x25519"
  std::string result;     // "200", "401", ...
  std::string transport;  // "tcp", "tls", "ws", "wss"; "": not noted
  std::string tls;        // version and cipher, also of a proxy that ends it; "": none
  std::string proxy;      // address of the one that the client came through; "": none
  std::int64_t at_s = 0;  // 0: the database's clock
  // Unix time / 60 of refusals, which are added to those that the table has of this minute and
  // address; 0: one login.
  std::uint64_t minute = 0;
  std::uint32_t attempts = 1;
  std::uint32_t names = 1;  // different ones among them
};

// A part of the audit, in the order in which it was written.
struct AuditPart {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;    // on a disk, indexes included: an estimate
  std::uint64_t last_id = 0;  // of its last row; 0: it has none
};

enum class ServerState {
  kOpen,
  kClosed,
  kMaintenance,
};

// The word the table holds: "open".
[[nodiscard]] std::string_view name(ServerState state);

struct GameServer {
  std::string name;
  ServerState state = ServerState::kOpen;
  std::uint32_t capacity = 0;  // players; 0: no limit
};

// An address or network that may not log in, written by ops (`203.0.113.7`, `203.0.113.0/24`).
struct AddressBan {
  std::string network;
  std::int64_t until_s = 0;  // 0: for ever
  std::string reason;        // told to who is in when the ban comes

  bool operator==(const AddressBan&) const = default;
};

// An address or network that bans and limits do not touch, written by ops.
struct AddressAllow {
  std::string network;
  std::string note;

  bool operator==(const AddressAllow&) const = default;
};

}  // namespace gatehouse::store
