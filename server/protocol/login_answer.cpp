#include "protocol/login_answer.hpp"

#include "base/assert.hpp"
#include "base/json_text.hpp"
#include "crypto/aes_gcm.hpp"
#include "crypto/encoding.hpp"

namespace gatehouse::protocol {
namespace {

// Appends `"key":`, after a comma unless it is the first.
void append_key(std::string& json, std::string_view key) {
  GATEHOUSE_ASSERT(!json.empty());
  if (json.back() != '{') json.push_back(',');
  append_json_string(json, key);
  json.push_back(':');
}

void append_base64(std::string& json, std::string_view key, const Secret& bytes) {
  append_key(json, key);
  append_json_string(json, crypto::base64_encode(bytes.reveal()));
}

std::string extras_json(Suite suite, const LoginExtras& extras) {
  std::string json = "{";
  if (!extras.gates.empty()) {
    append_key(json, "gate");
    json.push_back('[');
    for (const std::string& gate : extras.gates) {
      if (json.back() != '[') json.push_back(',');
      append_json_string(json, gate);
    }
    json.push_back(']');
  }
  if (suite == Suite::kPlain && !extras.secret.empty())
    append_base64(json, "secret", extras.secret);
  if (!extras.ticket.empty()) append_base64(json, "ticket", extras.ticket);
  if (extras.ticket_expires_s != 0) {
    append_key(json, "ticket_expires");
    json += std::to_string(extras.ticket_expires_s);
  }
  if (!extras.uid.empty()) {
    append_key(json, "uid");
    append_json_string(json, extras.uid);
  }
  json.push_back('}');
  return json;
}

std::string_view words(int code) {
  switch (code) {
    case kLoginBadRequest:
      return "400 Bad Request";
    case kLoginUnauthorized:
      return "401 Unauthorized";
    case kLoginForbidden:
      return "403 Forbidden";
    case kLoginNotAcceptable:
      return "406 Not Acceptable";
    case kLoginUpgradeRequired:
      return "426 Upgrade Required";
    case kLoginTooManyRequests:
      return "429 Too Many Requests";
    case kLoginUnavailable:
      return "503 Service Unavailable";
    default:
      return {};
  }
}

}  // namespace

std::string format_login_ok(Suite suite, std::string_view subid, const LoginExtras& extras,
                            const AnswerSeal* seal) {
  std::string line = "200 " + crypto::base64_encode(subid);
  if (suite != Suite::kSkynet) {
    const Secret json(extras_json(suite, extras));
    std::string sealed;
    if (seal != nullptr) {
      sealed =
          seal->nonce +
          crypto::aes256_gcm_seal(seal->key.reveal(), seal->nonce, json.reveal(), line).value();
    }
    line += ' ';
    line += crypto::base64_encode(seal != nullptr ? sealed : json.reveal());
  }
  return line;
}

std::string format_login_refusal(int code, const LoginRefusalDetail& detail) {
  std::string line(words(code));
  GATEHOUSE_ASSERT(!line.empty());
  if (code == kLoginTooManyRequests) line += ' ' + std::to_string(detail.retry_s);
  if (code == kLoginUnauthorized && detail.totp) line += " totp";
  return line;
}

std::string format_login_waiting(Suite suite, std::uint64_t position) {
  GATEHOUSE_ASSERT(position > 0);
  if (suite == Suite::kSkynet) return {};
  return "102 Waiting " + std::to_string(position);
}

}  // namespace gatehouse::protocol
