#include "config/reader.hpp"

#include <algorithm>

namespace gatehouse::config {
namespace {

using Type = nlohmann::json::value_t;

const char* type_name(Type type) {
  switch (type) {
    case Type::object:
      return "an object";
    case Type::array:
      return "a list";
    case Type::string:
      return "a string";
    case Type::boolean:
      return "true or false";
    default:
      return "a whole number";
  }
}

}  // namespace

ConfigReader::ConfigReader(const nlohmann::json& object, std::string path,
                           std::vector<std::string>& errors)
    : object_(object), path_(std::move(path)), errors_(errors) {}

ConfigReader::~ConfigReader() {
  for (const auto& [key, value] : object_.items()) {
    if (leaves_rest_ || known_.contains(key)) continue;
    errors_.push_back(path_of(key.c_str()) + ": unknown key");
  }
}

std::string ConfigReader::path_of(const char* key) const {
  return path_.empty() ? key : path_ + "." + key;
}

void ConfigReader::reject(const char* key, const std::string& why) {
  errors_.push_back(path_of(key) + ": " + why);
}

const nlohmann::json* ConfigReader::find(const char* key, Type type) {
  known_.insert(key);
  const auto it = object_.find(key);
  if (it == object_.end()) return nullptr;
  if (it->type() != type) {
    reject(key, std::string("must be ") + type_name(type));
    return nullptr;
  }
  return &*it;
}

bool ConfigReader::read(const char* key, std::string& value) {
  const auto* found = find(key, Type::string);
  if (found != nullptr) value = found->get<std::string>();
  return found != nullptr;
}

void ConfigReader::read(const char* key, bool& value) {
  if (const auto* found = find(key, Type::boolean)) value = found->get<bool>();
}

void ConfigReader::read(const char* key, std::vector<std::string>& value) {
  const auto* found = find(key, Type::array);
  if (found == nullptr) return;
  std::vector<std::string> words;
  for (const auto& item : *found) {
    if (!item.is_string()) return reject(key, "must be a list of strings");
    words.push_back(item.get<std::string>());
  }
  value = std::move(words);
}

void ConfigReader::read_choice(const char* key, const std::vector<std::string>& words,
                               std::size_t& value) {
  const auto* found = find(key, Type::string);
  if (found == nullptr) return;
  const auto it = std::find(words.begin(), words.end(), found->get<std::string>());
  if (it != words.end()) {
    value = static_cast<std::size_t>(it - words.begin());
    return;
  }
  std::string choices;
  for (const std::string& word : words) choices += (choices.empty() ? "" : ", ") + word;
  reject(key, "must be one of " + choices);
}

bool ConfigReader::read_number(const char* key, std::uint64_t& value, std::uint64_t min,
                               std::uint64_t max) {
  known_.insert(key);
  const auto it = object_.find(key);
  if (it == object_.end()) return false;
  if (!it->is_number_unsigned()) {
    reject(key, "must be a whole number, 0 or above");
    return false;
  }
  const auto number = it->get<std::uint64_t>();
  if (number < min || number > max) {
    reject(key, "must be between " + std::to_string(min) + " and " + std::to_string(max));
    return false;
  }
  value = number;
  return true;
}

}  // namespace gatehouse::config
