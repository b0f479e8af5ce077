#include "net/http1_message.h"

#include <charconv>
#include <cstring>

#include "net/text.h"

namespace pintle::net {

namespace {

Unexpected<Status> refuse(int code, std::string message) { return Unexpected(Status{Reason::BadRequest, code, std::move(message), {}}); }

// Takes a line off `head`, which holds complete CRLF lines only.
std::string_view take_line(std::string_view& head) {
  const auto end = head.find("\r\n");
  auto line = head.substr(0, end);
  head.remove_prefix(end == std::string_view::npos ? head.size() : end + 2);
  return line;
}

Result<Headers> parse_fields(std::string_view head) {
  Headers headers;
  while (!head.empty()) {
    const auto line = take_line(head);
    if (line.empty()) return headers;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return refuse(400, "malformed header field");
    const auto value = trim(line.substr(colon + 1));
    if (!is_field_value(value)) return refuse(400, "control character in a header value");
    headers.add(std::string(line.substr(0, colon)), std::string(value));
  }
  return headers;
}

// "HTTP/1.1" -> 1. Another major version is 505.
Result<int> parse_version(std::string_view text) {
  if (text.size() != 8 || !text.starts_with("HTTP/") || text[6] != '.' || text[5] < '0' || text[5] > '9' || text[7] < '0' || text[7] > '9') {
    return refuse(400, "malformed HTTP version");
  }
  if (text[5] != '1') return refuse(505, "unsupported protocol version");
  return text[7] == '0' ? 0 : 1;
}

bool is_target(std::string_view text) {
  for (char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u <= 0x20 || u == 0x7f) return false;
  }
  return !text.empty();
}

bool is_host(std::string_view text) {
  for (char c : text) {
    if (!is_token_char(c) && std::string_view(":[]%,;=()@").find(c) == std::string_view::npos) return false;
  }
  return text.find('@') == std::string_view::npos;
}

Result<Unit> parse_target(std::string_view target, RequestHead& head, bool& absolute) {
  for (std::string_view scheme : {"http://", "https://"}) {
    if (target.size() < scheme.size() || !equal_fold(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    const auto slash = target.find_first_of("/?");
    head.host = std::string(target.substr(0, slash));
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
    absolute = true;
  }
  const bool star = target == "*" && head.method == "OPTIONS";
  if (!star && !target.starts_with('/') && !(absolute && target.starts_with('?'))) return refuse(400, "malformed request target");
  const auto question = target.find('?');
  head.path = std::string(target.substr(0, question));
  if (head.path.empty()) head.path = "/";
  if (question != std::string_view::npos) head.query = std::string(target.substr(question + 1));
  return Unit{};
}

// The one content-length; nullopt if there is none.
Result<std::optional<uint64_t>> content_length(const Headers& headers) {
  const auto values = headers.get_all("content-length");
  if (values.empty()) return std::nullopt;
  const auto length = parse_content_length(values[0]);
  if (values.size() > 1 || !length) return refuse(400, "malformed Content-Length");
  return length;
}

// 0: no transfer-encoding, 1: chunked.
Result<bool> is_chunked(const Headers& headers, int minor) {
  const auto values = headers.get_all("transfer-encoding");
  if (values.empty()) return false;
  if (minor == 0) return refuse(400, "Transfer-Encoding in an HTTP/1.0 message");
  if (values.size() > 1 || !equal_fold(values[0], "chunked")) return refuse(501, "unsupported transfer encoding");
  if (headers.has("content-length")) return refuse(400, "both Transfer-Encoding and Content-Length");
  return true;
}

}  // namespace

Result<std::size_t> find_head_end(std::string_view data, std::size_t& scanned) {
  // Empty lines before a request line are skipped by counting them to the head.
  constexpr std::size_t empty_bytes_max = 2 * empty_lines_max;
  const std::size_t begin = data.substr(0, empty_bytes_max + 1).find_first_not_of("\r\n");
  if (begin == std::string_view::npos && data.size() > empty_bytes_max) return refuse(400, "too many empty lines before a request");
  std::size_t pos = scanned;
  while (true) {
    const auto newline = data.find('\n', pos);
    if (newline == std::string_view::npos) {
      scanned = data.size();
      return std::size_t{0};
    }
    if (newline == 0 || data[newline - 1] != '\r') return refuse(400, "line without CRLF");
    pos = newline + 1;
    const bool empty_line = newline >= 3 && data[newline - 2] == '\n';
    if (empty_line && begin < newline) {
      scanned = pos;
      return pos;
    }
  }
}

Result<RequestHead> parse_request_head(std::string_view text) {
  while (text.starts_with("\r\n")) text.remove_prefix(2);
  const auto line = take_line(text);
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || last == first) return refuse(400, "malformed request line");
  RequestHead head;
  head.method = std::string(line.substr(0, first));
  const auto target = line.substr(first + 1, last - first - 1);
  if (!is_token(head.method) || !is_target(target)) return refuse(400, "malformed request line");
  TRY_ASSIGN(head.minor, parse_version(line.substr(last + 1)));
  bool absolute = false;
  TRY(parse_target(target, head, absolute));
  TRY_ASSIGN(head.headers, parse_fields(text));
  const auto hosts = head.headers.get_all("host");
  if (hosts.size() > 1 || (hosts.empty() && head.minor > 0)) return refuse(400, "exactly one Host header is required");
  if (!hosts.empty() && !absolute) head.host = std::string(hosts[0]);
  if (!is_host(head.host)) return refuse(400, "malformed Host header");
  return head;
}

Result<ResponseHead> parse_response_head(std::string_view text) {
  const auto line = take_line(text);
  ResponseHead head;
  TRY_ASSIGN(head.minor, parse_version(line.substr(0, 8)));
  const auto digits = line.substr(std::min<std::size_t>(8, line.size()));
  if (digits.size() < 4 || digits[0] != ' ' || (digits.size() > 4 && digits[4] != ' ')) return refuse(400, "malformed status line");
  const auto parsed = std::from_chars(digits.data() + 1, digits.data() + 4, head.status);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + 4 || head.status < 100) return refuse(400, "malformed status line");
  TRY_ASSIGN(head.headers, parse_fields(text));
  return head;
}

std::optional<uint64_t> parse_content_length(std::string_view text) {
  uint64_t value = 0;
  if (text.empty() || text.size() > 18) return std::nullopt;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

Result<BodyFraming> request_framing(const RequestHead& head) {
  TRY_ASSIGN(const bool chunked, is_chunked(head.headers, head.minor));
  if (chunked) return BodyFraming{BodyFraming::Kind::Chunked, 0};
  TRY_ASSIGN(const auto length, content_length(head.headers));
  if (!length || *length == 0) return BodyFraming{};
  return BodyFraming{BodyFraming::Kind::Length, *length};
}

Result<BodyFraming> response_framing(const ResponseHead& head, std::string_view request_method) {
  if (request_method == "HEAD" || head.status < 200 || head.status == 204 || head.status == 304) return BodyFraming{};
  TRY_ASSIGN(const bool chunked, is_chunked(head.headers, head.minor));
  if (chunked) return BodyFraming{BodyFraming::Kind::Chunked, 0};
  TRY_ASSIGN(const auto length, content_length(head.headers));
  if (!length) return BodyFraming{BodyFraming::Kind::UntilClose, 0};
  if (*length == 0) return BodyFraming{};
  return BodyFraming{BodyFraming::Kind::Length, *length};
}

bool keeps_alive(const Headers& headers, int minor) {
  if (minor == 0) return false;
  for (auto value : headers.get_all("connection")) {
    if (list_has(value, "close")) return false;
  }
  return true;
}

bool ChunkDecoder::size_digit(char c) {
  int digit = -1;
  if (c >= '0' && c <= '9') digit = c - '0';
  if (lower(c) >= 'a' && lower(c) <= 'f') digit = lower(c) - 'a' + 10;
  if (digit < 0 || ++digits_ > 15) return false;
  left_ = left_ << 4 | static_cast<uint64_t>(digit);
  state_ = State::Size;
  return true;
}

bool ChunkDecoder::step(char c) {
  switch (state_) {
    case State::SizeStart:
      left_ = 0;
      digits_ = 0;
      return size_digit(c);
    case State::Size:
      if (c == ';')
        state_ = State::Extension;
      else if (c == '\r')
        state_ = State::SizeEnd;
      else
        return size_digit(c);
      return true;
    case State::Extension:
      if (c == '\r')
        state_ = State::SizeEnd;
      else if (c == '\n' || ++extension_bytes_ > extension_bytes_max)
        return false;
      return true;
    case State::SizeEnd: state_ = left_ == 0 ? State::TrailerStart : State::Data; return c == '\n';
    case State::DataCr: state_ = State::DataLf; return c == '\r';
    case State::DataLf: state_ = State::SizeStart; return c == '\n';
    case State::TrailerStart: state_ = c == '\r' ? State::LastLf : State::Trailer; return c != '\n' && ++trailer_bytes_ <= trailer_bytes_max;
    case State::Trailer:
      if (c == '\r') state_ = State::TrailerEnd;
      return c != '\n' && ++trailer_bytes_ <= trailer_bytes_max;
    case State::TrailerEnd: state_ = State::TrailerStart; return c == '\n';
    case State::LastLf: state_ = State::Done; return c == '\n';
    case State::Data:
    case State::Done: break;
  }
  return false;
}

Result<std::string_view> ChunkDecoder::next(std::string_view& in) {
  while (!in.empty() && state_ != State::Done) {
    if (state_ == State::Data) {
      const auto n = static_cast<std::size_t>(std::min<uint64_t>(left_, in.size()));
      const auto piece = in.substr(0, n);
      in.remove_prefix(n);
      left_ -= n;
      if (left_ == 0) state_ = State::DataCr;
      return piece;
    }
    if (!step(in.front())) return refuse(400, "malformed chunked encoding");
    in.remove_prefix(1);
  }
  return std::string_view();
}

std::string_view status_text(int status) {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Request Entity Too Large";
    case 414: return "Request URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Requested Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Entity";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "";
  }
}

namespace {
void append_fields(std::string& out, const Headers& headers) {
  for (const auto& [name, value] : headers.items()) {
    out.append(name).append(": ").append(value).append("\r\n");
  }
  out.append("\r\n");
}
}  // namespace

std::string format_response_head(int status, const Headers& headers) {
  std::string out = "HTTP/1.1 " + std::to_string(status) + " ";
  out.append(status_text(status)).append("\r\n");
  append_fields(out, headers);
  return out;
}

std::string format_request_head(std::string_view method, std::string_view target, const Headers& headers) {
  std::string out(method);
  out.append(" ").append(target).append(" HTTP/1.1\r\n");
  append_fields(out, headers);
  return out;
}

}  // namespace pintle::net
