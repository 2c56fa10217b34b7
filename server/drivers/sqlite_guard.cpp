#include "drivers/sqlite_guard.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "base/assert.hpp"
#include "base/clock.hpp"
#include "base/durable_file.hpp"
#include "base/log.hpp"
#include "drivers/sqlite_file.hpp"

namespace gatehouse::drivers {
namespace {

namespace fs = std::filesystem;

// As SQLite's own: so many frames of -wal are worth a checkpoint.
constexpr int kCheckpointFrames = 1'000;
// Where the file's first page has PRAGMA user_version, 4 bytes big-endian (sqlite.org/fileformat2).
constexpr off_t kStampAt = 60;

std::string os_words(int error) {
  return std::generic_category().message(error);
}

// The process that holds a lock on the file, as /proc/locks has it; 0: it does not tell.
pid_t holder_of(ino_t inode) {
  std::ifstream locks("/proc/locks");
  const std::string wanted = ":" + std::to_string(inode);
  std::string number, kind, mode, access, place, rest;
  pid_t pid = 0;
  while (locks >> number >> kind >> mode >> access >> pid >> place && std::getline(locks, rest)) {
    if (kind == "FLOCK" && place.ends_with(wanted)) return pid;
  }
  return 0;
}

void sync_folder_of(const std::string& path) {
  const auto folder = fs::path(path).parent_path();
  static_cast<void>(sync_folder(folder.empty() ? "." : folder.string()));
}

}  // namespace

SqliteGuard::SqliteGuard(const World& world, std::string path, MetricSet& metrics)
    : clock_(world.clock),
      random_(world.random),
      path_(std::move(path)),
      lost_(metrics.gauge("store_file_lost", "",
                          "1 while the SQLite file that is open is not the one at its path")) {}

SqliteGuard::~SqliteGuard() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::shared_ptr<SqliteGuard>> SqliteGuard::claim(const World& world, const std::string& path,
                                                        MetricSet& metrics) {
  std::shared_ptr<SqliteGuard> guard(new SqliteGuard(world, path, metrics));
  const auto taken = guard->take();
  if (!taken && taken.error().code == Errc::kExists) return tl::unexpected(taken.error());
  return guard;
}

SqliteGuard::Identity SqliteGuard::identity_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

// The descriptor is never closed while a connection is open: that would drop SQLite's own locks.
Result<> SqliteGuard::take() {
  if (fd_ >= 0) return {};
  if (auto made = make_private_file(path_); !made) return made;
  const int fd = ::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return fail(Errc::kUnavailable, fmt::format("{}: {}", path_, os_words(errno)));
  struct stat status {};
  if (::fstat(fd, &status) != 0 || ::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    ::close(fd);
    if (error != EWOULDBLOCK)
      return fail(Errc::kUnavailable, fmt::format("{}: {}", path_, os_words(error)));
    const pid_t pid = holder_of(status.st_ino);
    return fail(Errc::kExists,
                fmt::format("store.sqlite.path: {} is in use by another server{}", path_,
                            pid > 0 ? fmt::format(" (pid {})", pid) : std::string()));
  }
  fd_ = fd;
  file_ = {status.st_dev, status.st_ino};
  return {};
}

std::int64_t SqliteGuard::read_stamp() const {
  unsigned char bytes[4];
  if (::pread(fd_, bytes, sizeof bytes, kStampAt) != sizeof bytes) return -1;
  return std::int64_t{bytes[0]} << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

SqliteGuard::Fault SqliteGuard::find_fault() {
  if (overwritten_) return Fault::kOverwritten;
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) return Fault::kUnknown;
    if (::fstat(fd_, &status) != 0) return Fault::kUnknown;
    return status.st_nlink == 0 ? Fault::kDeleted : Fault::kMoved;
  }
  if (Identity{status.st_dev, status.st_ino} != file_) return Fault::kReplaced;
  if (written_ != kNoStamp) {
    const std::int64_t stamp = read_stamp();
    if (stamp == written_) stamp_ = written_;
    if (stamp != stamp_) return Fault::kOverwritten;
  }
  if (wal_.inode != 0 && identity_of(path_ + "-wal") != wal_) return Fault::kSideFile;
  if (shm_.inode != 0 && identity_of(path_ + "-shm") != shm_) return Fault::kSideFile;
  return Fault::kNone;
}

Result<std::uint64_t> SqliteGuard::look(sqlite3* db) {
  std::lock_guard lock(mutex_);
  if (auto taken = take(); !taken) {
    // Another server's file is as good as away: it may end.
    return fail(Errc::kUnavailable, taken.error().message);
  }
  Fault fault = find_fault();
  Result<> mended;
  if (fault != Fault::kNone) {
    mended = mend(fault, db);
    fault = find_fault();
  }
  if (fault == Fault::kNone) {
    if (fault_ != Fault::kNone) log::error({}, "{} is as it should be again", path_);
    fault_ = Fault::kNone;
    kept_ = false;
    complaint_.clear();
    lost_.set(0);
    return generation_;
  }
  complain(fault, mended ? std::string() : mended.error().message);
  return fail(Errc::kUnavailable, complaint_);
}

void SqliteGuard::complain(Fault fault, const std::string& detail) {
  const char* what = "cannot be looked at";
  switch (fault) {
    case Fault::kDeleted:
      what = "was deleted while it was open";
      break;
    case Fault::kMoved:
      what = "was moved away while it was open: move it back";
      break;
    case Fault::kReplaced:
      what =
          "was replaced by another file while it was open: put the old one back, or stop this "
          "server and start it again to use the new one";
      break;
    case Fault::kOverwritten:
      what =
          "was overwritten while it was open: stop this server and start it again to use what "
          "is there now";
      break;
    case Fault::kSideFile:
      what = "lost its -wal or -shm file while it was open";
      break;
    case Fault::kUnknown:
    case Fault::kNone:
      break;
  }
  complaint_ = fmt::format("store.sqlite.path: {} {}", path_, what);
  if (!detail.empty()) complaint_ += fmt::format(" ({})", detail);
  lost_.set(1);
  if (!complaints_.admit(clock_.monotonic_ms(), fault != std::exchange(fault_, fault))) return;
  log::error({}, "{}; nothing is written, logins are answered 503, players stay with their data",
             complaint_);
}

// What can be done about it with a connection that has the file open.
Result<> SqliteGuard::mend(Fault fault, sqlite3* db) {
  if (fault == Fault::kOverwritten) overwritten_ = true;
  complain(fault, {});
  if (db == nullptr) {
    // With nothing open, nothing depends on the files beside it.
    if (fault == Fault::kSideFile && open_ == 0) wal_ = shm_ = {};
    return {};
  }
  switch (fault) {
    case Fault::kDeleted:
      return write_back(db);
    case Fault::kReplaced:
      if (kept_) return {};
      if (auto kept = keep_copy(db); !kept) return kept;
      set_aside();
      return {};
    case Fault::kMoved:
      // What -wal holds at the old path belongs into the file, wherever that is now.
      if (!std::exchange(kept_, true))
        sqlite3_wal_checkpoint_v2(db, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
      return {};
    case Fault::kOverwritten:
      if (!std::exchange(kept_, true)) set_aside();
      return {};
    case Fault::kSideFile:
      return gather(db);
    case Fault::kUnknown:
    case Fault::kNone:
      return {};
  }
  return {};
}

// Brings all into the file itself, so that the files beside it are of no more use.
Result<> SqliteGuard::gather(sqlite3* db) {
  const int code =
      sqlite3_wal_checkpoint_v2(db, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code != SQLITE_OK) return tl::unexpected(sqlite_error(code, sqlite3_errmsg(db)));
  renew();
  return {};
}

// The files beside the path are those of the file that was there: the next one must not meet them.
void SqliteGuard::set_aside() {
  const std::string wal = path_ + "-wal";
  const std::string shm = path_ + "-shm";
  const std::string kept = fmt::format("{}.kept-{}", wal, clock_.wall_s());
  if (wal_.inode != 0 && identity_of(wal) == wal_ && ::rename(wal.c_str(), kept.c_str()) == 0)
    log::error({}, "the -wal file of what was open is kept as {}", kept);
  if (shm_.inode != 0 && identity_of(shm) == shm_) ::unlink(shm.c_str());
}

// Connections of before are to be closed; the first of the new generation finds all anew.
void SqliteGuard::renew() {
  ++generation_;
  wal_ = shm_ = {};
  checkpoint_at_ = 0;
}

// Copies what `db` sees into a new private file beside the path, whole and durable.
Result<> SqliteGuard::copy_to(sqlite3* db, std::string& draft) {
  std::error_code error;
  const auto folder = fs::path(path_).parent_path();
  if (!folder.empty() && fs::create_directories(folder, error))
    fs::permissions(folder, fs::perms::owner_all, error);
  draft = path_ + ".XXXXXX";
  const int fd = mkostemp(draft.data(), O_CLOEXEC);
  if (fd < 0)
    return fail(Errc::kUnavailable, fmt::format("cannot write {}: {}", path_, os_words(errno)));
  ::close(fd);
  sqlite3* copy = nullptr;
  int code = sqlite3_open_v2(draft.c_str(), &copy, SQLITE_OPEN_READWRITE, nullptr);
  if (code == SQLITE_OK) {
    sqlite3_backup* const backup = sqlite3_backup_init(copy, "main", db, "main");
    if (backup != nullptr) sqlite3_backup_step(backup, -1);
    code = backup != nullptr ? sqlite3_backup_finish(backup) : sqlite3_errcode(copy);
  }
  Result<> done;
  if (code != SQLITE_OK)
    done = tl::unexpected(sqlite_error(code, copy ? sqlite3_errmsg(copy) : "out of memory"));
  sqlite3_close(copy);
  ::unlink((draft + "-wal").c_str());
  ::unlink((draft + "-shm").c_str());
  if (!done) ::unlink(draft.c_str());
  return done;
}

// The copy is claimed before it appears at the path, where nothing may be overwritten by it.
Result<> SqliteGuard::write_back(sqlite3* db) {
  std::string draft;
  if (auto copied = copy_to(db, draft); !copied) return copied;
  const int fd = ::open(draft.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY);
  struct stat status {};
  bool fine = fd >= 0 && ::fstat(fd, &status) == 0 && ::flock(fd, LOCK_EX | LOCK_NB) == 0;
  if (fine && identity_of(path_) == Identity{}) {
    // They belong to the file that is gone; a new one would take them for its own.
    ::unlink((path_ + "-wal").c_str());
    ::unlink((path_ + "-shm").c_str());
  }
  fine = fine && ::link(draft.c_str(), path_.c_str()) == 0;
  const int error = errno;
  ::unlink(draft.c_str());
  if (!fine) {
    if (fd >= 0) ::close(fd);
    return fail(Errc::kUnavailable,
                fmt::format("cannot write {} again: {}", path_, os_words(error)));
  }
  sync_folder_of(path_);
  ::close(fd_);  // of a file that nothing else can reach
  fd_ = fd;
  file_ = {status.st_dev, status.st_ino};
  stamp_ = read_stamp();
  written_ = stamp_;
  renew();
  log::error({}, "{} was deleted while it was open: it is written again, with all that was in it",
             path_);
  return {};
}

Result<> SqliteGuard::keep_copy(sqlite3* db) {
  std::string draft;
  if (auto copied = copy_to(db, draft); !copied) return copied;
  const std::string kept = fmt::format("{}.kept-{}", path_, clock_.wall_s());
  if (::rename(draft.c_str(), kept.c_str()) != 0) {
    const int error = errno;
    ::unlink(draft.c_str());
    return fail(Errc::kUnavailable, fmt::format("cannot write {}: {}", kept, os_words(error)));
  }
  sync_folder_of(path_);
  kept_ = true;
  log::error({}, "what was open as {} when that was replaced is kept as {}", path_, kept);
  return {};
}

bool SqliteGuard::enter(std::uint64_t generation) {
  std::lock_guard lock(mutex_);
  if (open_ > 0 && open_generation_ != generation) return false;
  open_generation_ = generation;
  ++open_;
  return true;
}

void SqliteGuard::opened(sqlite3* db) {
  std::lock_guard lock(mutex_);
  sqlite3_wal_autocheckpoint(db, 0);
  sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (wal_.inode != 0 || find_fault() != Fault::kNone) return;
  wal_ = identity_of(path_ + "-wal");
  shm_ = identity_of(path_ + "-shm");
  stamp_and_checkpoint(db);
}

void SqliteGuard::closing(sqlite3* db) {
  static_cast<void>(look(db));  // the last chance of what only this connection holds
  std::lock_guard lock(mutex_);
  if (fd_ < 0) return;
  const Fault fault = find_fault();
  if (fault == Fault::kMoved && open_ == 1) set_aside();
  if (fault == Fault::kNone) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

void SqliteGuard::leave() {
  std::lock_guard lock(mutex_);
  GATEHOUSE_ASSERT(open_ > 0);
  if (--open_ > 0) return;
  wal_ = shm_ = {};  // SQLite may have removed them
}

void SqliteGuard::committed(sqlite3* db, int frames) {
  if (frames < kCheckpointFrames) {
    checkpoint_at_ = 0;
    return;
  }
  std::lock_guard lock(mutex_);
  if (frames < checkpoint_at_ || find_fault() != Fault::kNone) return;
  stamp_and_checkpoint(db);
  checkpoint_at_ = frames + kCheckpointFrames;  // if a reader kept it from all of them
}

void SqliteGuard::stamp_and_checkpoint(sqlite3* db) {
  const std::string random = random_.bytes(4);
  std::int64_t stamp = 1;
  for (const char c : random) stamp = (stamp << 8 | static_cast<unsigned char>(c)) & 0x7fff'ffff;
  if (stamp == 0) stamp = 1;  // a file that no server has had
  const std::string set = fmt::format("PRAGMA user_version = {}", stamp);
  // Somebody else writes: the next commit tries again.
  if (sqlite3_exec(db, set.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return;
  if (written_ == kNoStamp) stamp_ = read_stamp();
  written_ = stamp;
  sqlite3_wal_checkpoint_v2(db, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  const std::int64_t now = read_stamp();
  if (now == written_) stamp_ = now;
}

std::string SqliteGuard::complaint() const {
  std::lock_guard lock(mutex_);
  return complaint_;
}

}  // namespace gatehouse::drivers
