#include "base/result.hpp"

namespace gatehouse {

std::string_view name(Errc code) {
  switch (code) {
    case Errc::kInvalid:
      return "invalid";
    case Errc::kNotFound:
      return "not_found";
    case Errc::kExists:
      return "exists";
    case Errc::kDenied:
      return "denied";
    case Errc::kUnavailable:
      return "unavailable";
    case Errc::kTimeout:
      return "timeout";
    case Errc::kFull:
      return "full";
    case Errc::kClosed:
      return "closed";
    case Errc::kFenced:
      return "fenced";
    case Errc::kCorrupt:
      return "corrupt";
    case Errc::kIo:
      return "io";
    case Errc::kRefused:
      return "refused";
    case Errc::kTooBig:
      return "too_big";
  }
  return "unknown";
}

}  // namespace gatehouse
