// How a gate is configured (configuration section `gate`).
#pragma once

#include <cstdint>
#include <string>

#include "base/limits.hpp"
#include "edge/options.hpp"
#include "net/address.hpp"

namespace gatehouse::gate {

struct GateOptions {
  std::string server;    // the server name that players log in to
  net::Endpoint listen;  // port 0: any
  edge::ListenerTransport transport = edge::ListenerTransport::kAuto;
  std::string advertise;  // "host:port" told to clients; empty: the address listened on
  static constexpr std::uint32_t kMaxclientDefault = 100'000;
  std::uint32_t maxclient = kMaxclientDefault;  // connections, those in the handshake included
  static constexpr std::uint32_t kReplyCacheCountMax = 65'536;
  std::uint32_t reply_cache_count = 128;          // gate.reply_cache_count, a player
  std::uint32_t reply_cache_bytes = 256 * 1'024;  // gate.reply_cache_bytes, a player
  Limits limits;  // the gate_* ones; 0 is no limit, but for the handshake's frame
};

}  // namespace gatehouse::gate
