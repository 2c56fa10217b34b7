// TLS between two sessions, its records cut anywhere and changed on the way: whatever happens, what
// comes out is the beginning of what the other side said, and after an error nothing goes in. An
// input is how each way is cut, changes (a way, a place, a mask), and what both say.
#include <utility>
#include <vector>

#include "certificates.hpp"
#include "crypto/tls.hpp"
#include "fuzz.hpp"

namespace gatehouse::crypto {

namespace {

struct TlsContexts {
  TlsContexts() {
    certificates.make_issuer("ca");
    certificates.make_for("here", "ca", "DNS:localhost");
    client = TlsContext::make().value();
    server = TlsContext::make().value();
    GATEHOUSE_ASSERT(client->trust_file(certificates.pem("ca")));
    GATEHOUSE_ASSERT(server->load_certificate(certificates.pem("here"), certificates.key("here")));
    GATEHOUSE_ASSERT(client->set_alpn({"gatehouse"}) && server->set_alpn({"gatehouse"}));
  }
  test::Certificates certificates;
  std::shared_ptr<TlsContext> client, server;
};

struct RecordChange {
  std::size_t at = 0;
  std::uint8_t mask = 0;
};

// One side, and the way of its bytes to the other one.
struct TlsSide {
  TlsSession session;
  std::uint8_t how = 0;
  std::vector<RecordChange> changes = {};
  std::string wire = {};
  std::size_t carried = 0;
  bool changed = false;
  std::string got = {};

  // Applies the changes to `bytes`, which come next on the way.
  void spoil(std::string& bytes) {
    for (const RecordChange& change : changes) {
      if (change.at < carried || change.at - carried >= bytes.size() || change.mask == 0) continue;
      char& byte = bytes[change.at - carried];
      byte = static_cast<char>(byte ^ change.mask);
      changed = true;
    }
    carried += bytes.size();
  }
};

void carry_records(TlsSide& from, TlsSide& to) {
  std::string bytes = std::exchange(from.wire, {});
  from.spoil(bytes);
  fuzz::in_pieces(bytes, from.how, [&](std::string_view piece) {
    const bool failed = to.session.failed();
    const std::size_t before = to.got.size();
    const auto fed = to.session.feed(piece, to.got, to.wire);
    GATEHOUSE_ASSERT(fed.has_value() == !to.session.failed());
    if (failed) GATEHOUSE_ASSERT(!fed && to.got.size() == before);
    return true;
  });
}

void talk_tls(TlsSide& client, TlsSide& server) {
  while (!client.wire.empty() || !server.wire.empty()) {
    carry_records(client, server);
    carry_records(server, client);
    GATEHOUSE_ASSERT(client.carried + server.carried < 1u << 20);
  }
}

void say(TlsSide& side, std::string_view text) {
  const auto written = side.session.write(text, side.wire);
  GATEHOUSE_ASSERT(written.has_value() == (side.session.finished() && !side.session.failed()));
  side.session.close(side.wire);
}

}  // namespace

FUZZ_TARGET(tls_records) {
  static TlsContexts& contexts = *new TlsContexts;
  fuzz::Input choices(input);
  TlsSide client{TlsSession::client(contexts.client, "localhost").value()};
  TlsSide server{TlsSession::server(contexts.server).value()};
  client.how = choices.byte();
  server.how = choices.byte();
  for (std::size_t left = choices.byte() % 4; left > 0; --left) {
    TlsSide& side = choices.byte() % 2 == 0 ? client : server;
    const std::size_t at = std::size_t{choices.byte()} << 8 | choices.byte();
    side.changes.push_back({at % 4'096, choices.byte()});
  }
  const std::string_view text = choices.rest();

  // A stranger who speaks no TLS at all.
  TlsSide alone{TlsSession::server(contexts.server).value()};
  fuzz::in_pieces(text, server.how, [&](std::string_view piece) {
    return alone.session.feed(piece, alone.got, alone.wire).has_value();
  });
  GATEHOUSE_ASSERT(alone.got.empty() && !alone.session.finished() && alone.wire.size() < 65'536);

  GATEHOUSE_ASSERT(client.session.feed("", client.got, client.wire));
  talk_tls(client, server);
  say(client, text);
  say(server, text);
  talk_tls(client, server);
  GATEHOUSE_ASSERT(text.starts_with(client.got) && text.starts_with(server.got));
  if (client.changed || server.changed) return;
  GATEHOUSE_ASSERT(client.got == text && server.got == text);
  GATEHOUSE_ASSERT(client.session.ended() && server.session.ended());
  GATEHOUSE_ASSERT(client.session.end() && server.session.end());
}

}  // namespace gatehouse::crypto
