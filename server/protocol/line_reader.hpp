// Splits the byte stream of a login connection into lines ended by "\n"; a "\r" before it is
// not part of the line. Invariant: what is kept inside is a beginning of a line, unless a sink
// stopped the reader.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/assert.hpp"
#include "base/limits.hpp"

namespace gatehouse::protocol {

class LineReader {
 public:
  enum class Status {
    kMore,     // everything was consumed; feed the next chunk
    kStopped,  // the sink returned false; take_rest() has what follows its line
    kTooLong,  // a line over the limit: close the connection
  };

  // line_bytes_max counts the bytes before the "\n".
  explicit LineReader(std::size_t line_bytes_max = kLoginLineBytesMax)
      : line_bytes_max_(line_bytes_max) {}

  // Calls sink(std::string_view line) -> bool for each complete line; false stops. A line that
  // lies whole in the chunk is not copied. A view is valid during its call; the sink must
  // neither destroy the reader nor feed it. kTooLong is final.
  template <class Sink>
  Status feed(std::string_view chunk, Sink&& sink);

  // The bytes not yet given out as lines; the reader is empty after.
  [[nodiscard]] std::string take_rest() { return std::exchange(kept_, {}); }
  [[nodiscard]] std::size_t kept_bytes() const { return kept_.size(); }

 private:
  static std::string_view strip(std::string_view line) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
  }

  // Gives out the lines of `input`, keeps the rest. `input` does not lie in kept_.
  template <class Sink>
  Status consume(std::string_view input, Sink& sink);

  std::size_t line_bytes_max_;
  std::string kept_;
  bool too_long_ = false;
};

template <class Sink>
LineReader::Status LineReader::feed(std::string_view chunk, Sink&& sink) {
  if (too_long_) return Status::kTooLong;
  if (kept_.empty()) return consume(chunk, sink);
  GATEHOUSE_ASSERT(line_bytes_max_ > 0);
  // The kept beginning is completed by the shortest piece, so that the rest is not copied.
  const std::size_t end = chunk.find('\n');
  const std::size_t piece = end == std::string_view::npos ? chunk.size() : end + 1;
  std::string joined = std::exchange(kept_, {});
  joined.append(chunk.substr(0, piece));
  chunk.remove_prefix(piece);
  const Status status = consume(joined, sink);
  if (status == Status::kMore && kept_.empty()) return consume(chunk, sink);
  if (status != Status::kTooLong) kept_.append(chunk);
  return status;
}

template <class Sink>
LineReader::Status LineReader::consume(std::string_view input, Sink& sink) {
  GATEHOUSE_ASSERT(kept_.empty());
  while (true) {
    const std::size_t end = input.find('\n');
    if (end == std::string_view::npos ? input.size() > line_bytes_max_ : end > line_bytes_max_) {
      too_long_ = true;
      return Status::kTooLong;
    }
    if (end == std::string_view::npos) {
      kept_.assign(input);
      return Status::kMore;
    }
    GATEHOUSE_ASSERT(end <= line_bytes_max_);
    const std::string_view line = strip(input.substr(0, end));
    input.remove_prefix(end + 1);
    if (!sink(line)) {
      kept_.assign(input);
      return Status::kStopped;
    }
  }
}

}  // namespace gatehouse::protocol
