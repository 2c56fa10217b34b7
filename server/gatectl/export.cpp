// account export: all accounts, a page at a time.
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "gatectl/account_form.hpp"
#include "gatectl/command.hpp"
#include "gatectl/store.hpp"

namespace gatehouse::gatectl {
namespace {

constexpr std::uint32_t kPageRows = 1'000;

enum class Form { kCsv, kLines, kArray };

Result<Form> form_of(const Arguments& arguments, const Output& output) {
  if (output.json() && !arguments.format.empty()) {
    return fail(Errc::kInvalid, "--format: does not go with --json, which writes one JSON array");
  }
  if (output.json()) return Form::kArray;
  return arguments.format == "jsonl" ? Form::kLines : Form::kCsv;
}

void write(const store::Account& account, std::int64_t now_s, Form form, HashForm hash, bool first,
           std::ostream& out) {
  if (form == Form::kCsv) {
    out << account_csv(account, hash);
  } else if (form == Form::kLines) {
    out << json_line(account_json(account, hash, now_s)) << '\n';
  } else {
    out << (first ? "\n" : ",\n") << json_line(account_json(account, hash, now_s));
  }
}

}  // namespace

Result<> account_export(const config::Config& config, const Arguments& arguments, Output& output) {
  const auto form = form_of(arguments, output);
  if (!form) return tl::unexpected<Error>(form.error());
  const auto driver = open_store(arguments.world, config);
  if (!driver) return tl::unexpected<Error>(driver.error());
  const HashForm hash = arguments.with_hash ? HashForm::kShown : HashForm::kHidden;
  std::ostream& out = output.out();
  if (*form == Form::kCsv) out << account_csv_header(hash);
  if (*form == Form::kArray) out << '[';
  std::string after;
  for (bool first = true, last = false; !last;) {
    const auto page = (*driver)->list_accounts(after, kPageRows);
    if (!page) return tl::unexpected<Error>(page.error());
    for (const store::Account& account : *page) {
      write(account, arguments.world.clock.wall_s(), *form, hash, first, out);
      first = false;
    }
    if (!out.flush()) return fail(Errc::kIo, "the output cannot be written");
    last = page->size() < kPageRows;
    if (!page->empty()) after = page->back().name;
  }
  if (*form == Form::kArray) out << "\n]\n";
  if (!out.flush()) return fail(Errc::kIo, "the output cannot be written");
  return {};
}

}  // namespace gatehouse::gatectl
