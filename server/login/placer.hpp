// What the login asks of the gates: find one that serves the game server and give the player a
// session there. The script layer implements it; tests have one of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admission/waiting_room.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/unique_function.hpp"
#include "protocol/suite.hpp"
#include "store/account.hpp"

namespace gatehouse::login {

// A player whose password was right and who may play.
struct Grant {
  AccountId account;
  std::string uid;
  std::string server;
  Secret secret;  // of the session: 8 bytes (skynet) or 32
  protocol::Suite suite = protocol::Suite::kSkynet;
  std::string address;  // the client's IP address, without port
  // What the login proved: the session ends when the account's are others. None: nobody looks.
  std::optional<store::Credentials> credentials{};
  std::uint64_t family = 0;  // of its resume ticket; 0: none
  // Of the login connection, which wants the answer; none: there is no such connection.
  std::optional<std::uint16_t> worker{};
  // Tells whether somebody waits for the answer; none: somebody does.
  std::shared_ptr<const admission::Waiter> waiter;

  [[nodiscard]] bool nobody_waits() const { return waiter && waiter->cancelled.load(); }
};

struct Placement {
  std::string subid;
  std::vector<std::string> endpoints;  // of the gate, "host:port"
};

class Placer {
 public:
  using Done = UniqueFunction<void(Result<Placement>)>;

  virtual ~Placer() = default;

  // True when some gate serves the game server, whether it has room now or not. Any thread; it
  // is asked before the password is looked at.
  [[nodiscard]] virtual bool serves(std::string_view server) const = 0;

  // How many players a game server has, those included whose client is away. Any thread.
  [[nodiscard]] virtual std::size_t players(std::string_view server) const = 0;
  // True for one of them: his new login takes no place. Any thread.
  [[nodiscard]] virtual bool online(const std::string& uid, std::string_view server) const = 0;

  // Takes the account's session over and makes the player's agent. Any thread. `done` is called
  // exactly once, from inside or later, on any thread, best on Grant::worker. When nobody waits any
  // more (Grant::waiter) the session is not made, or undone. The uid stays marked as "login in
  // progress" until `done` was called or destroyed. Errors become answers: kNotFound and kDenied
  // 403, kExists 406, everything else 503.
  virtual void place(Grant grant, Done done) = 0;

  // Takes a placement back that nobody will hear of: the session that has this subid ends. Any
  // thread.
  virtual void withdraw(const std::string& uid, std::string_view subid) {
    static_cast<void>(uid);
    static_cast<void>(subid);
  }

  // The gates of a game server, told to clients whose session a policy made (policy.hpp). Any
  // thread.
  [[nodiscard]] virtual std::vector<std::string> endpoints(std::string_view server) const {
    static_cast<void>(server);
    return {};
  }
};

}  // namespace gatehouse::login
