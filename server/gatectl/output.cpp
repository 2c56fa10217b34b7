#include "gatectl/output.hpp"

#include <fmt/chrono.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/printable.hpp"

namespace gatehouse::gatectl {
namespace {

using nlohmann::json;

json to_json(const Error& error) {
  return {{"code", name(error.code)}, {"message", error.message}};
}

}  // namespace

std::string json_line(const json& value) {
  return printable_json(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string time_text(std::int64_t unix_s) {
  if (unix_s == 0) return "never";
  const std::time_t time = unix_s;
  std::tm utc{};
  gmtime_r(&time, &utc);
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", utc);
}

void Output::say(std::string_view text, const nlohmann::json& document) {
  if (json()) {
    out_ << json_line(document) << '\n';
  } else {
    out_ << printable_lines(text) << '\n';
  }
}

void Output::fail(const Error& error) {
  if (json()) {
    errors_ << json_line({{"error", to_json(error)}}) << '\n';
  } else {
    errors_ << "gatectl: " << printable_lines(error.message) << '\n';
  }
}

void Output::fail_line(std::uint64_t line, const Error& error) {
  if (json()) {
    errors_ << json_line({{"line", line}, {"error", to_json(error)}}) << '\n';
  } else {
    errors_ << "gatectl: line " << line << ": " << printable(error.message) << '\n';
  }
}

}  // namespace gatehouse::gatectl
