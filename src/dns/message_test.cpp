#include "dns/message.h"

#include <gtest/gtest.h>

#include "dns/address.h"
#include "dns/cache.h"
#include "dns/reply.h"
#include "dns/resolv_conf.h"
#include "dns/testing.h"

namespace pintle::dns {
namespace {

TEST(Name, TextAndBack) {
  const struct {
    std::string text, back;
  } rows[] = {{"www.example.com", "www.example.com."},
              {"a.", "a."},
              {"", "."},
              {".", "."},
              {"a..b", ""},
              {std::string(64, 'x'), ""},
              {"a b.c", "a\\032b.c."}};
  for (const auto& row : rows) {
    const auto name = make_name(row.text);
    EXPECT_EQ(name ? to_text(*name) : "", row.back) << row.text;
  }
  std::string longest;
  for (int i = 0; i < 63; ++i) longest += "abc.";
  EXPECT_TRUE(make_name(longest).has_value());
  EXPECT_FALSE(make_name(longest + "abc").has_value());
}

TEST(Name, Within) {
  const auto within = [](std::string_view name, std::string_view zone) { return is_within(*make_name(name), *make_name(zone)); };
  EXPECT_TRUE(within("a.b", "b"));
  EXPECT_TRUE(within("b", "b"));
  EXPECT_TRUE(within("b", "."));
  EXPECT_FALSE(within("ab", "b"));
  EXPECT_FALSE(within("b", "a.b"));
  // The bytes of a zone inside a label are not the zone.
  EXPECT_FALSE(is_within(std::string("\5xx\1b\0\0", 7), *make_name("b")));
}

void check_name(std::string_view message, std::size_t at, std::string_view want, std::size_t behind) {
  const auto name = read_name(message, at);
  EXPECT_EQ(name ? to_text(*name) : "-", want);
  if (name) {
    EXPECT_EQ(at, behind);
  }
}
TEST(Name, PointersGoBackwards) {
  using namespace std::string_view_literals;
  check_name("\1a\0\1b\xC0\0"sv, 3, "b.a.", 7);
  check_name("\1a\0\xC0\0\xC0\3"sv, 5, "a.", 7);
  check_name("\xC0\0"sv, 0, "-", 0);        // itself
  check_name("\xC0\2\xC0\0"sv, 0, "-", 0);  // forwards
  check_name("\1a\xC0\0"sv, 0, "-", 0);     // a loop
  check_name("\1a"sv, 0, "-", 0);
  check_name("\xC0"sv, 0, "-", 0);
  check_name("\5ab\0"sv, 0, "-", 0);
  check_name("\x41"sv, 0, "-", 0);  // a reserved label type
}

TEST(Query, Parse) {
  const auto outcome = [](std::string packet) {
    const ParsedQuery parsed = parse_query(packet);
    return parsed.outcome == Parsed::Drop ? "drop" : parsed.outcome == Parsed::Query ? "query" : rcode_name(parsed.rcode);
  };
  const std::string good = testing::query_packet("www.example.com", type::A, 7, 4096);
  EXPECT_EQ(outcome(good), "query");
  const ParsedQuery parsed = parse_query(good);
  EXPECT_TRUE(parsed.query.edns);
  EXPECT_EQ(parsed.query.udp_bytes, udp_bytes_max);
  EXPECT_EQ(parse_query(testing::query_packet("a", type::A, 7, 100)).query.udp_bytes, plain_udp_bytes);
  EXPECT_EQ(outcome(""), "drop");
  EXPECT_EQ(outcome(good.substr(0, 11)), "drop");
  std::string changed = good;
  changed[2] = '\x81';
  EXPECT_EQ(outcome(changed), "drop");  // a reply
  changed[2] = '\x20';
  EXPECT_EQ(outcome(changed), "NOTIMP");
  changed = good;
  changed[5] = 2;
  EXPECT_EQ(outcome(changed), "FORMERR");
  changed = good;
  changed[good.size() - 5] = 1;  // the EDNS version, in the OPT record's ttl
  EXPECT_EQ(outcome(changed), "BADVERS");
  for (std::size_t size = 12; size < good.size(); ++size) EXPECT_EQ(outcome(good.substr(0, size)), "FORMERR") << size;
}

TEST(Address, ReverseAndDashed) {
  const auto reverse = [](std::string_view name) {
    const auto address = address_of_reverse_name(*make_name(name));
    return address ? address->to_string() : "-";
  };
  EXPECT_EQ(reverse("4.3.2.1.in-addr.arpa"), "1.2.3.4");
  EXPECT_EQ(reverse("256.3.2.1.in-addr.arpa"), "-");
  EXPECT_EQ(reverse("3.2.1.in-addr.arpa"), "-");
  EXPECT_EQ(reverse("x.ip6.arpa"), "-");
  for (const char* text : {"10.0.0.1", "fd00::1", "2001:db8:1:2:3:4:5:6"}) EXPECT_EQ(parse_dashed(dashed(text))->to_string(), text);
  for (const char* label : {"10-0-0", "10-0-0-256", "10-0-0-01", "db-0", ""}) EXPECT_FALSE(parse_dashed(label)) << label;
}

Question question(std::string_view name, uint16_t t) { return {*make_name(name), t, false, false}; }

// What a client that asked for `name` is sent of a reply.
std::string written_again(const Reply& reply, std::string_view name, uint32_t age_seconds, uint32_t ttl_max_seconds) {
  const std::string client = testing::query_packet(name, type::A, 77);
  const ParsedQuery parsed = parse_query(client);
  Writer writer(parsed.query, 512);
  write_reply(reply, age_seconds, ttl_max_seconds, false, writer);
  return testing::show(writer.finish());
}

TEST(Reply, TakenApartAndWrittenAgain) {
  const Question asked = question("www.example.com", type::A);
  const std::string packet = testing::reply_packet("www.example.com", type::A, 9, 0,
                                                   "answer www.example.com 300 CNAME web.example.com;answer web.example.com 20 A 192.0.2.1");
  EXPECT_EQ(parse_reply(packet, asked, 8), nullptr);
  EXPECT_EQ(parse_reply(packet, question("example.com", type::A), 9), nullptr);
  EXPECT_EQ(parse_reply(packet, question("www.example.com", type::AAAA), 9), nullptr);
  EXPECT_EQ(parse_reply(testing::query_packet("www.example.com", type::A, 9), asked, 9), nullptr);
  for (std::size_t size = 0; size < packet.size(); ++size) EXPECT_EQ(parse_reply(packet.substr(0, size), asked, 9), nullptr) << size;
  const ReplyPtr reply = parse_reply(packet, asked, 9);
  ASSERT_NE(reply, nullptr);
  EXPECT_EQ(reply->ttl_seconds, 20u);
  EXPECT_FALSE(reply->negative);
  EXPECT_EQ(written_again(*reply, "WWW.example.com", 5, 30),
            "NOERROR; answer WWW.example.com. 25 CNAME web.example.com.; answer web.example.com. 15 A 192.0.2.1");
}

// A name whose end repeats a part of itself points to no place in itself.
TEST(Reply, NamesOfRepeatedLabelsAreWritten) {
  const std::string packet =
      testing::reply_packet("a", type::A, 9, 0, "answer b.b 300 A 192.0.2.1;answer c.b.b 300 A 192.0.2.2;answer b.b.b 300 A 192.0.2.3");
  const ReplyPtr reply = parse_reply(packet, question("a", type::A), 9);
  ASSERT_NE(reply, nullptr);
  EXPECT_EQ(written_again(*reply, "a", 0, 300), "NOERROR; answer b.b. 300 A 192.0.2.1; answer c.b.b. 300 A 192.0.2.2; answer b.b.b. 300 A 192.0.2.3");
}

// An SOA record's two names, made whole, take more than a record's length can say.
TEST(Reply, DataThatGrowsPastARecordIsMalformed) {
  std::string packet = testing::reply_packet("a", type::A, 9, 0, "");
  packet[7] = 1;
  const std::size_t owner_at = packet.size();
  for (int i = 0; i < 4; ++i) packet += static_cast<char>(50) + std::string(50, 'x');
  packet += '\0';
  put_u16(packet, type::SOA);
  put_u16(packet, class_in);
  put_u32(packet, 60);
  put_u16(packet, static_cast<uint16_t>(message_bytes_max - packet.size() - 2));
  for (int i = 0; i < 2; ++i) put_u16(packet, static_cast<uint16_t>(0xC000 | owner_at));
  packet.resize(message_bytes_max);
  EXPECT_EQ(parse_reply(packet, question("a", type::A), 9), nullptr);
}

TEST(Cache, TimeAndLimits) {
  using namespace std::chrono_literals;
  Cache cache({.entries_max = 3, .bytes_max = 10'000, .ttl_min_seconds = 5, .ttl_max_seconds = 30});
  const auto reply = [](std::string_view lines, uint16_t code) {
    return parse_reply(testing::reply_packet("a", type::A, 1, code, lines), question("a", type::A), 1);
  };
  const rt::TimePoint start{};
  cache.put("long", reply("answer a 300 A 192.0.2.1", 0), start);
  cache.put("short", reply("answer a 1 A 192.0.2.1", 0), start);
  cache.put("denied", reply("authority . 60 SOA 10", rcode::NxDomain), start);
  cache.put("unsure", reply("", rcode::NxDomain), start);
  cache.put("failed", reply("", rcode::ServFail), start);
  EXPECT_EQ(cache.size(), 3u);
  EXPECT_EQ(cache.find("long", start + 7s).age_seconds, 7u);
  EXPECT_NE(cache.find("short", start + 4s).reply, nullptr);
  EXPECT_EQ(cache.find("short", start + 5s).reply, nullptr);
  EXPECT_NE(cache.find("denied", start + 9s).reply, nullptr);
  EXPECT_EQ(cache.find("denied", start + 10s).reply, nullptr);
  EXPECT_NE(cache.find("long", start + 29s).reply, nullptr);
  EXPECT_EQ(cache.find("long", start + 30s).reply, nullptr);
  EXPECT_EQ(cache.bytes(), 0u);
  for (const char* key : {"1", "2", "3"}) cache.put(key, reply("answer a 300 A 192.0.2.1", 0), start);
  EXPECT_NE(cache.find("1", start).reply, nullptr);
  cache.put("4", reply("answer a 300 A 192.0.2.1", 0), start);
  EXPECT_EQ(cache.find("2", start).reply, nullptr);  // the least recently used
  EXPECT_NE(cache.find("1", start).reply, nullptr);
}

TEST(ResolvConf, NameServers) {
  const auto servers =
      parse_resolv_conf("# x\nnameserver 10.0.0.1 # c\n nameserver\tfd00::1\r\nnameserver nonsense\nsearch a b\nnameserver fe80::1%eth0");
  ASSERT_EQ(servers.size(), 3u);
  EXPECT_EQ(rt::to_string(servers[0]), "10.0.0.1:53");
  EXPECT_EQ(rt::to_string(servers[1]), "[fd00::1]:53");
  EXPECT_EQ(servers[2].address, "fe80::1%eth0");
  const auto upstream = [](std::string_view text) {
    const auto server = parse_upstream(text);
    return server ? rt::to_string(*server) : "-";
  };
  EXPECT_EQ(upstream("10.0.0.1"), "10.0.0.1:53");
  EXPECT_EQ(upstream("10.0.0.1:5353"), "10.0.0.1:5353");
  EXPECT_EQ(upstream("[fd00::1]:54"), "[fd00::1]:54");
  EXPECT_EQ(upstream("fd00::1"), "[fd00::1]:53");
  for (const char* text : {"", "x", "10.0.0.1:0", "10.0.0.1:70000", "10.0.0.1:5x", "[fd00::1"}) EXPECT_EQ(upstream(text), "-") << text;
}

}  // namespace
}  // namespace pintle::dns
