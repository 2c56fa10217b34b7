// Checks passwords against the account store, and makes accounts at the first login where
// registration is open. A login is one job in the store, then one on the hash pool; the pools
// hand over to each other without coming back to the worker. Only a new account needs a second
// store job.
//
// What costs time costs it alike: a wrong password, an unknown user and an account without a
// usable password each take one password hash.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <tl/expected.hpp>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/secret.hpp"
#include "base/unique_function.hpp"
#include "crypto/password.hpp"
#include "login/refusal.hpp"
#include "store/store.hpp"
#include "store/work_pool.hpp"

namespace gatehouse::login {

struct AuthenticatorOptions {
  // What an unknown user's first login does: `auth.registration`.
  enum class Registration { kAuto, kClosed };

  Registration registration = Registration::kAuto;
  crypto::Argon2Cost cost;  // of new hashes
};

struct AuthRequest {
  std::string name;  // normalised
  std::string server;
  Secret password;  // find_or_create() needs none
  // Set once nobody waits for the answer: steps not begun are left out. May be null.
  std::shared_ptr<const std::atomic<bool>> cancelled;
};

// Any thread. The store and the pool outlive it.
class Authenticator {
 public:
  using Admission = tl::expected<AccountId, Refusal>;
  using Done = UniqueFunction<void(Admission)>;

  Authenticator(store::Store& store, store::WorkPool& hash_pool,
                const AuthenticatorOptions& options);
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;
  // Waits for its jobs in the pools.
  ~Authenticator();

  // Calls `done` exactly once: on a thread of a pool, or from inside when a queue is full. An
  // error of the store is always kStoreUnavailable, never an admission and never a new account.
  // Bans and closed servers are told to those only who know the password.
  void verify(AuthRequest request, Done done);

  // The account of a user whom somebody else has authenticated, made without a usable password
  // when there is none. Bans count here too. `done` as above.
  void find_or_create(AuthRequest request, Done done);

 private:
  class Attempt;
  void log_store_error(const Error& error);

  store::Store& store_;
  store::WorkPool& hash_pool_;
  const AuthenticatorOptions options_;
  std::atomic<MonotonicMs> next_store_log_ms_{0};

  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t attempts_ = 0;  // under mutex_
};

}  // namespace gatehouse::login
