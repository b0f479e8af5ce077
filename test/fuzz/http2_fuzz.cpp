// HTTP/2 frames from a client: the screen gives the same wherever its input is cut and never breaks a header table; a whole
// server session over a simulated network ends, with every handler returned and nothing kept.
#include <nghttp2/nghttp2.h>

#include "base/check.h"
#include "driver.h"
#include "net/http2_screen.h"
#include "net/server_connection.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::fuzz {
namespace {

constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::size_t block_bytes_max = 64 << 10;

struct Screened {
  std::string bytes;
  std::size_t shortened = 0;
  net::Http2Screen::Verdict verdict = net::Http2Screen::Verdict::Good;
};
Screened screen(std::string_view input, std::size_t step) {
  Screened out;
  net::Http2Screen made(0, block_bytes_max);
  const net::Http2Screen::Output output{[&](std::string_view data) {
                                          out.bytes += data;
                                          return true;
                                        },
                                        [&](uint32_t) { ++out.shortened; }};
  for (std::size_t at = 0; at < input.size() && out.verdict == net::Http2Screen::Verdict::Good; at += step)
    out.verdict = made.feed(input.substr(at, step), rt::TimePoint(std::chrono::hours(1)), output);
  return out;
}

void check_screen(std::string_view input) {
  const Screened whole = screen(input, input.size() + 1);
  CHECK(whole.bytes.size() <= input.size() + net::http2_frame_head_bytes * net::http2_continuations_max, "what is passed is not more than what came");
  for (const std::size_t step : {1, 5, 1000}) {
    const Screened cut = screen(input, step);
    CHECK(cut.verdict == whole.verdict && cut.shortened == whole.shortened, "the verdict does not depend on how the input arrives");
    CHECK(cut.verdict != net::Http2Screen::Verdict::Good || cut.bytes == whole.bytes, "what is passed does not depend on how the input arrives");
  }
}

// Masks a header block cut at every place the same, and HPACK takes the masked block as far as it takes the block itself.
void check_mask(std::string_view input) {
  std::string whole, cut;
  net::HpackMask one, two;
  one.feed(input, whole);
  for (const char c : input) two.feed(std::string_view(&c, 1), cut);
  CHECK(whole == cut, "a header block becomes the same however it arrives");
  if (!one.masked()) CHECK(input.starts_with(whole) && input.size() - whole.size() < 8, "a header block without long strings stays as it is");
}

class Echo final : public net::Handler {
 public:
  rt::Task<void> serve(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) override {
    ++running;
    auto body = co_await net::read_all(ctx, *request.body, 1 << 16);
    Bytes answer(std::string(300 << 10, 'x'));
    if (body) answer = *body;
    (void)co_await net::respond(writer, 200, "text/plain", std::move(answer));
    --running;
  }
  int running = 0;
};

rt::Task<void> drain(rt::Stream* stream) {
  std::string buffer(4096, '\0');
  while (true) {
    auto n = co_await stream->read(rt::Context::background(), buffer);
    if (!n || *n == 0) break;
  }
}

rt::Task<void> play(rt::Stream* stream, std::string input) {
  rt::TaskGroup reading;
  reading.spawn(drain(stream));
  const std::string opening = std::string(preface) + std::string("\0\0\0\4\0\0\0\0\0", 9);
  (void)co_await stream->write(rt::Context::background(), std::string_view(opening));
  (void)co_await stream->write(rt::Context::background(), std::string_view(input));
  stream->shutdown_write();
  co_await reading.join();
}

rt::Task<void> session(std::string input) {
  auto& runtime = rt::Executor::current().runtime();
  Echo echo;
  net::ServerLimits limits;
  limits.header_bytes_max = 4096;
  limits.header_bytes_free = 256;
  limits.header_bytes_total_max = 8192;
  net::HeadBudget heads(limits.header_bytes_total_max);
  auto listener = runtime.network().listen({"127.0.0.1", 0});
  CHECK(listener, "listen");
  auto client = co_await runtime.network().connect(rt::Context::background(), (*listener)->local());
  CHECK(client, "connect");
  auto accepted = co_await (*listener)->accept(rt::Context::background());
  CHECK(accepted, "accept");
  {
    auto connection = net::make_http2_connection({runtime, echo, limits, heads}, {}, std::move(*accepted));
    rt::TaskGroup peer;
    peer.spawn(play((*client).get(), std::move(input)));
    co_await connection->run(rt::Context::background(), "");
    co_await peer.join();
  }
  CHECK(echo.running == 0, "every handler has returned");
  CHECK(heads.used() == 0, "what heads took is given back");
}

std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string out;
  for (const int shift : {16, 8, 0}) out += static_cast<char>(payload.size() >> shift & 0xff);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(stream >> shift & 0xff);
  return out.append(payload);
}

}  // namespace

void one(std::string_view input) {
  check_mask(input);
  check_screen(input);
  rt::testing::run_sim(session(std::string(input)), 1);
}

std::vector<std::string> seeds() {
  const std::string get =
                        "\x82\x87\x01\x01"
                        "a"
                        "\x84",
                    post =
                        "\x83\x87\x01\x01"
                        "a"
                        "\x04\x02/x";
  return {frame(1, 5, 1, get),
          frame(1, 4, 1, post) + frame(0, 1, 1, "body"),
          frame(1, 1, 1, get.substr(0, 2)) + frame(9, 4, 1, get.substr(2)),
          frame(1, 0x2d, 1, std::string("\2\0\0\0\0\x10", 6) + get + std::string(2, '\0')),
          frame(1, 5, 1, get) + frame(3, 0, 1, std::string("\0\0\0\x08", 4)),
          frame(4, 0, 0, std::string("\0\4\0\0\0\0", 6)) + frame(1, 4, 1, post),
          frame(8, 0, 0, std::string("\0\0\x10\0", 4)) + frame(6, 0, 0, "12345678") + frame(7, 0, 0, std::string(8, '\0')),
          frame(1, 1, 1, get) + frame(9, 0, 1, "\x40\x01x\x7f\x81\x08" + std::string(1152, 'v')) + frame(9, 4, 1, "\xbe\xbe"),
          frame(1, 1, 3, get + std::string("\x40\x01x\x7f\xff\xff\x07", 7)) + frame(9, 4, 3, std::string(3000, 'v'))};
}
std::vector<std::string> tokens() {
  return {frame(0, 0, 1, ""),
          frame(0, 1, 1, ""),
          frame(9, 0, 1, ""),
          frame(9, 4, 1, ""),
          frame(4, 0, 0, ""),
          frame(3, 0, 1, std::string("\0\0\0\x08", 4)),
          frame(1, 5, 3, "\x82\x87\x84"),
          "\x40",
          "\x7f\xff\xff\x7f",
          std::string("\0\0\0\1", 4),
          "\xbe"};
}

}  // namespace pintle::fuzz
