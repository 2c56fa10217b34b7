// Asks the store what a login would get (Driver::rehearse), on the way that a login takes: the
// store's queue and its connections. One question at a time; nobody waits longer than he says.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "store/store.hpp"

namespace gatehouse::app {

// Any thread. The log has a line when the store stops taking logins, and one when it does again.
class StoreProbe {
 public:
  // `store` outlives it. A store that has not answered for `patience` takes no logins.
  StoreProbe(const Clock& clock, store::Store& store, std::chrono::milliseconds patience);
  StoreProbe(const StoreProbe&) = delete;
  StoreProbe& operator=(const StoreProbe&) = delete;

  // Asks, unless an answer is there that is hardly older, and waits for the answer a moment; what
  // is known then. Empty: a login would get in; else what keeps it out, in the database's words.
  [[nodiscard]] std::string ask();

 private:
  struct State;
  void submit_question();

  const std::shared_ptr<State> state_;
  store::Store& store_;
};

}  // namespace gatehouse::app
