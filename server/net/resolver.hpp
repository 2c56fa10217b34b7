// Names to addresses, looked up by libuv's thread pool so that no worker waits.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/unique_function.hpp"
#include "net/uv_loop.hpp"

namespace gatehouse::net {

using ResolveCallback = UniqueFunction<void(Result<std::vector<std::string>>)>;
// Numeric addresses of `host`, in the system's order of preference, at least one; a numeric
// host is its own answer. Calls back once, on the loop's thread and not from inside this call
// (except on an ending loop: kClosed). kNotFound: the name has no address; kUnavailable: the
// name service does not answer. A loop that ends waits for lookups that already run.
void resolve(UvLoop& loop, const std::string& host, ResolveCallback callback);

}  // namespace gatehouse::net
