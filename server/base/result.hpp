// Operating errors are values: a function that can fail for a reason outside the program
// returns Result<T>. Broken invariants go to GATEHOUSE_ASSERT (assert.hpp).
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace gatehouse {

enum class Errc {
  kInvalid,      // the caller's input is wrong
  kNotFound,     // the thing named does not exist
  kExists,       // it exists already
  kDenied,       // not allowed: wrong password, banned, weak key
  kUnavailable,  // a store, gate or peer cannot be reached now; of a write: unknown if it was done
  kTimeout,      // a deadline passed; of a write: unknown if it was done
  kFull,         // a bounded queue or table has no room; nothing was done
  kClosed,       // the other side is gone
  kFenced,       // a newer epoch owns the session
  kCorrupt,      // stored or received data does not parse
  kIo,           // the operating system refused
  kRefused,      // a store refuses this for good, nothing was done: an operator has to act
  kTooBig,       // more bytes than the other side takes, nothing was done
};

// The name of a code as logs and metrics print it: "not_found".
[[nodiscard]] std::string_view name(Errc code);

struct Error {
  Errc code;
  std::string message;  // one line, for an operator; never holds a secret
};

template <class T = void>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(Errc code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace gatehouse
