#include "protocol/ws_reader.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "protocol/frame.hpp"

namespace gatehouse::protocol {
namespace {

constexpr std::uint64_t kControlBytesMax = 125;

bool is_control(WsOpcode opcode) {
  return (static_cast<unsigned>(opcode) & 0x8) != 0;
}
bool is_defined(WsOpcode opcode) {
  const auto number = static_cast<unsigned>(opcode);
  return number <= 2 || (number >= 8 && number <= 10);
}

// RFC 6455 7.4, and those that IANA has registered since: 1012 to 1014.
bool may_be_sent(std::uint16_t code) {
  const bool defined = code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
  return defined || (code >= 3000 && code <= 4999);
}

}  // namespace

WsReader::Status WsReader::feed(std::string_view bytes, std::string& plain, std::string& answers) {
  std::size_t good_bytes = plain.size();
  while (status_ == Status::kOpen && !bytes.empty()) {
    if (!inside_) {
      WsHead head;
      if (!take_head(bytes, head)) break;
      begin_frame(head, plain);
    }
    if (status_ == Status::kOpen) take_payload(bytes, plain);
    if (status_ == Status::kOpen && left_bytes_ == 0) end_frame(plain, answers);
    if (status_ != Status::kBroken && !open_) good_bytes = plain.size();
  }
  if (status_ == Status::kBroken) plain.resize(good_bytes);
  const bool between = !inside_ && !open_ && (kept_ == nullptr || kept_->head.empty());
  if (kept_ != nullptr && (between || status_ != Status::kOpen)) kept_.reset();
  return status_;
}

bool WsReader::take_head(std::string_view& bytes, WsHead& head) {
  if (kept_ == nullptr || kept_->head.empty()) {
    head = parse_ws_head(bytes);
    if (head.bytes == 0) {
      GATEHOUSE_ASSERT(bytes.size() < kWsHeadBytesMax);
      kept().head = bytes;
      return false;
    }
    bytes.remove_prefix(head.bytes);
    return true;
  }
  std::string& begun = kept_->head;
  const std::size_t before = begun.size();
  begun += bytes.substr(0, kWsHeadBytesMax - before);
  head = parse_ws_head(begun);
  if (head.bytes == 0) return false;
  GATEHOUSE_ASSERT(head.bytes > before);
  bytes.remove_prefix(head.bytes - before);
  begun.clear();
  return true;
}

void WsReader::begin_frame(const WsHead& head, std::string& plain) {
  const bool control = is_control(head.opcode);
  if (head.reserved_bits) return refuse(kWsProtocolError, "a reserved bit is set");
  if (!head.masked) return refuse(kWsProtocolError, "a client's frames are masked");
  if (!is_defined(head.opcode)) return refuse(kWsProtocolError, "this opcode is not defined");
  if (!head.length_valid) return refuse(kWsProtocolError, "a length as it must not be said");
  if (control && (!head.fin || head.payload_bytes > kControlBytesMax))
    return refuse(kWsProtocolError, "a control frame in fragments or of more than 125 bytes");
  if (control || !head.fin) ++counts_.other_frames;
  if (!control) begin_message(head);
  if (status_ != Status::kOpen) return;
  inside_ = true;
  opcode_ = head.opcode;
  fin_ = head.fin;
  key_ = head.key;
  left_bytes_ = static_cast<std::uint32_t>(head.payload_bytes);
  if (control || framing_ != WsFraming::kFrames || gathered_) return;
  GATEHOUSE_ASSERT(message_bytes_ <= kFrameBytesMax);
  char length[kFrameHeaderBytes];
  store_be16(length, static_cast<std::uint16_t>(message_bytes_));
  plain.append(length, sizeof length);
}

// Or goes on with it.
void WsReader::begin_message(const WsHead& head) {
  const bool continues = head.opcode == WsOpcode::kContinuation;
  if (continues && !open_) return refuse(kWsProtocolError, "nothing is to be continued");
  if (!continues && open_) return refuse(kWsProtocolError, "the message before is not complete");
  if (!open_) {
    open_ = true;
    message_bytes_ = 0;
    text_ = head.opcode == WsOpcode::kText;
    utf8_.reset();
    line_ended_ = false;
    gathered_ = framing_ == WsFraming::kFrames && !head.fin;
  }
  const std::uint32_t max = first_ ? limits_.first_message_bytes_max : limits_.message_bytes_max;
  GATEHOUSE_ASSERT(message_bytes_ <= max);
  if (head.payload_bytes > max - message_bytes_) return refuse(kWsTooBig, "the message is too big");
  message_bytes_ += static_cast<std::uint32_t>(head.payload_bytes);
}

void WsReader::take_payload(std::string_view& bytes, std::string& plain) {
  const std::string_view piece = bytes.substr(0, left_bytes_);
  if (piece.empty()) return;
  bytes.remove_prefix(piece.size());
  left_bytes_ -= static_cast<std::uint32_t>(piece.size());
  const bool control = is_control(opcode_);
  std::string& out = control ? kept().control : (gathered_ ? kept().message : plain);
  const std::size_t from = out.size();
  append_unmasked(out, piece, key_);
  if (control) return;
  line_ended_ = out.back() == '\n';
  if (text_ && !utf8_.feed(std::string_view(out).substr(from)))
    refuse(kWsBadData, "the text is not UTF-8");
}

void WsReader::end_frame(std::string& plain, std::string& answers) {
  inside_ = false;
  if (!is_control(opcode_)) {
    if (fin_) end_message(plain);
    return;
  }
  std::string& payload = kept().control;
  if (opcode_ == WsOpcode::kPing) append_ws_frame(answers, WsOpcode::kPong, payload);
  if (opcode_ == WsOpcode::kClose) on_close(payload);
  payload.clear();
}

void WsReader::end_message(std::string& plain) {
  if (text_ && !utf8_.complete()) return refuse(kWsBadData, "the text is not UTF-8");
  if (framing_ == WsFraming::kLines) {
    if (!line_ended_) plain += '\n';
  } else if (gathered_) {
    std::string& message = kept().message;
    GATEHOUSE_ASSERT(message.size() == message_bytes_);
    GATEHOUSE_ASSERT(append_frame(plain, message));
    message.clear();
  }
  ++counts_.messages;
  open_ = first_ = false;
}

void WsReader::on_close(std::string_view payload) {
  if (payload.size() == 1) return refuse(kWsProtocolError, "half a close code");
  std::uint16_t code = kWsNoCode;
  if (!payload.empty()) {
    code = load_be16(payload.data());
    if (!may_be_sent(code)) return refuse(kWsProtocolError, "no such close code");
    Utf8Stream reason;
    if (!reason.feed(payload.substr(sizeof code)) || !reason.complete())
      return refuse(kWsBadData, "the reason is not UTF-8");
  }
  code_ = code;
  status_ = Status::kPeerCloses;
}

void WsReader::refuse(std::uint16_t code, const char* reason) {
  code_ = code;
  reason_ = reason;
  status_ = Status::kBroken;
}

WsReader::Kept& WsReader::kept() {
  if (kept_ == nullptr) kept_ = std::make_unique<Kept>();
  return *kept_;
}

WsReader::Counts WsReader::take_counts() {
  return std::exchange(counts_, {});
}

std::size_t WsReader::heap_bytes() const {
  if (kept_ == nullptr) return 0;
  return sizeof *kept_ + kept_->head.capacity() + kept_->control.capacity() +
         kept_->message.capacity();
}

std::uint32_t append_ws_messages(std::string& wire, WsFraming framing, std::string_view plain) {
  std::uint32_t messages = 0;
  for (; !plain.empty(); ++messages) {
    std::size_t head = 0, size = 0;
    if (framing == WsFraming::kFrames) {
      GATEHOUSE_ASSERT(plain.size() >= kFrameHeaderBytes);
      head = kFrameHeaderBytes;
      size = load_be16(plain.data());
      GATEHOUSE_ASSERT(plain.size() >= head + size);
      append_ws_frame(wire, WsOpcode::kBinary, plain.substr(head, size));
    } else {
      size = plain.find('\n');
      GATEHOUSE_ASSERT(size != std::string_view::npos);
      append_ws_frame(wire, WsOpcode::kText, plain.substr(0, size));
      head = 1;
    }
    plain.remove_prefix(head + size);
  }
  return messages;
}

}  // namespace gatehouse::protocol
