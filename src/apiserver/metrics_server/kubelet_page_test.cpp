#include "apiserver/metrics_server/kubelet_page.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace pintle::apiserver::metrics_server {
namespace {

constexpr int64_t now_ms = 1'700'000'000'000;

Result<KubeletPage> read_page(std::string_view text, std::size_t piece) {
  KubeletPageReader reader(now_ms);
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) TRY(reader.feed(text.substr(0, piece)));
  return reader.finish();
}

std::string shown_page(const Point& point) {
  return fmt::format("{}+{} {} {} {}", point.time_ms, point.start_ms, point.cpu_ns, point.memory_bytes, point.swap_bytes);
}

// "node TIME+START CPU MEMORY SWAP; ns/pod/container ..."; or what was wrong.
std::string shown_page(const Result<KubeletPage>& page) {
  if (!page) return page.error().message;
  std::string out = page->node ? "node " + shown_page(*page->node) : "";
  for (const auto& one : page->containers) out += fmt::format("; {}/{}/{} {}", one.ns, one.pod, one.container, shown_page(one.point));
  return out;
}

void check_page(std::string_view text, std::string_view want) {
  for (const std::size_t piece : {text.size() + 1, std::size_t{1}, std::size_t{7}}) EXPECT_EQ(shown_page(read_page(text, piece)), want) << text;
}

// Samples of one container.
std::string samples_of(std::string_view labels, std::string_view cpu, std::string_view memory) {
  return fmt::format("container_cpu_usage_seconds_total{{{0}}} {1}\ncontainer_memory_working_set_bytes{{{0}}} {2}\n", labels, cpu, memory);
}
constexpr std::string_view web = R"(container="c",namespace="a",pod="web")";

TEST(KubeletPage, OfAKubelet) {
  std::string page;
  for (const char* line : {
           "# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container in core-seconds",
           "# TYPE container_cpu_usage_seconds_total counter",
           R"(container_cpu_usage_seconds_total{container="c1",namespace="default",pod="web-1"} 4.710169 1633253812125)",
           R"(container_cpu_usage_seconds_total{container="c0",namespace="default",pod="web-1"} 1e-3 1633253812125)",
           R"(container_memory_working_set_bytes{container="c0",namespace="default",pod="web-1"} 1.253376e+07 1633253812126)",
           R"(container_memory_working_set_bytes{container="c1",namespace="default",pod="web-1"} 4096 1633253812126)",
           R"(container_start_time_seconds{container="c1",namespace="default",pod="web-1"} 1.633253801125e+09)",
           R"(container_swap_usage_bytes{container="c1",namespace="default",pod="web-1"} 8192 1633253812126)",
           "node_cpu_usage_seconds_total 357.35491 1633253809720",
           "node_memory_working_set_bytes 1.616273408e+09 1633253809720",
           R"(pod_cpu_usage_seconds_total{namespace="default",pod="web-1"} 4.711169 1633253812125)",
           "resource_scrape_error 0",
       })
    (page += line) += '\n';
  check_page(page,
             "node 1633253809720+0 357354910000 1616273408 0; default/web-1/c0 1633253812125+0 1000000 12533760 0; "
             "default/web-1/c1 1633253812125+1633253801125 4710169000 4096 8192");
}

TEST(KubeletPage, TheTextForm) {
  const std::string told = "; a/web/c 1700000000000+0 2000000000 3 0";
  check_page("", "");
  check_page("\n \n# nothing\n", "");
  check_page(samples_of(web, "2", "3"), told);
  check_page(
      "  container_cpu_usage_seconds_total \t { container = \"c\" , pod=\"web\",namespace=\"a\", } +2.0\r\n"
      "container_memory_working_set_bytes{pod=\"web\",other=\"x\\\"}\\\\\",namespace=\"a\",container=\"c\"} 3",
      told);
  check_page("container_cpu_usage_seconds_totals 1\nother{unfinished\n{}\n\x01\xff\n", "");
  check_page("node_cpu_usage_seconds_total 1 5\nnode_memory_working_set_bytes 2\n", "node 5+0 1000000000 2 0");
  for (const char* odd :
       {"node_cpu_usage_seconds_total", "node_cpu_usage_seconds_total x", "node_cpu_usage_seconds_total 1 x", "node_cpu_usage_seconds_total 1 2 3",
        "node_cpu_usage_seconds_total{ 1", "node_cpu_usage_seconds_total{a} 1", "node_cpu_usage_seconds_total{a=b} 1",
        "node_cpu_usage_seconds_total{a=\"b} 1", "node_cpu_usage_seconds_total{a=\"b\" c=\"d\"} 1", "node_cpu_usage_seconds_total{=\"b\"} 1",
        "node_cpu_usage_seconds_total{a=\"b\\", "node_cpu_usage_seconds_total 0x10", "node_cpu_usage_seconds_total 1 1.5"})
    check_page(std::string("# first\n") + odd + "\n", "line 2 of the page is no sample");
}

TEST(KubeletPage, WhatCannotBeIsNotTold) {
  for (const char* cpu : {"NaN", "+Inf", "-Inf", "-1", "1e300", "1e999", "0"}) check_page(samples_of(web, cpu, "3"), "");
  for (const char* memory : {"NaN", "-5", "1e19", "0"}) check_page(samples_of(web, "2", memory), "");
  for (const char* time : {"0", "-1", "253402300800000"}) check_page(samples_of(web, std::string("2 ") + time, "3"), "");
  check_page("node_cpu_usage_seconds_total NaN\nnode_memory_working_set_bytes 2\n", "");
  check_page("node_cpu_usage_seconds_total 1\n", "");
  check_page("container_start_time_seconds{" + std::string(web) + "} 1e12\n" + samples_of(web, "2", "3"), "; a/web/c 1700000000000+0 2000000000 3 0");
}

TEST(KubeletPage, APodIsToldWholeOrNotAtAll) {
  const std::string half = "container_cpu_usage_seconds_total{container=\"d\",namespace=\"a\",pod=\"web\"} 1\n";
  check_page(samples_of(web, "2", "3") + half, "");
  check_page(
      samples_of(R"(container="c",namespace="a",pod="wea")", "2", "3") + half + samples_of(R"(container="c",namespace="b",pod="web")", "2", "3"),
      "; a/wea/c 1700000000000+0 2000000000 3 0; b/web/c 1700000000000+0 2000000000 3 0");
}

TEST(KubeletPage, NamesAreThoseOfObjects) {
  const std::string longest(63, 'n');
  for (const std::string& labels :
       {std::string(R"(container="",namespace="a",pod="web")"), std::string(R"(namespace="a",pod="web")"),
        std::string(R"(container="c",namespace="a/b",pod="web")"), std::string(R"(container="c\n",namespace="a",pod="web")"),
        std::string(R"(container="<b>",namespace="a",pod="web")"), std::string(R"(container="C",namespace="a",pod="web")"),
        R"(container="c",pod="web",namespace="n)" + longest + "\"", R"(container="c",namespace="a",pod=")" + std::string(254, 'p') + "\""})
    check_page(samples_of(labels, "2", "3"), "");
  check_page(samples_of(R"(container="c",pod="web.x",namespace=")" + longest + "\"", "2", "3"),
             "; " + longest + "/web.x/c 1700000000000+0 2000000000 3 0");
}

TEST(KubeletPage, IsBounded) {
  std::string many;
  for (std::size_t i = 0; i < page_containers_max; ++i) many += samples_of(fmt::format(R"(container="c{}",namespace="a",pod="web")", i), "2", "3");
  const auto most = read_page(many, 1 << 16);
  ASSERT_TRUE(most) << most.error().message;
  EXPECT_EQ(most->containers.size(), page_containers_max);
  EXPECT_EQ(shown_page(read_page(many + samples_of(web, "2", "3"), 1 << 16)), "the page has more than 8192 containers");
  EXPECT_EQ(read_page(many + samples_of(web, "2", "3"), 1 << 16).error().reason, Reason::RequestEntityTooLarge);

  const std::string line(line_bytes_max + 1, 'x');
  check_page(line + "\n", "the page has more than 4096 bytes in a line");
  check_page(line, "the page has more than 4096 bytes in a line");
  check_page("#" + line + line + "\n" + samples_of(web, "2", "3"), "; a/web/c 1700000000000+0 2000000000 3 0");
  EXPECT_EQ(shown_page(read_page(std::string(page_bytes_max, '\n'), 1 << 16)), "");
  EXPECT_EQ(shown_page(read_page(std::string(page_bytes_max + 1, '\n'), 1 << 16)), "the page has more than 16777216 bytes");
}

}  // namespace
}  // namespace pintle::apiserver::metrics_server
