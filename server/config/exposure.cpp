#include "config/exposure.hpp"

#include <string>

#include "edge/options.hpp"

namespace gatehouse::config {

void judge_exposure(ConfigReader& reader, const login::ListenerOptions& listener, Config& config) {
  const bool tls = edge::takes_tls(listener.transport);
  const bool tls_only = tls && !edge::takes_stream(listener.transport, false);
  const auto judge = [&](bool allowed, protocol::Suite suite, const char* why) {
    if (!allowed || login::protects(suite, listener, tls_only)) return;
    if (listener.insecure) {
      config.warnings.push_back(reader.path_of("insecure") + ": " + why);
    } else if (!login::protects(suite, listener, tls)) {
      reader.reject("suites", std::string(why) + "; \"insecure\": true allows it all the same");
    }
  };
  judge(listener.skynet, protocol::Suite::kSkynet,
        "skynet beyond this machine: who captures a login computes its password in seconds");
  judge(listener.plain, protocol::Suite::kPlain,
        "plain without TLS beyond this machine: who captures a login reads its password");
}

}  // namespace gatehouse::config
