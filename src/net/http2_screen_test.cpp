// What Http2Screen lets through: the same bytes where nothing is wrong, shorter strings where one is too long, nothing of a flood.
#include "net/http2_screen.h"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <vector>

namespace pintle::net {
namespace {

constexpr uint8_t data_frame = 0, headers_frame = 1, settings_frame = 4, ping_frame = 6, continuation_frame = 9;
constexpr uint8_t end_stream = 1, end_headers = 4, padded = 8, priority = 0x20;

std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string out;
  for (int shift : {16, 8, 0}) out += static_cast<char>(payload.size() >> shift & 0xff);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (int shift : {24, 16, 8, 0}) out += static_cast<char>(stream >> shift & 0xff);
  return out.append(payload);
}

std::string size_of(std::size_t number) {
  std::string out;
  if (number < 127) return out += static_cast<char>(number);
  out += static_cast<char>(127);
  for (number -= 127; number >= 128; number >>= 7) out += static_cast<char>(number % 128 + 128);
  return out += static_cast<char>(number);
}
// A literal with incremental indexing, neither part Huffman coded.
std::string literal(const std::string& name, const std::string& value) {
  return "\x40" + size_of(name.size()) + name + size_of(value.size()) + value;
}

// A header block in frames of `piece` bytes.
std::string block_frames(uint32_t stream, std::string_view block, std::size_t piece) {
  std::string out;
  for (bool first = true; first || !block.empty(); first = false) {
    const auto part = block.substr(0, piece);
    block.remove_prefix(part.size());
    out += frame(first ? headers_frame : continuation_frame, static_cast<uint8_t>((first ? end_stream : 0) | (block.empty() ? end_headers : 0)),
                 stream, part);
  }
  return out;
}

struct Passed {
  std::string bytes;
  std::vector<uint32_t> shortened;
  Http2Screen::Verdict verdict = Http2Screen::Verdict::Good;
};
Passed play(std::string_view sent, std::size_t step, std::size_t block_bytes_max = 2 << 20, rt::Duration each = {}) {
  Passed out;
  Http2Screen screen(0, block_bytes_max);
  const Http2Screen::Output output{[&](std::string_view data) {
                                     out.bytes += data;
                                     return true;
                                   },
                                   [&](uint32_t stream) { out.shortened.push_back(stream); }};
  rt::TimePoint now{std::chrono::hours(1)};
  for (; !sent.empty() && out.verdict == Http2Screen::Verdict::Good; now += each) {
    out.verdict = screen.feed(sent.substr(0, step), now, output);
    sent.remove_prefix(std::min(step, sent.size()));
  }
  return out;
}

// The header blocks of what was passed, one string each, and that every frame is small enough.
std::vector<std::string> blocks(std::string_view bytes) {
  std::vector<std::string> out;
  while (bytes.size() >= 9) {
    const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])); };
    const std::size_t size = byte(0) << 16 | byte(1) << 8 | byte(2);
    EXPECT_LE(size, http2_frame_bytes_max);
    if (byte(3) == headers_frame) out.emplace_back();
    if (byte(3) == headers_frame || byte(3) == continuation_frame) out.back() += bytes.substr(9, size);
    bytes.remove_prefix(9 + size);
  }
  EXPECT_TRUE(bytes.empty());
  return out;
}

// "name=value " of each field, long values by their length; "bad" if HPACK objects.
std::string inflate(nghttp2_hd_inflater* inflater, std::string_view block) {
  std::string out;
  while (true) {
    nghttp2_nv nv;
    int flags = 0;
    const auto n = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, reinterpret_cast<const uint8_t*>(block.data()), block.size(), 1);
    if (n < 0) return "bad";
    block.remove_prefix(static_cast<std::size_t>(n));
    if (flags & NGHTTP2_HD_INFLATE_EMIT) {
      const std::string value(reinterpret_cast<const char*>(nv.value), nv.valuelen);
      out += std::string(reinterpret_cast<const char*>(nv.name), std::min<std::size_t>(nv.namelen, 20)) + "=" +
             (value.size() > 20 ? std::to_string(value.size()) + value[0] : value) + " ";
    }
    if (flags & NGHTTP2_HD_INFLATE_FINAL) break;
    if (!(flags & NGHTTP2_HD_INFLATE_EMIT) && block.empty()) break;
  }
  nghttp2_hd_inflate_end_headers(inflater);
  return out;
}
std::string inflate_all(const Passed& passed) {
  nghttp2_hd_inflater* inflater = nullptr;
  nghttp2_hd_inflate_new(&inflater);
  std::string out;
  for (const auto& block : blocks(passed.bytes)) out += inflate(inflater, block) + "| ";
  nghttp2_hd_inflate_del(inflater);
  return out;
}

TEST(Http2Screen, PassesWhatIsRight) {
  const std::string block = "\x82\x86" + literal("x-a", "b") + literal("x-long", std::string(40000, 'v')) + "\xbf";
  const std::string sent = frame(settings_frame, 0, 0, std::string("\0\3\0\0\0\1", 6)) + frame(headers_frame, end_headers, 1, "\x82\x86") +
                           frame(data_frame, end_stream, 1, std::string(5000, 'd')) + block_frames(3, block, 9000) +
                           frame(ping_frame, 0, 0, "12345678");
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, sent.size()}) {
    const Passed passed = play(sent, step);
    EXPECT_EQ(passed.verdict, Http2Screen::Verdict::Good);
    EXPECT_TRUE(passed.bytes == sent) << step;
    EXPECT_TRUE(passed.shortened.empty());
  }
}

TEST(Http2Screen, ShortensLongStringsAndKeepsTheTablesRight) {
  struct Case {
    const char* name;
    std::string block, want;
  };
  const std::string big(http2_field_bytes_max + 1, 'v'), most(http2_field_bytes_max, 'm');
  const std::vector<Case> table{
      {"value", literal("x-a", big), "x-a=4097x "},
      {"just small enough", literal("x-a", most), "x-a=65536m "},
      {"name", literal(big, "b"), "xxxxxxxxxxxxxxxxxxxx=b "},
      {"path by index", "\x04" + size_of(big.size()) + big, ":path=4097/ "},
      {"path by name", literal(":path", big), ":path=4097/ "},
      {"never indexed", std::string("\x10\x03x-a", 5) + size_of(200000) + std::string(200000, 'v') + "\x82", "x-a=4097x :method=GET "},
      {"Huffman flag", std::string("\x40\x03x-a\xff", 6) + size_of(100000).substr(1) + std::string(100000, '\x18'), "x-a=4097x "},
  };
  // What the table held before is gone, as for the peer, and what comes after is found.
  const std::string before = literal("x-old", "1"), after = literal("x-new", "2"), again = "\xbe";
  for (const auto& one : table)
    for (const std::size_t piece : {std::size_t{1} << 14, std::size_t{1000}, std::size_t{16383}}) {
      const std::string sent = frame(headers_frame, end_headers, 1, before) + block_frames(3, one.block, piece) +
                               frame(headers_frame, end_headers, 5, after) + frame(headers_frame, end_headers, 7, again);
      const Passed passed = play(sent, 5000);
      EXPECT_EQ(inflate_all(passed), "x-old=1 | " + one.want + "| x-new=2 | x-new=2 | ") << one.name << " " << piece;
      EXPECT_EQ(passed.shortened, one.name == std::string("just small enough") ? std::vector<uint32_t>{} : std::vector<uint32_t>{3}) << one.name;
    }
}

// Sizes of strings that are cut by the end of a frame, where the next one is full.
TEST(Http2Screen, CutsNothingWhereverTheFramesEnd) {
  const std::string block = literal("x-a", std::string(20000, 'v')) + literal("x-b", std::string(70000, 'w'));
  for (std::size_t first = 0; first < 12; ++first) {
    const std::string_view text = block;
    std::string sent = frame(headers_frame, 0, 1, text.substr(0, first));
    std::size_t at = first;
    for (; text.size() - at > http2_frame_bytes_max; at += http2_frame_bytes_max)
      sent += frame(continuation_frame, 0, 1, text.substr(at, http2_frame_bytes_max));
    sent += frame(continuation_frame, end_headers, 1, text.substr(at));
    EXPECT_EQ(inflate_all(play(sent, 4096)), "x-a=20000v x-b=4097x | ") << first;
  }
}

TEST(Http2Screen, PaddingIsDroppedAndPriorityKept) {
  const std::string depends("\0\0\0\0\x10", 5);
  const std::string sent = frame(headers_frame, padded | priority, 1, "\x03" + depends + "\x82" + std::string(3, '\0')) +
                           frame(continuation_frame, end_headers, 1, "\x86");
  EXPECT_EQ(play(sent, 3).bytes, frame(headers_frame, priority, 1, depends + "\x82") + frame(continuation_frame, end_headers, 1, "\x86"));
  const std::string wrong = frame(headers_frame, padded, 1, "\xff");  // as it came: nghttp2 says what is wrong
  EXPECT_EQ(play(wrong, 3).bytes, wrong);
}

TEST(Http2Screen, EndsFloods) {
  std::string pings, acks, empties, continuations = frame(headers_frame, 0, 1, "\x82");
  for (uint32_t i = 0; i <= http2_idle_frames_burst + 100; ++i) {
    pings += frame(ping_frame, 0, 0, "12345678");
    acks += frame(ping_frame, 1, 0, "12345678");
    empties += frame(data_frame, 0, 1, "");
  }
  for (std::size_t i = 0; i <= http2_continuations_max; ++i) continuations += frame(continuation_frame, 0, 1, "");
  EXPECT_EQ(play(pings, 1 << 16).verdict, Http2Screen::Verdict::Flood);
  EXPECT_EQ(play(empties, 1 << 16).verdict, Http2Screen::Verdict::Flood);
  EXPECT_EQ(play(continuations, 1 << 16).verdict, Http2Screen::Verdict::Flood);
  EXPECT_EQ(play(acks, 1 << 16).verdict, Http2Screen::Verdict::Good);
  EXPECT_EQ(play(pings, 17, 2 << 20, std::chrono::milliseconds(1)).verdict, Http2Screen::Verdict::Good);  // a thousand in a second
  EXPECT_EQ(play(block_frames(1, literal("x", std::string(50000, 'v')), 16000), 1 << 16, 32000).verdict, Http2Screen::Verdict::Flood);
}

}  // namespace
}  // namespace pintle::net
