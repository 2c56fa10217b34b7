#include "login/hash_survey.hpp"

#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/secret.hpp"
#include "crypto/password.hpp"

namespace gatehouse::login {
namespace {

constexpr std::uint32_t kPageRows = 5'000;
// At the end of the table: for accounts that an operator adds.
constexpr MonotonicMs kAgainMs = 60'000;
constexpr MonotonicMs kRetryMs = 5'000;  // with a store that is away

}  // namespace

struct HashSurvey::State {
  State(const Clock& c, actor::WorkPool& pool, admission::AnswerFloor& f)
      : clock(c), hash_pool(pool), floor(f) {}

  const Clock& clock;
  actor::WorkPool& hash_pool;
  admission::AnswerFloor& floor;
  std::mutex mutex;
  std::condition_variable idle;
  std::size_t jobs = 0;  // under mutex, as the next
  MonotonicMs next_ms = 0;
  AccountId after;  // of the one page that is read

  void begin() {
    std::lock_guard lock(mutex);
    ++jobs;
  }
  void end() {
    std::lock_guard lock(mutex);
    GATEHOUSE_ASSERT(jobs > 0);
    if (--jobs == 0) idle.notify_all();
  }
  void end_page(MonotonicMs pause_ms) {
    {
      std::lock_guard lock(mutex);
      next_ms = clock.monotonic_ms() + pause_ms;
    }
    end();
  }
};

namespace {

// How long the verification of a password that is wrong takes.
void measure_hash(const Clock& clock, admission::AnswerFloor& floor, const std::string& stored) {
  const auto estimate_ns = crypto::estimate_verify_ns(stored);
  const std::int64_t began_ns = clock.monotonic_ns();
  if (estimate_ns && crypto::verify_password(Secret("no password"), stored))
    floor.learn(*estimate_ns, clock.monotonic_ns() - began_ns);
}

}  // namespace

HashSurvey::HashSurvey(const Clock& clock, store::Store& store, actor::WorkPool& hash_pool,
                       admission::AnswerFloor& floor, const crypto::Argon2Cost& cost)
    : store_(store), state_(std::make_shared<State>(clock, hash_pool, floor)) {
  static_cast<void>(floor.wants(crypto::estimate_verify_ns(cost)));
}

HashSurvey::~HashSurvey() {
  std::unique_lock lock(state_->mutex);
  state_->idle.wait(lock, [this] { return state_->jobs == 0; });
}

void HashSurvey::update(MonotonicMs now) {
  {
    std::lock_guard lock(state_->mutex);
    if (state_->jobs > 0 || now < state_->next_ms) return;
    ++state_->jobs;
  }
  const auto taken =
      store_.submit([state = state_](store::Driver& driver) { read_page(state, driver); });
  if (!taken) state_->end_page(kRetryMs);
}

void HashSurvey::read_page(const std::shared_ptr<State>& state, store::Driver& driver) {
  const auto page = driver.list_password_hashes(state->after, kPageRows);
  if (!page) return state->end_page(kRetryMs);
  if (page->empty()) return state->end_page(kAgainMs);
  state->after = page->back().account;
  for (const store::StoredHash& row : *page) {
    const auto estimate_ns = crypto::estimate_verify_ns(row.hash);
    if (estimate_ns && state->floor.wants(*estimate_ns)) measure(state, row.hash);
  }
  state->end_page(page->size() < kPageRows ? kAgainMs : 0);
}

void HashSurvey::measure(const std::shared_ptr<State>& state, const std::string& stored) {
  state->begin();
  const auto taken = state->hash_pool.submit([state, stored](const actor::WorkContext& context) {
    if (!context.discarded) measure_hash(state->clock, state->floor, stored);
    state->end();
  });
  if (!taken) state->end();
}

}  // namespace gatehouse::login
