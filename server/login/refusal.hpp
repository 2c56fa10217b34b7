// Why logins end without a 200. The code is the answer on the wire (docs/protocol.md 2.11), the
// reason the word in log lines and in the label of `gatehouse_login_total`; clients never see
// it. The protocol layer adds the reasons of its handshake.
#pragma once

#include "admission/refusal.hpp"

namespace gatehouse::login {

using admission::kAccountThrottled;
using admission::kAddressThrottled;
using admission::Refusal;

inline constexpr Refusal kLineTooLong{400, "line_too_long"};
inline constexpr Refusal kInputAfterToken{400, "input_after_token"};
inline constexpr Refusal kInputEnded{400, "input_ended"};  // before the token was there

inline constexpr Refusal kWrongPassword{401, "wrong_password"};
inline constexpr Refusal kUnknownUser{401, "unknown_user"};
inline constexpr Refusal kPasswordUnusable{401, "password_unusable"};  // the stored hash
inline constexpr Refusal kNameRefused{401, "name_refused"};            // for a new account
inline constexpr Refusal kBadTicket{401, "bad_ticket"};
inline constexpr Refusal kTicketReused{401, "ticket_reused"};  // its family has ended
inline constexpr Refusal kTotpNeeded{401, "totp_needed", 0, true};
inline constexpr Refusal kTotpWrong{401, "totp_wrong", 0, true};
inline constexpr Refusal kTotpUsed{401, "totp_used", 0, true};
inline constexpr Refusal kPolicyAuth{401, "policy_auth"};
inline constexpr Refusal kPolicyNoUid{401, "policy_no_uid"};
inline constexpr Refusal kPolicyBadUid{401, "policy_bad_uid"};  // no name, by user_name.hpp

inline constexpr Refusal kBanned{403, "banned"};
inline constexpr Refusal kAddressBanned{403, "address_banned"};
inline constexpr Refusal kAccountClosed{403, "account_closed"};
inline constexpr Refusal kServerClosed{403, "server_closed"};  // by its row in game_server
inline constexpr Refusal kMaintenance{403, "maintenance"};
inline constexpr Refusal kServerUnknown{403, "server_unknown"};
inline constexpr Refusal kPolicyLogin{403, "policy_login"};
inline constexpr Refusal kPlaceDenied{403, "place_denied"};

inline constexpr Refusal kInProgress{406, "in_progress"};
inline constexpr Refusal kPlaceBusy{406, "place_busy"};

inline constexpr Refusal kTotpCapped{429, "totp_capped"};

inline constexpr Refusal kStoreUnavailable{503, "store_unavailable"};
inline constexpr Refusal kStoreQueueFull{503, "store_queue_full"};
inline constexpr Refusal kHashUnavailable{503, "hash_unavailable"};
inline constexpr Refusal kHashQueueFull{503, "hash_queue_full"};
inline constexpr Refusal kTotpUnusable{503, "totp_unusable"};  // auth.totp.keys
inline constexpr Refusal kWaitingRoomFull{503, "waiting_room_full"};
inline constexpr Refusal kPolicyUnavailable{503, "policy_unavailable"};
inline constexpr Refusal kPolicyTimeout{503, "policy_timeout"};
inline constexpr Refusal kPolicyBusy{503, "policy_busy"};  // login.policy_calls_max
inline constexpr Refusal kPlaceUnavailable{503, "place_unavailable"};
inline constexpr Refusal kAnswerTimeout{503, "answer_timeout"};
inline constexpr Refusal kStopping{503, "stopping"};

inline constexpr Refusal kShed{503, "shed"};  // by the edge::Guard, which says why

// Of connections without a login: in gatehouse_refused_total.
inline constexpr Refusal kHandshakeTimeout{0, "handshake_timeout"};
inline constexpr Refusal kHandshakeStalled{0, "handshake_stalled"};
inline constexpr Refusal kConnectionsMax{503, "connections_max"};
// Not logged: a client may leave at any time.
inline constexpr Refusal kClientLeft{0, "client_left"};

}  // namespace gatehouse::login
