// The uids whose login is running, in the whole process: a second login of one of them is
// refused meanwhile (406, docs/skynet-rules.md 4.2).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace gatehouse::admission {

class InProgress {
 public:
  // Holds one uid until it is destroyed, on any thread, even after the InProgress itself. Moves
  // along with the login, so that no path can forget to leave.
  class Entry;

  InProgress();
  InProgress(const InProgress&) = delete;
  InProgress& operator=(const InProgress&) = delete;

  // Nothing when the uid's login is running. Any thread.
  [[nodiscard]] std::optional<Entry> enter(std::string_view uid);

 private:
  struct Shards;
  std::shared_ptr<Shards> shards_;
};

class InProgress::Entry {
 public:
  Entry(Entry&& other) noexcept : shards_(std::move(other.shards_)), uid_(std::move(other.uid_)) {}
  Entry& operator=(Entry&&) = delete;
  ~Entry();

 private:
  friend class InProgress;
  Entry(std::shared_ptr<Shards> shards, std::string_view uid)
      : shards_(std::move(shards)), uid_(uid) {}

  std::shared_ptr<Shards> shards_;  // none: moved from
  std::string uid_;
};

}  // namespace gatehouse::admission
