// The lines of a login connection: the same ones however the bytes were cut, none beyond the limit,
// and nothing kept beyond it.
#include <vector>

#include "fuzz.hpp"
#include "protocol/line_reader.hpp"

namespace gatehouse::protocol {

namespace {

struct LinesRead {
  std::vector<std::string> lines;
  LineReader::Status status = LineReader::Status::kMore;
  std::string rest;
  bool operator==(const LinesRead&) const = default;
};

LinesRead read_lines(std::string_view bytes, std::size_t limit, std::size_t stop_after,
                     std::uint8_t how) {
  using Status = LineReader::Status;
  LineReader reader(limit);
  LinesRead read;
  const auto take = [&](std::string_view line) {
    GATEHOUSE_ASSERT(line.size() <= limit && line.find('\n') == std::string_view::npos);
    read.lines.emplace_back(line);
    return read.lines.size() != stop_after;
  };
  const std::size_t fed = fuzz::in_pieces(bytes, how, [&](std::string_view piece) {
    read.status = reader.feed(piece, take);
    GATEHOUSE_ASSERT(read.status != Status::kMore || reader.kept_bytes() <= limit);
    return read.status == Status::kMore;
  });
  if (read.status == Status::kTooLong) {
    GATEHOUSE_ASSERT(reader.feed("\n", take) == Status::kTooLong);
    return read;
  }
  read.rest = reader.take_rest();
  if (read.status == Status::kStopped) read.rest += bytes.substr(fed);
  return read;
}

}  // namespace

FUZZ_TARGET(lines) {
  fuzz::Input choices(input);
  const std::size_t limit = 1 + choices.byte();
  const std::size_t stop_after = choices.byte();  // 0: never
  const std::uint8_t how = choices.byte();
  const LinesRead whole = read_lines(choices.rest(), limit, stop_after, 0);
  GATEHOUSE_ASSERT(read_lines(choices.rest(), limit, stop_after, how) == whole);
  GATEHOUSE_ASSERT(read_lines(choices.rest(), limit, stop_after, 1) == whole);
}

}  // namespace gatehouse::protocol
