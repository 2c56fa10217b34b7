// Certificates for tests, made by the openssl command in a folder.
#pragma once

#include <unistd.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "child_process.hpp"
#include "temp_folder.hpp"

namespace gatehouse::test {

class Certificates {
 public:
  enum class Key { kEcdsa, kRsa };

  // Makes `name`.pem and `name`.key, an issuer.
  void make_issuer(const std::string& name) {
    make(name, {"-subj", "/CN=" + name, "-addext", "basicConstraints=critical,CA:TRUE"});
  }
  // The same for a server or client; alternatives as `DNS:localhost,IP:127.0.0.1`. One whose
  // issuer has its own name signs itself.
  void make_for(const std::string& name, const std::string& issuer, const std::string& alternatives,
                Key kind = Key::kEcdsa, int days = 2) {
    std::vector<std::string> more = {"-subj",   "/CN=" + name,
                                     "-addext", "subjectAltName=" + alternatives,
                                     "-addext", "basicConstraints=critical,CA:FALSE"};
    if (issuer != name) more.insert(more.end(), {"-CA", pem(issuer), "-CAkey", key(issuer)});
    make(name, more, kind, days);
  }
  // The same, valid for one day of the year 2020.
  void make_expired(const std::string& name, const std::string& issuer,
                    const std::string& alternatives) {
    const std::string database = folder_ / (name + ".db"), request = folder_ / (name + ".csr");
    write_file(database, "");
    write_file(folder_ / (name + ".cnf"),
               "[ca]\ndefault_ca=c\n[c]\ndatabase=" + database +
                   "\nrand_serial=yes\ndefault_md=sha256\npolicy=p\ncopy_extensions=copy\n"
                   "new_certs_dir=" +
                   folder_.path() + "\n[p]\ncommonName=supplied\n");
    run({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
         key(name), "-out", request, "-subj", "/CN=" + name, "-addext",
         "subjectAltName=" + alternatives});
    run({"ca", "-batch", "-notext", "-config", folder_ / (name + ".cnf"), "-cert", pem(issuer),
         "-keyfile", key(issuer), "-in", request, "-out", pem(name), "-startdate",
         "20200101000000Z", "-enddate", "20200102000000Z"});
  }
  [[nodiscard]] std::string pem(const std::string& name) const { return folder_ / (name + ".pem"); }
  [[nodiscard]] std::string key(const std::string& name) const { return folder_ / (name + ".key"); }

 private:
  void make(const std::string& name, const std::vector<std::string>& more, Key kind = Key::kEcdsa,
            int days = 2) {
    std::vector<std::string> command = {
        "req",     "-x509",   "-nodes", "-days",   std::to_string(days),
        "-keyout", key(name), "-out",   pem(name), "-newkey"};
    if (kind == Key::kRsa) {
      command.emplace_back("rsa:2048");
    } else {
      command.insert(command.end(), {"ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"});
    }
    command.insert(command.end(), more.begin(), more.end());
    run(std::move(command));
  }
  void run(std::vector<std::string> command) {
    constexpr const char* kProgram = "/usr/bin/openssl";
    if (access(kProgram, X_OK) != 0) throw std::runtime_error("openssl is missing: install it");
    command.insert(command.begin(), kProgram);
    run_program(command, folder_ / "log");
  }

  TempFolder folder_;
};

}  // namespace gatehouse::test
