// Who is logged in at a gate: the name a handshake gives -> where its session lives.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace gatehouse::gate {

class Session;

// Any thread.
class Directory {
 public:
  struct Entry {
    std::uint16_t worker = 0;
    Session* session = nullptr;  // for that worker's thread only, which looks it up itself
  };

  Directory() = default;
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  // False when the name is taken. The text must stay until remove().
  [[nodiscard]] bool add(std::string_view name, const Entry& entry);
  void remove(std::string_view name);
  [[nodiscard]] std::optional<Entry> find(std::string_view name) const;
  // The same of a name as a client may spell it (protocol::canonical_gate_name).
  [[nodiscard]] std::optional<Entry> find_spelled(std::string_view name) const;
  [[nodiscard]] std::size_t count() const;

 private:
  static constexpr std::size_t kShards = 16;
  struct Part {
    mutable std::mutex mutex;
    std::unordered_map<std::string_view, Entry> entries;
  };
  [[nodiscard]] const Part& part(std::string_view name) const;
  [[nodiscard]] Part& part(std::string_view name);

  std::array<Part, kShards> parts_;
};

}  // namespace gatehouse::gate
