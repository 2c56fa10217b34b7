// What a player's gate session talks to: implemented by the script layer.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/reply_window.hpp"

namespace gatehouse::gate {

// Called on the agent's worker only. Every function may call anything on the Session, kick() and
// its destruction included.
class Agent {
 public:
  // A request to run, once: repeated ones are answered from the reply window. The content is
  // valid during the call. Session::respond() answers the ticket, in the call or later.
  virtual void on_request(protocol::RequestTicket ticket, std::string_view content) = 0;

  // The client begins this conversation, as number `number` of those that tickets name, or one
  // that it left before: what is known of it goes to Session::restore_reply() and its neighbours
  // now. Not called for clients that name no conversation.
  virtual void on_conversation(std::string_view name, std::uint32_t number) {
    static_cast<void>(name);
    static_cast<void>(number);
  }

  // The client's handshake was accepted. `resumed` is false for the session's first connection.
  // Without an on_disconnected() before it the connection took the place of an older one.
  virtual void on_connected(bool resumed) = 0;

  // The client is gone (afk); it may come back. Not called after kick().
  virtual void on_disconnected() = 0;

 protected:
  ~Agent() = default;
};

}  // namespace gatehouse::gate
