// Reads a JSON object into typed fields. Every key that is read counts as known; what is left,
// has the wrong type or an impossible value is an error that names the key's path.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

namespace gatehouse::config {

class ConfigReader {
 public:
  // `object` and `errors` outlive the reader. `path` is "" at the top.
  ConfigReader(const nlohmann::json& object, std::string path, std::vector<std::string>& errors);
  ConfigReader(const ConfigReader&) = delete;
  ConfigReader& operator=(const ConfigReader&) = delete;
  // Reports the keys that nobody read, unless the rest is somebody else's.
  ~ConfigReader();
  void leave_rest() { leaves_rest_ = true; }

  // Each leaves `value` alone when the key is not there. True when it is and is a string.
  bool read(const char* key, std::string& value);
  void read(const char* key, bool& value);
  template <class T>
  requires(std::is_unsigned_v<T> &&
           !std::is_same_v<T, bool>) void read(const char* key, T& value, std::uint64_t min = 0,
                                               std::uint64_t max = std::numeric_limits<T>::max()) {
    std::uint64_t wide = value;
    if (read_number(key, wide, min, max)) value = static_cast<T>(wide);
  }
  void read(const char* key, std::vector<std::string>& value);
  // A word out of a list; its index.
  void read_choice(const char* key, const std::vector<std::string>& words, std::size_t& value);

  // Calls f(reader) for the object at the key, if it is there.
  template <class F>
  void section(const char* key, F&& f) {
    if (const nlohmann::json* inner = find(key, nlohmann::json::value_t::object)) {
      ConfigReader reader(*inner, path_of(key), errors_);
      f(reader);
    }
  }
  // Calls f(reader) for each object of the list at the key.
  template <class F>
  void each(const char* key, F&& f) {
    const nlohmann::json* list = find(key, nlohmann::json::value_t::array);
    if (list == nullptr) return;
    for (std::size_t i = 0; i < list->size(); ++i) {
      const std::string path = path_of(key) + "[" + std::to_string(i) + "]";
      if (!(*list)[i].is_object()) {
        errors_.push_back(path + ": must be an object");
        continue;
      }
      ConfigReader reader((*list)[i], path, errors_);
      f(reader);
    }
  }

  [[nodiscard]] bool has(const char* key) const { return object_.contains(key); }
  [[nodiscard]] std::string path_of(const char* key) const;
  // Reports a value that is wrong for a reason only the caller knows.
  void reject(const char* key, const std::string& why);

 private:
  [[nodiscard]] const nlohmann::json* find(const char* key, nlohmann::json::value_t type);
  bool read_number(const char* key, std::uint64_t& value, std::uint64_t min, std::uint64_t max);

  const nlohmann::json& object_;
  const std::string path_;
  std::vector<std::string>& errors_;
  std::set<std::string> known_;
  bool leaves_rest_ = false;
};

}  // namespace gatehouse::config
