// What a login holds while it runs. Moves along with it, so that no path can forget to let go.
#pragma once

#include <optional>

#include "login/in_progress.hpp"
#include "login/server_rooms.hpp"

namespace gatehouse::login {

struct Hold {
  std::optional<InProgress::Entry> uid;  // none: the uid is not known yet
  Pass pass;                             // into the game server, once it is let in

  void let_go() {
    pass = Pass();
    uid.reset();
  }
};

}  // namespace gatehouse::login
