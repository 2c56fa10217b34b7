#include "config/program_root.hpp"

#include <filesystem>
#include <system_error>
#include <vector>

#include "base/file_trust.hpp"

namespace gatehouse::config {
namespace {

namespace fs = std::filesystem;

bool has_files(const fs::path& root) {
  std::error_code error;
  return fs::exists(root / "lua/service/msgagent.lua", error) &&
         fs::is_directory(root / "sql/sqlite", error);
}

std::vector<fs::path> candidates() {
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  std::vector<fs::path> found = {folder.parent_path() / "share/gatehouse"};
  if (folder.parent_path().filename() == "build")
    found.push_back(folder.parent_path().parent_path());
  found.emplace_back(GATEHOUSE_SOURCE_TREE);
  found.emplace_back("/usr/share/gatehouse");
  return found;
}

Result<std::string> trusted(const fs::path& root) {
  for (const char* part : {"lua", "sql"}) {
    if (auto fine = check_trusted_tree((root / part).string()); !fine)
      return tl::unexpected<Error>(fine.error());
  }
  std::error_code error;
  return fs::equivalent(root, ".", error) ? "." : root.string();
}

}  // namespace

Result<std::string> program_root(const std::string& given) {
  if (!given.empty()) {
    std::error_code error;
    const fs::path root = fs::canonical(given, error);
    if (error || !has_files(root))
      return fail(Errc::kNotFound, "--root " + given + ": holds no lua/ and sql/ of gatehouse");
    return trusted(root);
  }
  std::string looked;
  for (const fs::path& root : candidates()) {
    if (has_files(root)) return trusted(root);
    looked += (looked.empty() ? "" : ", ") + root.string();
  }
  return fail(Errc::kNotFound,
              "the program's files lua/ and sql/ are in none of " + looked + "; see --root");
}

}  // namespace gatehouse::config
