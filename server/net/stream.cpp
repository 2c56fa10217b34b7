#include "net/stream.hpp"

#include "net/uv_loop.hpp"

namespace gatehouse::net {

std::string_view name(CloseReason reason) {
  switch (reason) {
    case CloseReason::kPeerClosed: return "peer_closed";
    case CloseReason::kPeerReset: return "peer_reset";
    case CloseReason::kLocal: return "local";
    case CloseReason::kSlowReader: return "slow_reader";
    case CloseReason::kTimeout: return "timeout";
    case CloseReason::kProtocol: return "protocol";
    case CloseReason::kLimit: return "limit";
    case CloseReason::kReplaced: return "replaced";
    case CloseReason::kKicked: return "kicked";
    case CloseReason::kShutdown: return "shutdown";
  }
  return "unknown";
}

Stream::Stream(UvLoop& loop, const Address& peer, StreamHandler* handler)
    : handler_(handler), loop_(loop), peer_(peer) {}

Stream::~Stream() = default;

bool Stream::write(std::string_view bytes) {
  if (ending()) return false;
  if (!bytes.empty()) output().append(bytes);
  return true;
}

std::string& Stream::output() {
  if (ending()) return loop_.scratch();
  if (output_ == nullptr) output_ = loop_.take_buffer();
  mark_dirty();
  return *output_;
}

void Stream::mark_dirty() {
  if (dirty_index_ == kClean) loop_.mark_dirty(*this);
}

void Stream::release_output() {
  if (output_ != nullptr) loop_.give_back(std::move(output_));
}

}  // namespace gatehouse::net
