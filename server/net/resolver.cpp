#include "net/resolver.hpp"

#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <memory>

#include "base/assert.hpp"
#include "net/address.hpp"
#include "net/uv.hpp"

namespace gatehouse::net {
namespace {

struct Lookup {
  uv_getaddrinfo_t request{};
  UvLoop& loop;
  std::string host;
  ResolveCallback callback;
};

Result<std::vector<std::string>> to_result(const std::string& host, int status,
                                           const addrinfo* list) {
  if (status == UV_ECANCELED) return fail(Errc::kClosed, "the loop is ending");
  if (status != 0) {
    const bool unknown = status == UV_EAI_NONAME || status == UV_EAI_NODATA;
    return fail(unknown ? Errc::kNotFound : Errc::kUnavailable,
                fmt::format("cannot resolve \"{}\": {}", host, uv_strerror(status)));
  }
  std::vector<std::string> addresses;
  for (; list != nullptr; list = list->ai_next) {
    const Address address = Address::from(*list->ai_addr);
    if (!address.known()) continue;
    std::string ip = address.ip();
    if (std::find(addresses.begin(), addresses.end(), ip) == addresses.end()) {
      addresses.push_back(std::move(ip));
    }
  }
  if (addresses.empty()) {
    return fail(Errc::kNotFound, fmt::format("\"{}\" has no address", host));
  }
  return addresses;
}

void on_resolved(uv_getaddrinfo_t* request, int status, addrinfo* list) {
  const std::unique_ptr<Lookup> lookup(static_cast<Lookup*>(request->data));
  lookup->loop.remove_request(reinterpret_cast<uv_req_t*>(request));
  lookup->loop.enter();
  auto result = to_result(lookup->host, status, list);
  uv_freeaddrinfo(list);
  lookup->callback(std::move(result));
}

void answer_later(UvLoop& loop, ResolveCallback callback,
                  Result<std::vector<std::string>> result) {
  loop.worker().post([callback = std::move(callback), result = std::move(result)]() mutable {
    callback(std::move(result));
  });
}

}  // namespace

void resolve(UvLoop& loop, const std::string& host, ResolveCallback callback) {
  if (loop.ending()) {
    callback(fail(Errc::kClosed, "the loop is ending"));
    return;
  }
  GATEHOUSE_ASSERT(actor::Worker::current() == &loop.worker());
  if (const auto numeric = Address::from(host, 0)) {
    answer_later(loop, std::move(callback), std::vector<std::string>{numeric->ip()});
    return;
  }
  auto lookup = std::unique_ptr<Lookup>(new Lookup{{}, loop, host, std::move(callback)});
  lookup->request.data = lookup.get();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const int status =
      uv_getaddrinfo(loop.uv(), &lookup->request, on_resolved, host.c_str(), nullptr, &hints);
  if (status != 0) {
    answer_later(loop, std::move(lookup->callback),
                 fail(Errc::kNotFound,
                      fmt::format("cannot resolve \"{}\": {}", host, uv_strerror(status))));
    return;
  }
  loop.add_request(reinterpret_cast<uv_req_t*>(&lookup.release()->request));
}

}  // namespace gatehouse::net
