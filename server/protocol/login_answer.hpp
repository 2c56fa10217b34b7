// Step 6 of the login: the lines that answer it (docs/protocol.md 2.9 to 2.11). Without terminator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"
#include "protocol/suite.hpp"

namespace gatehouse::protocol {

inline constexpr int kLoginOk = 200;
inline constexpr int kLoginBadRequest = 400;
inline constexpr int kLoginUnauthorized = 401;     // wrong user, password, key, mac: all alike
inline constexpr int kLoginForbidden = 403;        // banned, server closed
inline constexpr int kLoginNotAcceptable = 406;    // this account's login is in progress
inline constexpr int kLoginUpgradeRequired = 426;  // suite not allowed on this listener
inline constexpr int kLoginTooManyRequests = 429;
inline constexpr int kLoginUnavailable = 503;  // store down, no gate, queue full

// What a 200 tells besides the subid. Empty fields and a zero are left out.
struct LoginExtras {
  std::vector<std::string> gates;  // endpoints, "host:port"
  std::string uid;
  Secret secret;                      // sent in base64 to plain clients only
  Secret ticket;                      // sent in base64
  std::int64_t ticket_expires_s = 0;  // since the Unix epoch
};

inline constexpr std::size_t kAnswerNonceBytes = 12;

// What an answer is sealed with: the token key of x25519, and a nonce of its own.
struct AnswerSeal {
  const Secret& key;
  std::string nonce;  // kAnswerNonceBytes
};

// `200 base64(subid)`; to plain and x25519 clients followed by a blank and the base64 of a JSON
// object with the extras. A skynet client gets nothing more. With a seal the base64 is that of
// nonce || AES-256-GCM(key, nonce, JSON, additional data = all before the blank) || tag.
[[nodiscard]] std::string format_login_ok(Suite suite, std::string_view subid,
                                          const LoginExtras& extras,
                                          const AnswerSeal* seal = nullptr);

// What a refusal tells besides its code.
struct LoginRefusalDetail {
  std::uint32_t retry_s = 0;  // 429: seconds until it is worth trying again
  bool totp = false;          // 401: the password was right, a code of the second factor is missing
};

// `<code> <words>`; 429 ends with the retry seconds, 401 with ` totp` if so. Asserts that the
// code is one of the above other than 200.
[[nodiscard]] std::string format_login_refusal(int code, const LoginRefusalDetail& detail = {});

// `102 Waiting <position>`; empty for skynet, whose clients take the first line for the answer.
[[nodiscard]] std::string format_login_waiting(Suite suite, std::uint64_t position);

// Appends a line as TCP carries it, with "\n".
inline void append_line(std::string& out, std::string_view line) {
  out.append(line);
  out.push_back('\n');
}

}  // namespace gatehouse::protocol
