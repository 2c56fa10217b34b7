#include "edge/doorman.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "edge/tls_service.hpp"
#include "edge/ws_transport.hpp"
#include "net/transport_set.hpp"
#include "protocol/first_bytes.hpp"

namespace gatehouse::edge {
namespace {

// A fatal alert, handshake_failure (RFC 8446 section 6): what a client of TLS understands.
constexpr std::string_view kTlsAlert{"\x15\x03\x01\x00\x02\x02\x28", 7};

constexpr std::string_view kOwnProtocols = "gatehouse.";  // as ALPN names them (certificates.cpp)

constexpr std::string_view kNoWebSocket =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 36\r\n"
    "Connection: close\r\n\r\nThis port does not speak WebSocket.\n";
constexpr std::string_view kWebSocketWithinTls =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 50\r\n"
    "Connection: close\r\n\r\nThis port speaks WebSocket within TLS only (wss).\n";

net::Address address_of(const protocol::ProxyHeader& header, const net::Address& proxy) {
  using Origin = protocol::ProxyHeader::Origin;
  const auto& [ip, port] = header.source;
  if (header.origin == Origin::kV4) return net::Address::v4({ip[0], ip[1], ip[2], ip[3]}, port);
  return header.origin == Origin::kV6 ? net::Address::v6(ip, port) : proxy;
}

}  // namespace

void Doorman::receive(Lobby& lobby, net::TransportSet& set,
                      std::unique_ptr<net::Transport> transport, std::unique_ptr<Guest> guest) {
  auto* doorman = new Doorman(lobby, std::move(guest));
  const net::Address peer = transport->peer();
  const auto attached = set.attach(std::move(transport), *doorman);
  if (!attached) {
    using enum net::CloseReason;
    if (doorman->guest_ != nullptr)
      doorman->guest_->gone(peer, set.ending() ? kShutdown : kPeerReset);
    delete doorman;
    return;
  }
  doorman->transport_ = *attached;
  doorman->hold_pass();
  doorman->wait();
}

Doorman::Doorman(Lobby& lobby, std::unique_ptr<Guest> guest)
    : lobby_(lobby), guest_(std::move(guest)) {
  if (guest_ == nullptr) {
    header_ = std::make_unique<protocol::ProxyReader>();
    state_ = State::kHeader;
  }
  lobby_.add(*this);
}

Doorman::~Doorman() {
  if (header_ != nullptr) lobby_.give_name_place_back();
  lobby_.remove(*this);
}

void Doorman::hold_pass() {
  if (guest_ == nullptr) return;
  if (Pass* pass = guest_->pass()) pass->hold(lobby_.worker().index(), *this);
}

void Doorman::on_shed() {
  state_ = State::kRefused;
  cancel();
  transport_->close(net::CloseReason::kLimit);
}

void Doorman::end() {
  transport_->close(net::CloseReason::kShutdown);
}

void Doorman::wait() {
  const MonotonicMs now = lobby_.worker().clock().monotonic_ms();
  MonotonicMs due = 0;
  if (state_ == State::kHeader) {
    const std::uint32_t timeout_ms = lobby_.options().proxy_header_timeout_ms;
    due = timeout_ms == 0 ? 0 : now + timeout_ms;
  } else {
    due = guest_->deadline();
    if (sniffs()) {
      const MonotonicMs sniffed = now + lobby_.options().sniff_ms;
      due = due == 0 ? sniffed : std::min(due, sniffed);
    }
  }
  if (due != 0) lobby_.worker().timers().add(*this, due);
}

// The client may speak first, and if it does not, the server has to.
bool Doorman::sniffs() const {
  const EntranceOptions& options = lobby_.options();
  return options.server_speaks_first && options.transport == ListenerTransport::kAuto &&
         (!within_tls() || ready_);
}

void Doorman::fire() {
  if (state_ == State::kHeader) return refuse(Refusal::kProxyHeaderTooLate, {});
  const bool handshaking = state_ == State::kUpgrade || (within_tls() && !ready_);
  if (!handshaking && takes_stream(lobby_.options().transport, within_tls())) {
    // The client is silent, which is a line's and a frame's way to begin, too; past its deadline
    // the protocol ends it.
    const std::string kept = std::exchange(kept_, {});
    return enter(kept);
  }
  guest_->gone(transport_->peer(), net::CloseReason::kTimeout);
  state_ = State::kRefused;
  transport_->close(net::CloseReason::kTimeout);
}

void Doorman::on_ready(net::Transport& transport) {
  if (state_ == State::kUpgrade) return enter({});
  if (state_ != State::kSecure) return;
  ready_ = true;
  guest_->progressed(lobby_.worker().clock().monotonic_ms());
  const EntranceOptions& options = lobby_.options();
  // By ALPN a client may have said already that it waits for the server to begin.
  const bool said = transport.tls()->alpn.starts_with(kOwnProtocols);
  const bool waits = said && takes_stream(options.transport, true);
  if (options.server_speaks_first && (waits || options.transport == ListenerTransport::kTls))
    return enter({});
  wait();
}

void Doorman::on_data(net::Transport&, std::string_view bytes) {
  if (state_ == State::kHeader) return read_header(bytes);
  if (state_ != State::kRefused) judge(bytes);
}

void Doorman::on_closed(net::Transport& transport, net::CloseReason reason) {
  if (guest_ != nullptr && state_ != State::kRefused) guest_->gone(transport.peer(), reason);
  delete this;
}

void Doorman::read_header(std::string_view bytes) {
  using Status = protocol::ProxyReader::Status;
  switch (header_->feed(bytes)) {
    case Status::kMore:
      return;
    case Status::kDone:
      return take_header(bytes);
    case Status::kBad:
      break;
  }
  refuse(header_->missing() ? Refusal::kProxyHeaderMissing : Refusal::kProxyHeaderMalformed, {},
         header_->why());
}

void Doorman::take_header(std::string_view rest) {
  const protocol::ProxyHeader& header = header_->header();
  const net::Address proxy = transport_->peer();
  const net::Address client = address_of(header, proxy);
  transport_->set_relay(client, std::make_unique<net::Relay>(net::Relay{
                                    proxy, header.tls, header.tls_version, header.tls_cipher}));
  header_.reset();
  lobby_.give_name_place_back();
  auto admitted = lobby_.host().admit(transport_->set(), client);
  if (!admitted) return finish(admitted.error());
  guest_ = std::move(*admitted);
  hold_pass();
  state_ = State::kFirst;
  if (lobby_.known_at_once()) return enter(rest);
  wait();
  if (!rest.empty()) judge(rest);
}

void Doorman::judge(std::string_view bytes) {
  std::string joined = std::exchange(kept_, {});
  if (!joined.empty()) bytes = joined.append(bytes);
  switch (protocol::judge_first_bytes(bytes)) {
    case protocol::FirstBytes::kMore:
      kept_.assign(bytes);
      return;
    case protocol::FirstBytes::kTls:
      return within_tls() ? enter_plain(bytes) : begin_tls(bytes);
    case protocol::FirstBytes::kHttp:
      return begin_websocket(bytes);
    case protocol::FirstBytes::kProxy:
      return within_tls() ? enter_plain(bytes)
                          : refuse(Refusal::kProxyHeaderUntrusted, lobby_.options().bad_request);
    case protocol::FirstBytes::kOther:
      return enter_plain(bytes);
  }
}

void Doorman::begin_tls(std::string_view bytes) {
  const EntranceOptions& options = lobby_.options();
  if (!takes_tls(options.transport)) return refuse(Refusal::kTlsNotOffered, kTlsAlert);
  TlsService* const tls = lobby_.surroundings().tls;
  if (tls == nullptr) return refuse(Refusal::kTlsWithoutCertificate, kTlsAlert);
  const TlsPort port = options.server_speaks_first ? TlsPort::kLogin : TlsPort::kGate;
  auto layer = tls->over(*transport_, port);
  if (!layer) {
    const bool none = layer.error().code == Errc::kNotFound;
    return refuse(none ? Refusal::kTlsWithoutCertificate : Refusal::kTlsHandshakesMax,
                  none ? kTlsAlert : kTlsRefusal);
  }
  actor::Timer::cancel();
  state_ = State::kSecure;
  transport_->put_back(std::string(bytes));
  net::TransportSet& set = transport_->set();
  const net::Address peer = transport_->peer();
  const auto attached = set.attach(std::move(*layer), *this);
  if (!attached) {
    guest_->gone(peer, net::CloseReason::kShutdown);
    delete this;
    return;
  }
  transport_ = *attached;
  wait();
}

void Doorman::begin_websocket(std::string_view bytes) {
  const ListenerTransport offered = lobby_.options().transport;
  if (!takes_websocket(offered, within_tls())) {
    const bool wss = !within_tls() && offered == ListenerTransport::kWss;
    return refuse(wss ? Refusal::kTlsRequired : Refusal::kWebSocketNotOffered,
                  wss ? kWebSocketWithinTls : kNoWebSocket);
  }
  state_ = State::kUpgrade;
  cancel();
  if (const MonotonicMs due = guest_->deadline(); due != 0)
    lobby_.worker().timers().add(*this, due);
  net::TransportSet& set = transport_->set();
  const net::Address peer = transport_->peer();
  transport_->put_back(std::string(bytes));
  const auto attached =
      set.attach(std::make_unique<WsTransport>(*transport_, lobby_.websocket()), *this);
  if (attached) {
    transport_ = *attached;
    return;
  }
  guest_->gone(peer, net::CloseReason::kShutdown);  // nothing is attached any more
  delete this;
}

void Doorman::enter_plain(std::string_view bytes) {
  const ListenerTransport offered = lobby_.options().transport;
  if (takes_stream(offered, within_tls())) return enter(bytes);
  const bool tls = !within_tls() && takes_tls(offered);
  refuse(tls ? Refusal::kTlsRequired : Refusal::kWebSocketRequired, lobby_.options().plain_refusal);
}

void Doorman::enter(std::string_view bytes) {
  GATEHOUSE_ASSERT(guest_ != nullptr && state_ != State::kRefused);
  net::Transport& transport = *transport_;
  Guest* guest = guest_.release();
  if (Pass* pass = guest->pass()) pass->let_go();
  delete this;
  guest->enter(transport, bytes);
}

void Doorman::refuse(Refusal refusal, std::string_view answer, std::string_view detail) {
  lobby_.note_refused(refusal, transport_->peer(), detail);
  finish(answer);
}

void Doorman::finish(std::string_view answer) {
  state_ = State::kRefused;
  cancel();
  if (answer.empty()) return transport_->close(net::CloseReason::kProtocol);
  transport_->write(answer);
  transport_->close_after_flush(net::CloseReason::kProtocol);
}

}  // namespace gatehouse::edge
