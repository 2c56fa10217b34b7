#include "base/file_trust.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kAccountBytesMax = 16'384;  // of an entry of passwd or group

uid_t owner_of(const char* path) {
  struct stat info {};
  return ::stat(path, &info) == 0 ? info.st_uid : 0;
}

// Who owns the program, or a folder above it, can change what it does.
class Owners {
 public:
  Owners() {
    std::error_code error;
    program_ = fs::read_symlink("/proc/self/exe", error);
    for (fs::path path = program_; path.has_relative_path(); path = path.parent_path())
      users_.push_back(owner_of(path.c_str()));
  }
  [[nodiscard]] bool has(uid_t user) const { return std::ranges::count(users_, user) != 0; }
  // Who may write such a folder may put another program into the place of this one.
  [[nodiscard]] bool holds_program(const fs::path& folder) const {
    return std::ranges::mismatch(folder, program_).in1 == folder.end();
  }

 private:
  fs::path program_;
  std::vector<uid_t> users_{0, ::geteuid(), owner_of("/")};
};

// What an entry is to who asks: itself what counts, or only on the way there.
enum class Level { kItself, kAbove };

std::string user_name(uid_t user) {
  std::array<char, kAccountBytesMax> room{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(user, &entry, room.data(), room.size(), &found) == 0 && found != nullptr)
    return found->pw_name;
  return fmt::format("user {}", user);
}

// Whether the file's group is the owner alone.
bool group_is_owner(const struct stat& info) {
  if (info.st_uid == 0) return false;
  std::array<char, kAccountBytesMax> user_room{}, group_room{};
  passwd user_entry{};
  passwd* user = nullptr;
  group group_entry{};
  group* own = nullptr;
  if (::getpwuid_r(info.st_uid, &user_entry, user_room.data(), user_room.size(), &user) != 0 ||
      user == nullptr || user->pw_gid != info.st_gid) {
    return false;
  }
  if (::getgrgid_r(info.st_gid, &group_entry, group_room.data(), group_room.size(), &own) != 0 ||
      own == nullptr || std::string_view(own->gr_name) != user->pw_name) {
    return false;
  }
  for (char** member = own->gr_mem; *member != nullptr; ++member) {
    if (std::string_view(*member) != user->pw_name) return false;
  }
  return true;
}

tl::unexpected<Error> denied(const std::string& path, const struct stat& info, std::string_view why,
                             std::string_view mend) {
  return fail(Errc::kDenied, fmt::format("{}: {} (mode {:04o}): chmod {}", path, why,
                                         info.st_mode & 07777u, mend));
}

// One file, folder or link by itself.
Result<> check_entry(const std::string& path, const Owners& owners, Level level) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    const int error = errno;
    return fail(error == ENOENT || error == ENOTDIR ? Errc::kNotFound : Errc::kIo,
                fmt::format("{}: {}", path, std::generic_category().message(error)));
  }
  if (!owners.has(info.st_uid)) {
    return fail(Errc::kDenied,
                fmt::format("{}: belongs to {}, who is neither root nor who runs this", path,
                            user_name(info.st_uid)));
  }
  if (S_ISLNK(info.st_mode)) return {};  // its mode means nothing
  const bool sticky = S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0;
  if (sticky && level == Level::kAbove) return {};
  if ((info.st_mode & S_IWOTH) != 0) return denied(path, info, "everybody may write it", "o-w");
  if ((info.st_mode & S_IWGRP) != 0 && !group_is_owner(info))
    return denied(path, info, "its group may write it", "g-w");
  return {};
}

// The entry and the folders above, up to the root.
Result<> check_path(fs::path path, const Owners& owners) {
  for (Level level = Level::kItself;; level = Level::kAbove) {
    if (level == Level::kAbove && owners.holds_program(path)) return {};
    if (auto fine = check_entry(path.string(), owners, level); !fine) return fine;
    if (!path.has_relative_path()) return {};
    path = path.parent_path();
  }
}

}  // namespace

Result<> check_trusted(const std::string& path) {
  std::error_code error;
  const fs::path given = fs::absolute(path, error).lexically_normal();
  const fs::path real = error ? fs::path() : fs::canonical(path, error);
  struct stat info {};
  if (error && ::stat(path.c_str(), &info) == 0 && S_ISFIFO(info.st_mode)) return {};
  if (error) {
    const bool none =
        error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
    return fail(none ? Errc::kNotFound : Errc::kIo, fmt::format("{}: {}", path, error.message()));
  }
  const Owners owners;
  if (auto fine = check_path(given, owners); !fine || given == real) return fine;
  return check_path(real, owners);
}

Result<> check_trusted_tree(const std::string& folder) {
  if (auto fine = check_trusted(folder); !fine) return fine;
  const Owners owners;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (auto fine = check_entry(at->path().string(), owners, Level::kItself); !fine) return fine;
  }
  if (error) return fail(Errc::kIo, fmt::format("{}: {}", folder, error.message()));
  return {};
}

Result<> check_secret_file(const std::string& path) {
  if (auto fine = check_trusted(path); !fine) return fine;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0)
    return fail(Errc::kIo, fmt::format("{}: {}", path, std::generic_category().message(errno)));
  const std::string readers = readers_of(info);
  if (readers.empty()) return {};
  return denied(path, info, readers, info.st_uid == 0 ? "o-r" : "go-r");
}

std::string readers_of(const struct stat& info) {
  if ((info.st_mode & S_IROTH) != 0) return "everybody may read it";
  if ((info.st_mode & S_IRGRP) != 0 && info.st_uid != 0 && !group_is_owner(info))
    return "its group may read it";
  return {};
}

}  // namespace gatehouse
