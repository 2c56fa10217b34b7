// identity: the key that clients know the server by (login.identity_key_file), and its public half
// in the forms that they pin.
#include "config/identity.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/printable.hpp"
#include "config/identity_key.hpp"
#include "crypto/encoding.hpp"
#include "crypto/x25519.hpp"
#include "gatectl/command.hpp"

namespace gatehouse::gatectl {

Result<> identity(const config::Config& config, const Arguments& arguments, Output& output) {
  const std::string& file = arguments.file.empty() ? config.identity_file : arguments.file;
  if (file.empty()) {
    return fail(Errc::kInvalid,
                "neither a FILE nor login.identity_key_file of the configuration is given");
  }
  const auto key = arguments.show ? config::read_identity_file(file)
                                  : config::make_identity_file(arguments.world.random, file);
  if (!key) {
    const bool there = key.error().code == Errc::kExists;
    return fail(key.error().code, key.error().message + (there ? "; --show shows it" : ""));
  }
  const std::string public_key = crypto::ed25519_public(key->reveal()).value();
  std::string pem = config::identity_public_pem(public_key);
  pem.pop_back();  // its line break
  const nlohmann::json forms = {{"base64", crypto::base64_encode(public_key)},
                                {"hex", crypto::hex_encode(public_key)},
                                {"pem", pem + "\n"}};
  const std::string head =
      arguments.show
          ? printable(file)
          : fmt::format("{} is made, mode 0600: keep it, for clients will know the server by it",
                        printable(file));
  output.say(fmt::format("{}\nclients pin one of\n  base64  {}\n  hex     {}\n{}", head,
                         forms["base64"].get<std::string>(), forms["hex"].get<std::string>(), pem),
             {{"file", file}, {"public_key", forms}});
  return {};
}

}  // namespace gatehouse::gatectl
