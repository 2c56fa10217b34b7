// How to reach a MySQL or MariaDB server.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/secret.hpp"

namespace gatehouse::mysql {

// Which of several servers the connections that share it use, for the log. Any thread.
class ServerInUse {
 public:
  // A connection got through to `where`; says so when the one before went elsewhere.
  void connected(const std::string& where);

 private:
  std::mutex mutex_;
  std::string where_;
};

// TLS to the server. A connection that would go without what the mode says is not used.
struct Tls {
  enum class Mode {
    kOff,
    kRequired,  // encrypted; whoever stands in between is not noticed
    kVerify,    // encrypted, the server's certificate is issued by `ca` for the host's name
  };
  Mode mode = Mode::kOff;
  std::string ca;    // file with certificates; empty: those of the system; for kVerify
  std::string cert;  // file with our own certificate, where the server wants one
  std::string key;   // file with its key
};

struct Host {
  std::string host;
  std::uint16_t port = 3306;
};

struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 3306;
  // When not empty, in the place of host and port: tried in order at every new connection, of
  // several only such as take writes.
  std::vector<Host> hosts;
  std::string socket;  // path of a Unix socket, wins over hosts
  Tls tls;             // not with a socket
  std::string user;
  Secret password;
  std::string database;

  // The library counts in whole seconds: time-outs are rounded up.
  std::uint32_t connect_timeout_ms = 5'000;
  std::uint32_t io_timeout_ms = 5'000;  // one statement; 0: as long as it takes
  // How long a statement waits for a row that somebody else has locked.
  std::uint32_t lock_timeout_ms = 1'000;
  // Of several servers, the one that is used; none: nobody is told.
  std::shared_ptr<ServerInUse> in_use;
};

}  // namespace gatehouse::mysql
