// Runs a target on each file of its corpus: `fuzz_replay TARGET FOLDER`; without arguments it lists
// the targets. The file that a target fails on is the last one named. Ends with 2 for an unknown
// target and for a folder without files.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz.hpp"

namespace {

namespace fs = std::filesystem;

int complain(const std::string& what) {
  std::fprintf(stderr, "fuzz_replay: %s\n", what.c_str());
  return 2;
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  const auto& targets = gatehouse::fuzz::targets();
  if (argc == 1) {
    for (const auto& [name, target] : targets) std::puts(name.c_str());
    return 0;
  }
  if (argc != 3) return complain("needs a target and a folder");
  const auto found = targets.find(argv[1]);
  if (found == targets.end()) return complain(std::string("no target ") + argv[1]);
  const std::vector<fs::path> files = files_in(argv[2]);
  if (files.empty()) return complain(std::string("no inputs in ") + argv[2]);
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  for (const fs::path& file : files) {
    std::puts(file.filename().c_str());
    std::ifstream in(file, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    if (in.bad()) return complain("cannot read " + file.string());
    found->second({bytes.data(), bytes.size()});
  }
  std::printf("%zu inputs\n", files.size());
  return 0;
}
