// How gatectl answers: text for people, or one JSON document on standard output; errors on
// standard error, in the same form. Nothing that a name, a reason or a server says can do anything
// to a terminal (base/printable.hpp).
#pragma once

#include <cstdint>
#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gatehouse::gatectl {

enum class OutputForm { kText, kJson };

// One line of JSON; bytes that are not UTF-8 are replaced, what a terminal obeys is escaped.
[[nodiscard]] std::string json_line(const nlohmann::json& value);

// "2026-01-31 23:59:59 UTC"; "never" for 0.
[[nodiscard]] std::string time_text(std::int64_t unix_s);

class Output {
 public:
  // Both streams outlive it.
  Output(OutputForm form, std::ostream& out, std::ostream& errors)
      : form_(form), out_(out), errors_(errors) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  [[nodiscard]] bool json() const { return form_ == OutputForm::kJson; }
  // For what is streamed.
  [[nodiscard]] std::ostream& out() { return out_; }

  // What a command has done, in either form: `text` ends without a line break.
  void say(std::string_view text, const nlohmann::json& document);
  // Why it was not done: `gatectl: TEXT`, or {"error":{"code":...,"message":...}}.
  void fail(const Error& error);
  // Why one row of an input is left out: the same with its line.
  void fail_line(std::uint64_t line, const Error& error);

 private:
  const OutputForm form_;
  std::ostream& out_;
  std::ostream& errors_;
};

}  // namespace gatehouse::gatectl
