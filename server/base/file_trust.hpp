// Whether what a file says is the operator's word. It is when nobody but root, the user of this
// process, and who could change the program itself could have written it: the file, the links that
// lead to it, and the folders above. Secrets are read by nobody else either. These are the rules
// of PostgreSQL and OpenSSH for keys (libpq, "SSL Client File Usage"; sshd_config(5), StrictModes),
// with Debian's exception: a user's own group, which has his name and no other member, is himself.
#pragma once

#include <string>

#include "base/result.hpp"

struct stat;

namespace gatehouse {

// A file or folder that code, commands or settings come from. kDenied: who may change it, and the
// mode that mends it. kNotFound, kIo: it cannot be looked at. A folder in which everybody may
// make files is fine above it when it is sticky, as /tmp is. A pipe without a name is trusted.
[[nodiscard]] Result<> check_trusted(const std::string& path);

// The same of a folder and everything in it.
[[nodiscard]] Result<> check_trusted_tree(const std::string& folder);

// A key file: trusted, and kDenied when others may read it.
[[nodiscard]] Result<> check_secret_file(const std::string& path);

// Who besides the owner may read the file ("its group may read it"); "" for nobody. The group of a
// file that belongs to root may, so that a service reads what it cannot write.
[[nodiscard]] std::string readers_of(const struct stat& info);

}  // namespace gatehouse
