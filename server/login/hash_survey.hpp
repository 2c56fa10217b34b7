// Looks through the password hashes of the store for the slowest formats, page by page, and has
// one of each measured on the hash pool, so that the floor of the answers covers what nobody has
// logged in with yet. Accounts that are added later are looked at, too; a hash that somebody
// changed is seen at its next login.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "actor/work_pool.hpp"
#include "admission/answer_floor.hpp"
#include "base/clock.hpp"
#include "crypto/password.hpp"
#include "store/store.hpp"

namespace gatehouse::login {

// Any thread. The store, the pool and the floor outlive its jobs.
class HashSurvey {
 public:
  // cost: of new hashes. What is not slower than that, logins themselves measure.
  HashSurvey(const Clock& clock, store::Store& store, actor::WorkPool& hash_pool,
             admission::AnswerFloor& floor, const crypto::Argon2Cost& cost);
  HashSurvey(const HashSurvey&) = delete;
  HashSurvey& operator=(const HashSurvey&) = delete;
  // Waits for its jobs.
  ~HashSurvey();

  // Reads the next page when it is time to; call it every second or so.
  void update(MonotonicMs now);

 private:
  struct State;
  static void read_page(const std::shared_ptr<State>& state, store::Driver& driver);
  static void measure(const std::shared_ptr<State>& state, const std::string& stored);

  store::Store& store_;
  const std::shared_ptr<State> state_;
};

}  // namespace gatehouse::login
