// Certificates for tests, made by the openssl command in a folder.
#pragma once

#include <unistd.h>

#include <stdexcept>
#include <string>

#include "child_process.hpp"
#include "temp_folder.hpp"

namespace gatehouse::test {

class Certificates {
 public:
  // Makes `name`.pem and `name`.key, an issuer.
  void make_issuer(const std::string& name) {
    make(name, {"-subj", "/CN=" + name, "-addext", "basicConstraints=critical,CA:TRUE"});
  }
  // The same for a server or client; alternatives as `DNS:localhost,IP:127.0.0.1`.
  void make_for(const std::string& name, const std::string& issuer,
                const std::string& alternatives) {
    make(name, {"-subj", "/CN=" + name, "-addext", "subjectAltName=" + alternatives, "-addext",
                "basicConstraints=critical,CA:FALSE", "-CA", pem(issuer), "-CAkey", key(issuer)});
  }
  [[nodiscard]] std::string pem(const std::string& name) const { return folder_ / (name + ".pem"); }
  [[nodiscard]] std::string key(const std::string& name) const { return folder_ / (name + ".key"); }

 private:
  void make(const std::string& name, const std::vector<std::string>& more) {
    constexpr const char* kProgram = "/usr/bin/openssl";
    if (access(kProgram, X_OK) != 0) throw std::runtime_error("openssl is missing: install it");
    std::vector<std::string> command = {
        kProgram, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "2", "-keyout", key(name), "-out", pem(name)};
    command.insert(command.end(), more.begin(), more.end());
    run_program(command, folder_ / "log");
  }

  TempFolder folder_;
};

}  // namespace gatehouse::test
