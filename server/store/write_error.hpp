// What the error of a write says about what was done.
#pragma once

#include "base/result.hpp"

namespace gatehouse::store {

// Whether it is certain that the write that failed so has done nothing, nor will. Of any other
// code that is not known: the store may have done it, or do it later.
[[nodiscard]] constexpr bool nothing_done(Errc code) {
  switch (code) {
    case Errc::kInvalid:
    case Errc::kNotFound:
    case Errc::kExists:
    case Errc::kDenied:
    case Errc::kFull:
    case Errc::kFenced:
    case Errc::kRefused:
    case Errc::kCorrupt:
    case Errc::kTooBig:
      return true;
    case Errc::kUnavailable:
    case Errc::kTimeout:
    case Errc::kClosed:
    case Errc::kIo:
      break;
  }
  return false;
}

// The same for an operator: the error, and that it is not known whether the write was done.
[[nodiscard]] inline Error told(Error error) {
  if (!nothing_done(error.code)) error.message += " (it is not known whether it was done)";
  return error;
}

}  // namespace gatehouse::store
