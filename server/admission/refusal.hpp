// Why a login ends without a 200, and those of the reasons that admission itself has; the others
// are login/refusal.hpp's. The code is the answer on the wire, the reason the word in log lines and
// in the label of `gatehouse_login_total`; clients never see it.
#pragma once

#include <cstdint>
#include <string_view>

namespace gatehouse::admission {

struct Refusal {
  int code = 0;               // 0: closed without an answer
  std::string_view reason;    // static storage
  std::uint32_t retry_s = 0;  // told with a 429
  bool totp = false;          // told with a 401: the password was right, the code is not

  [[nodiscard]] constexpr Refusal after(std::uint32_t seconds) const {
    return {code, reason, seconds, totp};
  }
};

inline constexpr Refusal kAddressThrottled{429, "address_throttled"};
inline constexpr Refusal kAccountThrottled{429, "account_throttled"};  // from this network
inline constexpr Refusal kAccountCapped{429, "account_capped"};        // from every network

}  // namespace gatehouse::admission
