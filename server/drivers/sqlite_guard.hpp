// The claim of one server on a SQLite file for its life, and the eye it keeps on that file.
//
// A file belongs to the inode, not to the path: the claim is a lock (flock) on it, so that links,
// relative paths and mounts all meet it, and it ends with the process, however that ends. Programs
// that only visit (gatectl, sqlite3) make no claim.
//
// While a server has the file open, people delete, move, replace and overwrite it, or the files
// beside it. SQLite does not notice: it goes on writing what nobody will ever read again. So every
// commit is followed by a look, and counts only if the file that is open is still the one at the
// path. What a look finds:
//   deleted      written again, whole, from what is still open, as soon as the path is free
//   moved        nothing is written until it is back; what was in its -wal is brought into it
//   replaced     nothing is written until the process ends; a copy of what was open is kept beside
//   overwritten  (`cp backup.db gatehouse.db`, a truncation) the same, and its -wal is kept beside:
//                SQLite would write it over the restored data
//   -wal, -shm   deleted or replaced: all is brought into the file, which is then opened anew
// All of it is logged at once and again, and calls fail with kUnavailable meanwhile.
//
// Overwriting leaves the inode as it is. Therefore the file is stamped: before each checkpoint a
// random number goes into PRAGMA user_version, which lies in the file's first page, so that an
// earlier copy of the file has another one. The store's connections leave checkpoints to this
// class.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/log_limit.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "base/world.hpp"

struct sqlite3;

namespace gatehouse::drivers {

// Shared by all drivers of a process; any thread.
class SqliteGuard {
 public:
  // kExists when another server has the file, with its pid where the system tells it. A file that
  // cannot be had now is no error: each connection tries again. Metric: gauge `store_file_lost`.
  [[nodiscard]] static Result<std::shared_ptr<SqliteGuard>> claim(const World& world,
                                                                  const std::string& path,
                                                                  MetricSet& metrics);
  SqliteGuard(const SqliteGuard&) = delete;
  SqliteGuard& operator=(const SqliteGuard&) = delete;
  ~SqliteGuard();

  // Looks at the file, and mends what can be mended with `db`, an idle connection of this file, or
  // nullptr. The generation that a connection has to be of: one of an earlier generation is to be
  // closed. kUnavailable while the file is lost; `db` is to be kept open then.
  [[nodiscard]] Result<std::uint64_t> look(sqlite3* db);
  // A connection is about to be opened; false while older ones are not closed yet.
  [[nodiscard]] bool enter(std::uint64_t generation);
  // It is open, and has read.
  void opened(sqlite3* db);
  // It is about to be closed, and is given the right to tidy up when the file is as it should be.
  void closing(sqlite3* db);
  // It is closed.
  void leave();
  // After a commit that left so many frames in the -wal file.
  void committed(sqlite3* db, int frames);

  // Why the file is lost; empty: it is not.
  [[nodiscard]] std::string complaint() const;

 private:
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;  // 0: none
    bool operator==(const Identity&) const = default;
  };
  static constexpr std::int64_t kNoStamp = -2;  // before the first connection
  enum class Fault { kNone, kDeleted, kMoved, kReplaced, kOverwritten, kSideFile, kUnknown };

  SqliteGuard(const World& world, std::string path, MetricSet& metrics);
  [[nodiscard]] static Identity identity_of(const std::string& path);
  [[nodiscard]] Result<> take();
  [[nodiscard]] Fault find_fault();
  // -1: the file is too short to have one.
  [[nodiscard]] std::int64_t read_stamp() const;
  void stamp_and_checkpoint(sqlite3* db);
  [[nodiscard]] Result<> mend(Fault fault, sqlite3* db);
  void complain(Fault fault, const std::string& detail);
  [[nodiscard]] Result<> gather(sqlite3* db);
  void set_aside();
  [[nodiscard]] Result<> write_back(sqlite3* db);
  [[nodiscard]] Result<> keep_copy(sqlite3* db);
  [[nodiscard]] Result<> copy_to(sqlite3* db, std::string& draft);
  void renew();

  const Clock& clock_;
  Random& random_;
  const std::string path_;
  Metric& lost_;
  mutable std::mutex mutex_;  // all below
  int fd_ = -1;               // holds the claim; -1: not had yet
  Identity file_;
  Identity wal_;
  Identity shm_;
  std::int64_t stamp_ = kNoStamp;    // that of the file
  std::int64_t written_ = kNoStamp;  // the newest, which a checkpoint brings into the file
  std::uint64_t generation_ = 1;
  std::size_t open_ = 0;  // connections of any generation
  std::uint64_t open_generation_ = 1;
  int checkpoint_at_ = 0;  // frames
  Fault fault_ = Fault::kNone;
  bool overwritten_ = false;  // for good
  bool kept_ = false;         // a copy was made of this fault
  std::string complaint_;
  LogLimit complaints_{1, 10'000};
};

}  // namespace gatehouse::drivers
