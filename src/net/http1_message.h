// HTTP/1.1 messages as text (RFC 9112), without any I/O: heads in and out, how the body is framed, chunks. Strict, since
// leniency is what request smuggling lives on: lines end in CRLF, no folding, no space before a colon, one length.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "net/http.h"

namespace pintle::net {

// Empty lines before a request line, which are skipped (RFC 9112 2.2).
constexpr std::size_t empty_lines_max = 8;

// Where the head that `data` starts with ends (past the empty line); 0 while it is incomplete. `scanned` is what
// earlier calls have looked at (start with 0). BadRequest on a line that does not end in CRLF, or after empty_lines_max empty ones.
Result<std::size_t> find_head_end(std::string_view data, std::size_t& scanned);

struct RequestHead {
  std::string method;
  std::string path;  // origin form without the query; "*" for OPTIONS *
  std::string query;
  std::string host;  // of the Host header, or of an absolute target
  int minor = 1;     // HTTP/1.x
  Headers headers;
};
// `head` ends with the empty line. The Status carries the code to answer: 400, 501 or 505.
Result<RequestHead> parse_request_head(std::string_view head);

struct ResponseHead {
  int status = 0;
  int minor = 1;
  Headers headers;
};
Result<ResponseHead> parse_response_head(std::string_view head);

struct BodyFraming {
  enum class Kind : uint8_t { None, Length, Chunked, UntilClose } kind = Kind::None;
  uint64_t length = 0;
};
Result<BodyFraming> request_framing(const RequestHead& head);
Result<BodyFraming> response_framing(const ResponseHead& head, std::string_view request_method);
// A content-length value: digits only.
std::optional<uint64_t> parse_content_length(std::string_view text);
// Whether the sender keeps the connection after this message.
bool keeps_alive(const Headers& headers, int minor);

// Takes the chunked coding apart. Extensions and trailers are skipped, within limits.
class ChunkDecoder {
 public:
  static constexpr std::size_t extension_bytes_max = 16 << 10;  // of a whole body; then BadRequest
  static constexpr std::size_t trailer_bytes_max = 64 << 10;    // then BadRequest

  // Takes bytes off the front of `in` and returns the next piece of the body, a view into it; an empty piece: done(),
  // or `in` is used up.
  Result<std::string_view> next(std::string_view& in);
  bool done() const { return state_ == State::Done; }

 private:
  enum class State : uint8_t { SizeStart, Size, Extension, SizeEnd, Data, DataCr, DataLf, TrailerStart, Trailer, TrailerEnd, LastLf, Done };
  // One byte of framing; false: malformed.
  bool step(char c);
  bool size_digit(char c);
  State state_ = State::SizeStart;
  uint64_t left_ = 0;
  int digits_ = 0;
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
};

// "Not Found" for 404; "" for a code without a name.
std::string_view status_text(int status);
// The head up to and including the empty line.
std::string format_response_head(int status, const Headers& headers);
std::string format_request_head(std::string_view method, std::string_view target, const Headers& headers);

}  // namespace pintle::net
