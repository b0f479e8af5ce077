#include "net/http1_message.h"

#include <gtest/gtest.h>

namespace pintle::net {
namespace {

// "METHOD path|query|host|minor kind length", or the code.
std::string read_request(std::string_view text) {
  std::size_t scanned = 0;
  auto end = find_head_end(text, scanned);
  if (!end) return std::to_string(end.error().http());
  if (*end == 0) return "incomplete";
  auto head = parse_request_head(text.substr(0, *end));
  if (!head) return std::to_string(head.error().http());
  auto framing = request_framing(*head);
  if (!framing) return std::to_string(framing.error().http());
  static constexpr std::string_view kinds[] = {"none", "length", "chunked", "until-close"};
  return head->method + " " + head->path + "|" + head->query + "|" + head->host + "|" + std::to_string(head->minor) + " " +
         std::string(kinds[static_cast<int>(framing->kind)]) + " " + std::to_string(framing->length);
}

TEST(Http1Message, RequestHeads) {
  using namespace std::string_literals;
  const std::pair<std::string, std::string> table[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /||a|1 none 0"},
      {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /||a|1 none 0"},
      {"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /||a|1 none 0"},
      {"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n", "incomplete"},
      {"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r", "400"},
      {"GET /a%2Fb?x=1?2 HTTP/1.1\r\nhost:\ta:80 \r\n\r\n", "GET /a%2Fb|x=1?2|a:80|1 none 0"},
      {"GET http://h:1/p?q HTTP/1.1\r\nHost: other\r\n\r\n", "GET /p|q|h:1|1 none 0"},
      {"GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", "GET /||h|1 none 0"},
      {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS *||a|1 none 0"},
      {"GET / HTTP/1.0\r\n\r\n", "GET /|||0 none 0"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n", "POST /||a|1 length 12"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", "POST /||a|1 chunked 0"},
      {"GET / HTTP/1.1\r\nHost: a\r\n", "incomplete"},
      {"", "incomplete"},
      // Malformed lines.
      {"GET /\r\nHost: a\r\n\r\n", "400"},
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"GET / x HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"GET / HTTP/1.1\nHost: a\n\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\n\r\n", "400"},
      {"GET x HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"},
      {"GET / HTTP/1.1x\r\nHost: a\r\n\r\n", "400"},
      {"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"s, "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\n X: b\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n", "400"},
      // Hosts.
      {"GET / HTTP/1.1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "400"},
      // Lengths that two readers could read differently.
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "501"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "501"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", "501"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
  };
  for (const auto& [text, want] : table) EXPECT_EQ(read_request(text), want) << text;
}

TEST(Http1Message, HeadEndIsFoundAtAnySplit) {
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    std::size_t scanned = 0;
    auto early = find_head_end(std::string_view(text).substr(0, cut), scanned);
    ASSERT_TRUE(early) << cut;
    auto end = find_head_end(text, scanned);
    if (*early != 0) continue;
    ASSERT_TRUE(end) << cut;
    EXPECT_EQ(*end, text.size() - 4) << cut;
  }
}

std::string decode(std::string_view text, std::size_t step) {
  ChunkDecoder decoder;
  std::string out;
  for (std::size_t i = 0; i < text.size() && !decoder.done(); i += step) {
    std::string_view in = text.substr(i, step);
    while (!in.empty() && !decoder.done()) {
      auto piece = decoder.next(in);
      if (!piece) return "error";
      out += *piece;
    }
    if (decoder.done() && !in.empty()) out += "|left";
  }
  return decoder.done() ? out : out + "|more";
}

TEST(Http1Message, Chunks) {
  const std::pair<std::string, std::string> table[] = {
      {"0\r\n\r\n", ""},
      {"3\r\nabc\r\n0\r\n\r\n", "abc"},
      {"3;x=y\r\nabc\r\n0a\r\n0123456789\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n", "abc0123456789"},
      {"3\r\nab", "ab|more"},
      {"3\r\nabcd\r\n", "error"},
      {"3\nabc\r\n", "error"},
      {"g\r\n", "error"},
      {"\r\n", "error"},
      {"-1\r\n", "error"},
      {"0x3\r\nabc\r\n", "error"},
      {"3 \r\nabc\r\n", "error"},
      {"ffffffffffffffff\r\n", "error"},
      {"0\r\n\n", "error"},
      {"1;" + std::string(20000, 'x') + "\r\n", "error"},
      {"0\r\nX: " + std::string(70000, 'x'), "error"},
  };
  for (const auto& [text, want] : table) {
    for (std::size_t step : {std::size_t{1}, std::size_t{3}, text.size()})
      EXPECT_EQ(decode(text, step), want) << text.substr(0, 40) << " by " << step;
  }
}

TEST(Http1Message, Responses) {
  auto head = parse_response_head("HTTP/1.1 204 No Content\r\nA: b\r\n\r\n");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 204);
  EXPECT_EQ(head->headers.get("a"), "b");
  EXPECT_TRUE(parse_response_head("HTTP/1.1 200\r\n\r\n"));
  for (std::string_view bad : {"HTTP/1.1 20\r\n\r\n", "HTTP/1.1 2000 x\r\n\r\n", "HTP/1.1 200 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n", "\r\n\r\n"}) {
    EXPECT_FALSE(parse_response_head(bad)) << bad;
  }
  EXPECT_EQ(format_response_head(404, head->headers), "HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n");
}

}  // namespace
}  // namespace pintle::net
