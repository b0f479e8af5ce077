// Peers that are malformed, slow, half-open or hostile, against a simulated server: what they get, and when it ends.
#include <gtest/gtest.h>

#include "net/testing.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::net {
namespace {

using testing::talk;
using testing::TestServer;

constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string out;
  const auto size = static_cast<uint32_t>(payload.size());
  for (int shift : {16, 8, 0}) out += static_cast<char>(size >> shift & 0xff);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (int shift : {24, 16, 8, 0}) out += static_cast<char>(stream >> shift & 0xff);
  out += payload;
  return out;
}
constexpr uint8_t data_frame = 0, headers_frame = 1, reset_frame = 3, settings_frame = 4, ping_frame = 6, goaway_frame = 7, window_frame = 8,
                  continuation_frame = 9;
constexpr uint8_t end_stream = 1, end_headers = 4;
// GET http://a PATH as a header block.
std::string get_block(const std::string& path) { return std::string("\x82\x86\x01\x01") + "a" + "\x04" + static_cast<char>(path.size()) + path; }
std::string get_frame(uint32_t stream, const std::string& path) { return frame(headers_frame, end_stream | end_headers, stream, get_block(path)); }
std::string opening() { return std::string(preface) + frame(settings_frame, 0, 0, ""); }

// The types of the frames in an answer, in order, with the error code of a GOAWAY or RST_STREAM.
std::string frames(std::string_view text) {
  std::string out;
  while (text.size() >= 9) {
    const auto byte = [&](std::size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
    const std::size_t size = byte(0) << 16 | byte(1) << 8 | byte(2);
    if (text.size() < 9 + size) break;
    if (byte(3) == goaway_frame && size >= 8) out += "goaway" + std::to_string(byte(16)) + " ";
    if (byte(3) == reset_frame && size == 4) out += "reset" + std::to_string(byte(12)) + " ";
    if (byte(3) == headers_frame) out += "headers ";
    text.remove_prefix(9 + size);
  }
  return out;
}

struct Raw {
  std::string name;
  std::string send;
  std::string want;  // what the answer starts with; "": no answer
  bool half_close = false;
};

rt::Task<void> http1_table() {
  ServerOptions options;
  options.limits.header_bytes_max = 8 << 10;
  TestServer server(options);
  co_await server.start();
  const std::string host = "Host: a\r\n", close = "Connection: close\r\n";
  const std::vector<Raw> table{
      {"plain", "GET /hello HTTP/1.1\r\n" + host + close + "\r\n", "HTTP/1.1 200 OK\r\n"},
      {"1.0", "GET /hello HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
      {"bad request line", "GARBAGE\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
      {"binary", std::string("\x16\x03\x01\x02\x00\x01\x00\n\n", 9), "HTTP/1.1 400 "},
      {"version", "GET / HTTP/3.0\r\n" + host + "\r\n", "HTTP/1.1 505 "},
      {"bare LF", "GET / HTTP/1.1\n" + host + "\r\n", "HTTP/1.1 400 "},
      {"no host", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
      {"long header", "GET / HTTP/1.1\r\n" + host + "X: " + std::string(9000, 'x') + "\r\n\r\n", "HTTP/1.1 431 "},
      {"endless header", "GET / HTTP/1.1\r\n" + host + "X: " + std::string(90000, 'x'), "HTTP/1.1 431 "},
      {"endless request line", "GET /" + std::string(90000, 'x'), "HTTP/1.1 431 "},
      {"two lengths", "POST /echo HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", "HTTP/1.1 400 "},
      {"length and chunked", "POST /echo HTTP/1.1\r\n" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 400 "},
      {"unknown coding", "POST /echo HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 501 "},
      {"bad chunk", "POST /echo HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 400 "},
      {"truncated length", "POST /echo HTTP/1.1\r\n" + host + "Content-Length: 10\r\n\r\nabc", "", true},
      {"truncated head", "GET / HTTP/1.1\r\nHos", "", true},
      {"nothing", "", "", true},
      {"continue", "POST /echo HTTP/1.1\r\n" + host + close + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"},
      {"continue that is not wanted", "POST /hello HTTP/1.1\r\n" + host + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
      {"unknown method", "BREW /hello HTTP/1.1\r\n" + host + close + "\r\n", "HTTP/1.1 200 OK\r\n"},
      {"upgrade on 1.0", "GET /upgrade HTTP/1.0\r\n\r\n", "HTTP/1.1 405 "},
      {"half an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "HTTP/1.1 505 "},
  };
  for (const auto& one : table) {
    auto got = co_await talk(server.endpoint(), one.send, one.half_close);
    EXPECT_TRUE(one.want.empty() ? !got.starts_with("HTTP/1.1 200") : got.starts_with(one.want)) << one.name << ": " << got.substr(0, 100);
  }
  co_await server.stop();
}
TEST(Hostile, Http1Bytes) {
  for (uint64_t seed = 1; seed <= 5; ++seed) rt::testing::run_sim(http1_table(), seed);
}

rt::Task<void> pipelined() {
  TestServer server(ServerOptions{});
  co_await server.start();
  std::string send;
  for (int i = 0; i < 3; ++i)
    send += "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nn" + std::to_string(i) + "\r\n0\r\nT: x\r\n\r\n";
  send += "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /never HTTP/1.1\r\nHost: a\r\n\r\n";
  auto got = co_await talk(server.endpoint(), send, false);
  std::size_t last = 0;
  for (const char* want : {"n0", "n1", "n2", "GET /hello"}) {
    const auto at = got.find(want, last);
    EXPECT_NE(at, std::string::npos) << want;
    last = at;
  }
  EXPECT_EQ(got.find("/never"), std::string::npos);
  co_await server.stop();
}
TEST(Hostile, PipelinedRequestsAreServedInTurn) {
  for (uint64_t seed = 1; seed <= 5; ++seed) rt::testing::run_sim(pipelined(), seed);
}

rt::Task<void> http2_table() {
  ServerOptions options;
  options.limits.header_bytes_max = 16 << 10;
  TestServer server(options);
  co_await server.start();
  std::string pings, resets, continuations, settings, empties, endless, bomb;
  for (int i = 0; i < 20000; ++i) empties += frame(data_frame, 0, 1, "");
  for (int i = 0; i < 20; ++i) endless += frame(continuation_frame, 0, 1, std::string("\x00\x01x\x7f\x81\x7c", 6) + std::string(16000, 'v'));
  bomb = frame(continuation_frame, end_headers, 1, std::string(100, '\xbe'));  // each byte: 4,000
  for (int i = 0; i < 20000; ++i) pings += frame(ping_frame, 0, 0, "12345678");
  for (int i = 0; i < 20000; ++i) settings += frame(settings_frame, 0, 0, "");
  for (uint32_t i = 0; i < 5000; ++i) resets += get_frame(2 * i + 1, "/hang") + frame(reset_frame, 0, 2 * i + 1, std::string("\0\0\0\x08", 4));
  for (int i = 0; i < 5000; ++i) continuations += frame(continuation_frame, 0, 1, "");
  const std::string body_for_none = frame(data_frame, 0, 5, "x");
  const std::vector<Raw> table{
      {"oversized frame", opening() + frame(data_frame, 0, 1, std::string(20000, 'x')), "goaway"},
      {"data on an idle stream", opening() + body_for_none, "goaway1 "},
      {"even stream", opening() + get_frame(2, "/hello"), "goaway1 "},
      {"stream number going back", opening() + get_frame(5, "/hello") + get_frame(3, "/hello"), "goaway"},
      {"bad header block", opening() + frame(headers_frame, end_stream | end_headers, 1, "\xff\xff\xff\xff\xff\xff\xff"), "goaway9 "},
      {"window overflow", opening() + frame(window_frame, 0, 0, "\x7f\xff\xff\xff"), "goaway3 "},
      {"zero window update", opening() + frame(window_frame, 0, 0, std::string(4, '\0')), "goaway1 "},
      {"settings on a stream", opening() + frame(settings_frame, 0, 1, ""), "goaway1 "},
      {"short ping", opening() + frame(ping_frame, 0, 0, "123"), "goaway6 "},
      {"continuation flood", opening() + frame(headers_frame, end_stream, 1, get_block("/")) + continuations, "goaway11 "},
      {"ping flood", opening() + pings, "goaway11 "},
      {"settings flood", opening() + settings, "goaway11 "},
      {"empty data flood", opening() + frame(headers_frame, end_headers, 1, get_block("/echo")) + empties, "goaway11 "},
      {"endless header", opening() + frame(headers_frame, end_stream, 1, get_block("/")) + endless, "goaway11 "},
      {"table bomb", opening() + frame(headers_frame, end_stream, 1, get_block("/hello") + "\x40\x01x\x7f\xa1\x1e" + std::string(4000, 'v')) + bomb,
       "goaway11 "},
      {"rapid reset", opening() + resets, ""},
      {"no settings", std::string(preface) + get_frame(1, "/hello"), "goaway1 "},
  };
  for (const auto& one : table) {
    auto got = frames(co_await talk(server.endpoint(), one.send, false));
    EXPECT_TRUE(got.find(one.want) != std::string::npos) << one.name << ": " << got.substr(0, 200);
    EXPECT_LE(server.routes.hanging - server.routes.cancelled, 0) << one.name;
  }
  auto alive = co_await talk(server.endpoint(), "GET /hello HTTP/1.0\r\n\r\n", false);
  EXPECT_TRUE(alive.starts_with("HTTP/1.1 200"));
  co_await server.stop();
}
TEST(Hostile, Http2Frames) { rt::testing::run_sim(http2_table()); }

rt::Task<void> http2_large_header() {
  ServerOptions options;
  options.limits.header_bytes_max = 16 << 10;
  TestServer server(options);
  co_await server.start();
  // 40 fields of 500 bytes, each a literal without indexing.
  std::string block = get_block("/hello");
  for (int i = 0; i < 40; ++i) block += std::string("\x00\x01x\x7f\xf5\x02", 6) + std::string(127 + 0x75 + 2 * 128, 'v');
  const std::string head = opening() + frame(headers_frame, end_stream, 1, std::string_view(block).substr(0, 16000)) +
                           frame(continuation_frame, end_headers, 1, std::string_view(block).substr(16000)) +
                           frame(goaway_frame, 0, 0, std::string(8, '\0'));
  auto got = co_await talk(server.endpoint(), head, true);
  EXPECT_EQ(got.find("GET /hello"), std::string::npos);
  EXPECT_NE(got.find("431 Request Header"), std::string::npos) << frames(got);
  co_await server.stop();
}
TEST(Hostile, Http2HeaderTooLarge) { rt::testing::run_sim(http2_large_header()); }

// A field of more than 64 KiB is the end of its own stream alone, and a head of less than the limit is none, in however many frames.
rt::Task<void> http2_large_fields() {
  TestServer server(ServerOptions{});
  co_await server.start();
  const auto in_frames = [](uint32_t stream, std::string_view block) {
    std::string out;
    for (bool first = true; first || !block.empty(); first = false) {
      const auto part = block.substr(0, 16000);
      block.remove_prefix(part.size());
      out += frame(first ? headers_frame : continuation_frame, static_cast<uint8_t>((first ? end_stream : 0) | (block.empty() ? end_headers : 0)),
                   stream, part);
    }
    return out;
  };
  const std::string bye = frame(goaway_frame, 0, 0, std::string(8, '\0'));
  // 127 + 0x51 + 0x72 * 128 + 4 * 16384 = 80,336 bytes; 127 + 0x51 + 0x07 * 128 = 1,104.
  const std::string large = get_block("/large") + std::string("\x40\x01x\x7f\xd1\xf2\x04", 7) + std::string(80336, 'v');
  std::string many = get_block("/many");
  for (int i = 0; i < 400; ++i) many += std::string("\x00\x01x\x7f\xd1\x07", 6) + std::string(1104, 'v');
  auto got = co_await talk(server.endpoint(),
                           opening() + get_frame(1, "/before") + in_frames(3, large) + in_frames(5, many) + get_frame(7, "/after") + bye, false);
  for (const char* path : {"GET /before", "GET /many", "GET /after"}) EXPECT_NE(got.find(path), std::string::npos) << path << ": " << frames(got);
  EXPECT_EQ(got.find("GET /large"), std::string::npos);
  EXPECT_NE(got.find("431 Request Header"), std::string::npos) << frames(got);
  EXPECT_EQ(frames(got).find("goaway"), std::string::npos) << frames(got);
  co_await server.stop();
}
TEST(Hostile, Http2FieldOver64KiBEndsItsStreamAlone) { rt::testing::run_sim(http2_large_fields()); }

// A head of more than 64 KiB that arrives while the request before it is served.
rt::Task<void> large_head_behind_a_request() {
  TestServer server(ServerOptions{});
  co_await server.start();
  const std::string large = "X: " + std::string(300 << 10, 'x') + "\r\n";
  const auto start = rt::Executor::current().runtime().clock().now();
  auto got = co_await talk(server.endpoint(),
                           "GET /sleep/3 HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + large + "\r\n", false);
  EXPECT_NE(got.find("slept"), std::string::npos);
  EXPECT_NE(got.find("GET /hello"), std::string::npos) << got.substr(0, 300);
  EXPECT_LT(rt::Executor::current().runtime().clock().now() - start, std::chrono::seconds(10));
  co_await server.stop();
}
TEST(Hostile, LargeHeadBehindARequestIsRead) {
  for (uint64_t seed = 1; seed <= 5; ++seed) rt::testing::run_sim(large_head_behind_a_request(), seed);
}

// What large heads may take together is bounded, and given back.
rt::Task<void> heads_together() {
  ServerOptions options;
  options.limits.header_bytes_total_max = 256 << 10;
  TestServer server(options);
  co_await server.start();
  const rt::Context ctx = rt::Context::background();
  const std::string half = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: " + std::string(120 << 10, 'x');
  std::vector<std::unique_ptr<rt::Stream>> held;
  for (int i = 0; i < 2; ++i) {
    auto stream = co_await rt::Executor::current().runtime().network().connect(ctx, server.endpoint());
    CHECK(stream, "connect");
    (void)co_await (*stream)->write(ctx, std::string_view(half));
    held.push_back(std::move(*stream));
  }
  (void)co_await rt::sleep_for(ctx, std::chrono::seconds(1));
  auto refused = co_await talk(server.endpoint(), half + "\r\n\r\n", false);
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 431 ")) << refused.substr(0, 100);
  auto small = co_await talk(server.endpoint(), "GET /hello HTTP/1.0\r\n\r\n", false);
  EXPECT_TRUE(small.starts_with("HTTP/1.1 200 "));
  held.clear();
  (void)co_await rt::sleep_for(ctx, std::chrono::seconds(1));
  auto served = co_await talk(server.endpoint(), half + "\r\n\r\n", false);
  EXPECT_TRUE(served.starts_with("HTTP/1.1 200 ")) << served.substr(0, 100);
  co_await server.stop();
}
TEST(Hostile, LargeHeadsShareABudget) { rt::testing::run_sim(heads_together()); }

// ---- time ----

rt::Duration since(rt::TimePoint start) { return rt::Executor::current().runtime().clock().now() - start; }

// How long the server lets a peer live that sends `data` and then nothing, and reads everything (or nothing).
rt::Task<double> lives(rt::Endpoint to, std::string data, bool reads) {
  auto& runtime = rt::Executor::current().runtime();
  const rt::Context ctx = rt::Context::background();
  const auto start = runtime.clock().now();
  auto stream = co_await runtime.network().connect(ctx, std::move(to));
  CHECK(stream, "connect");
  (void)co_await (*stream)->write(ctx, std::string_view(data));
  std::string buffer(4096, '\0');
  if (!reads) {
    // It notices the end by a write that fails.
    while (true) {
      (void)co_await rt::sleep_for(ctx, std::chrono::milliseconds(100));
      auto sent = co_await (*stream)->write(ctx, std::string_view("\r\n"));
      if (!sent || since(start) > std::chrono::minutes(10)) break;
    }
    co_return std::chrono::duration<double>(since(start)).count();
  }
  while (true) {
    auto n = co_await (*stream)->read(ctx, buffer);
    if (!n || *n == 0) break;
  }
  co_return std::chrono::duration<double>(since(start)).count();
}

rt::Task<void> slow_peers() {
  ServerOptions options;
  options.limits.header_timeout = std::chrono::seconds(10);
  options.limits.idle_timeout = std::chrono::seconds(60);
  options.limits.handshake_timeout = std::chrono::seconds(5);
  TestServer plain(options);
  co_await plain.start();
  const auto ca = testing::make_ca("ca");
  const auto pair = testing::issue(ca, "server", "IP:127.0.0.1");
  options.tls = testing::write_server_tls("/tls", ca, pair);
  TestServer secure(options);
  co_await secure.start();
  struct Case {
    std::string name, send;
    double least_s, most_s;
  };
  const std::vector<Case> table{
      {"silent", "", 9, 12},
      {"half a head", "GET / HTT", 9, 22},
      {"idle after a request", "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", 59, 63},
      {"a body that stops", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc", 59, 63},
      {"idle HTTP/2", opening(), 9, 90},
      {"half an HTTP/2 head", opening() + frame(headers_frame, end_stream, 1, get_block("/hello")), 9, 63},
  };
  for (const auto& one : table) {
    const double seconds = co_await lives(plain.endpoint(), one.send, true);
    EXPECT_TRUE(seconds >= one.least_s && seconds <= one.most_s) << one.name << ": " << seconds;
  }
  const double handshake = co_await lives(secure.endpoint(), "", true);
  EXPECT_TRUE(handshake >= 4 && handshake <= 7) << handshake;
  EXPECT_EQ(plain.routes.body_errors, 1);
  co_await plain.stop();
  co_await secure.stop();
}
TEST(Hostile, SlowPeersRunIntoDeadlines) { rt::testing::run_sim(slow_peers()); }

rt::Task<void> deaf_peers() {
  ServerOptions options;
  options.limits.idle_timeout = options.limits.stall_timeout = std::chrono::seconds(60);
  TestServer server(options);
  co_await server.start();
  const double http1 = co_await lives(server.endpoint(), "GET /bytes/50000000 HTTP/1.1\r\nHost: a\r\n\r\n", false);
  EXPECT_LE(http1, 130);
  const double http2 =
      co_await lives(server.endpoint(), opening() + frame(window_frame, 0, 0, std::string("\x70\0\0\0", 4)) + get_frame(1, "/hang"), true);
  EXPECT_TRUE(http2 >= 60 && http2 <= 200) << http2;  // it never answers a ping
  EXPECT_EQ(server.routes.cancelled, 1);
  co_await server.stop();
}
TEST(Hostile, PeersThatDoNotReadOrAnswer) { rt::testing::run_sim(deaf_peers()); }

// Answers pings, gives no window, and says when the server's handler has returned.
rt::Task<void> answer_pings(rt::Stream* stream, std::string* got) {
  const rt::Context ctx = rt::Context::background();
  std::string buffer(4096, '\0');
  std::size_t at = 0;
  while (true) {
    auto n = co_await stream->read(ctx, buffer);
    if (!n || *n == 0) break;
    got->append(buffer.data(), *n);
    while (got->size() - at >= 9) {
      const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>((*got)[at + i])); };
      const std::size_t size = byte(0) << 16 | byte(1) << 8 | byte(2);
      if (got->size() - at < 9 + size) break;
      if (byte(3) == ping_frame && byte(4) == 0) {
        const std::string ack = frame(ping_frame, 1, 0, std::string_view(*got).substr(at + 9, size));
        (void)co_await stream->write(ctx, std::string_view(ack));
      }
      at += 9 + size;
    }
  }
}
rt::Task<double> until_served(TestServer* server, int count) {
  auto start = rt::Executor::current().runtime().clock().now();
  while (server->routes.served < count && since(start) < std::chrono::hours(1))
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(1));
  co_return std::chrono::duration<double>(since(start)).count();
}

rt::Task<void> shut_windows() {
  const rt::Context ctx = rt::Context::background();
  TestServer server(ServerOptions{});
  co_await server.start();
  auto stream = co_await rt::Executor::current().runtime().network().connect(ctx, server.endpoint());
  CHECK(stream, "connect");
  std::string got;
  rt::TaskGroup reader;
  reader.spawn(answer_pings((*stream).get(), &got));
  const std::string no_window = std::string(preface) + frame(settings_frame, 0, 0, std::string("\0\4\0\0\0\0", 6));
  const std::string large = no_window + get_frame(1, "/bytes/3000000");
  (void)co_await (*stream)->write(ctx, std::string_view(large));
  const double stalled = co_await until_served(&server, 1);
  EXPECT_TRUE(stalled >= 175 && stalled <= 240) << stalled;  // stall_timeout
  const std::string after = get_frame(5, "/hello");
  (void)co_await (*stream)->write(ctx, std::string_view(after));
  (void)co_await until_served(&server, 2);
  EXPECT_EQ(frames(got), "headers reset8 headers ");  // the connection went on
  (*stream)->close();
  co_await reader.join();
  co_await server.stop();
}
TEST(Hostile, ShutWindowsHoldNoHandler) { rt::testing::run_sim(shut_windows()); }

rt::Task<void> http1_that_is_not_read() {
  const rt::Context ctx = rt::Context::background();
  TestServer server(ServerOptions{});
  co_await server.start();
  auto stream = co_await rt::Executor::current().runtime().network().connect(ctx, server.endpoint());
  CHECK(stream, "connect");
  const std::string send = "GET /bytes/50000000 HTTP/1.1\r\nHost: a\r\n\r\n";
  (void)co_await (*stream)->write(ctx, std::string_view(send));
  const double seconds = co_await until_served(&server, 1);
  EXPECT_TRUE(seconds >= 175 && seconds <= 200) << seconds;  // stall_timeout
  co_await server.stop();
}
TEST(Hostile, AnswersThatNobodyReadsEnd) { rt::testing::run_sim(http1_that_is_not_read()); }

// More connections than there is room for wait until one of the others, which say nothing, has had its time.
rt::Task<void> connections_are_bounded() {
  const rt::Context ctx = rt::Context::background();
  ServerOptions options;
  options.limits.connections_max = 2;
  options.limits.header_timeout = std::chrono::seconds(10);
  TestServer server(options);
  co_await server.start();
  std::vector<std::unique_ptr<rt::Stream>> held;
  for (int i = 0; i < 2; ++i) {
    auto stream = co_await rt::Executor::current().runtime().network().connect(ctx, server.endpoint());
    CHECK(stream, "connect");
    held.push_back(std::move(*stream));
  }
  const auto start = rt::Executor::current().runtime().clock().now();
  auto got = co_await talk(server.endpoint(), "GET /hello HTTP/1.0\r\n\r\n", false);
  EXPECT_TRUE(got.starts_with("HTTP/1.1 200 ")) << got;
  const double seconds = std::chrono::duration<double>(since(start)).count();
  EXPECT_TRUE(seconds >= 9 && seconds <= 31) << seconds;  // the two may share an executor, and then take turns
  co_await server.stop();
}
TEST(Hostile, ConnectionsAreBounded) { rt::testing::run_sim(connections_are_bounded()); }

}  // namespace
}  // namespace pintle::net
