#include "app/store_probe.hpp"

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/log.hpp"

namespace gatehouse::app {
namespace {

constexpr MonotonicMs kFreshMs = 250;            // an answer serves others for so long
constexpr std::chrono::milliseconds kWait{500};  // of who asks; below what balancers wait

}  // namespace

// Shared with the question that is under way.
struct StoreProbe::State {
  State(const Clock& c, std::chrono::milliseconds limit) : clock(c), patience_ms(limit.count()) {}

  // True for the one who has to ask; with the mutex held.
  bool begin(MonotonicMs now_ms) {
    if (pending || (answered && now_ms - answered_ms < kFreshMs)) return false;
    pending = true;
    asked_ms = now_ms;
    return true;
  }

  void end(const Result<>& result) {
    {
      std::lock_guard lock(mutex);
      pending = false;
      if (!result && result.error().code == Errc::kClosed) return;  // the server stops
      answered = true;
      answered_ms = clock.monotonic_ms();
      learn(result ? "" : result.error().message);
    }
    changed.notify_all();
  }

  // What is true from now on; tells the log of a change.
  void learn(std::string now_why) {
    if (now_why.empty() && !why.empty()) {
      log::info({}, "the store takes logins again, after {} s",
                (clock.monotonic_ms() - since_ms) / 1'000);
    } else if (!now_why.empty() && why.empty()) {
      since_ms = clock.monotonic_ms();
      log::error({}, "the store takes no logins: {}", now_why);
    }
    why = std::move(now_why);
  }

  // Draws the conclusion when no answer comes.
  void judge_silence() {
    if (pending && clock.monotonic_ms() - asked_ms >= patience_ms)
      learn(fmt::format("no answer for {} ms", patience_ms));
  }

  const Clock& clock;
  const MonotonicMs patience_ms;
  std::mutex mutex;  // guards the rest
  std::condition_variable changed;
  bool pending = false;
  bool answered = false;  // once
  MonotonicMs asked_ms = 0;
  MonotonicMs answered_ms = 0;
  MonotonicMs since_ms = 0;  // of `why`
  std::string why;
};

StoreProbe::StoreProbe(const Clock& clock, store::Store& store, std::chrono::milliseconds patience)
    : state_(std::make_shared<State>(clock, patience)), store_(store) {}

void StoreProbe::submit_question() {
  const auto submitted = store_.submit([state = state_](store::Driver& driver) {
    return store::Store::Reply([state, said = driver.rehearse()](const Result<>& durable) {
      state->end(said ? durable : said);
    });
  });
  if (!submitted) state_->end(submitted);
}

std::string StoreProbe::ask() {
  std::unique_lock lock(state_->mutex);
  if (state_->begin(state_->clock.monotonic_ms())) {
    lock.unlock();
    submit_question();
    lock.lock();
  }
  state_->changed.wait_for(lock, kWait, [this] { return !state_->pending; });
  state_->judge_silence();
  if (!state_->answered && state_->why.empty()) return "it has not answered yet";
  return state_->why;
}

}  // namespace gatehouse::app
