// HTTP/1.1 heads and chunks, and the headers inside them: no crash, and cutting the input anywhere changes nothing.
#include "base/check.h"
#include "driver.h"
#include "net/http1_message.h"
#include "net/media_type.h"
#include "net/url.h"

namespace pintle::fuzz {
namespace {

std::string decode_chunks(std::string_view input, std::size_t step) {
  net::ChunkDecoder decoder;
  std::string out;
  for (std::size_t at = 0; at < input.size() && !decoder.done(); at += step) {
    std::string_view in = input.substr(at, step);
    while (!in.empty() && !decoder.done()) {
      const auto piece = decoder.next(in);
      if (!piece) return "error";
      out += *piece;
    }
  }
  return decoder.done() ? out : "more";
}

void check_request(std::string_view head) {
  const auto request = net::parse_request_head(head);
  if (!request) return;
  (void)net::request_framing(*request);
  (void)net::keeps_alive(request->headers, request->minor);
  (void)net::parse_query(request->query);
  (void)net::parse_accept(request->headers.get("accept"));
  // What was read can be written and is read as the same again.
  net::Headers headers = request->headers;
  std::string target = request->path;
  if (!request->query.empty()) target += "?" + request->query;
  if (request->minor == 0 || request->host != headers.get("host")) return;
  const auto again = net::parse_request_head(net::format_request_head(request->method, target, headers));
  CHECK(again.has_value() && again->path == request->path && again->headers.items() == headers.items(), "a request head survives being written");
}

}  // namespace

void one(std::string_view input) {
  std::size_t scanned = 0;
  const auto end = net::find_head_end(input, scanned);
  std::size_t grown_scanned = 0;
  bool failed = false;
  std::size_t grown_end = 0;
  for (std::size_t n = 0; n <= input.size() && grown_end == 0 && !failed; ++n) {
    const auto grown = net::find_head_end(input.substr(0, n), grown_scanned);
    failed = !grown.has_value();
    if (grown) grown_end = *grown;
  }
  CHECK(failed == !end.has_value() && (failed || grown_end == *end), "the end of a head does not depend on how it arrives");
  if (end && *end > 0) {
    check_request(input.substr(0, *end));
    const auto response = net::parse_response_head(input.substr(0, *end));
    if (response) (void)net::response_framing(*response, "GET");
  }
  const auto whole = decode_chunks(input, input.size() + 1);
  for (std::size_t step : {1, 2, 7}) CHECK(decode_chunks(input, step) == whole, "chunks do not depend on how they arrive");
  (void)net::parse_url(input);
  (void)net::parse_media_type(input);
}

std::vector<std::string> seeds() {
  return {"GET /api/v1/pods?watch=1&limit=5 HTTP/1.1\r\nHost: a:6443\r\nAccept: application/json;as=Table;q=0.5, */*\r\n\r\n",
          "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n",
          "5;ext=1\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", "https://[::1]:6443/a?b=c"};
}
std::vector<std::string> tokens() {
  return {"\r\n", "\r\n\r\n", ": ", "Content-Length: 1", "Transfer-Encoding: chunked", "HTTP/1.1", "0\r\n", "%2F", "\t", "Host: b"};
}

}  // namespace pintle::fuzz
