#include "apiserver/metrics_server/node_samples.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace pintle::apiserver::metrics_server {
namespace {

constexpr rt::Duration resolution = std::chrono::seconds(15);
constexpr uint64_t ms = 1'000'000;  // of processor time

KubeletPage page(std::vector<ContainerPoint> containers) {
  KubeletPage out;
  out.containers = std::move(containers);
  return out;
}

std::string shown(const Usage& usage) {
  return fmt::format("@{}-{} {}n {} {}", usage.time_ms - usage.window_ms, usage.time_ms, usage.cpu_nanocores, usage.memory_bytes, usage.swap_bytes);
}
std::string shown(const NodeSamples& samples, std::string_view ns, std::string_view pod) {
  std::string out;
  for (const auto& [name, usage] : samples.pod(ns, pod)) out += fmt::format("{} {};", name, shown(usage));
  return out;
}

// What is told of a container after these points of it, one page each.
void check(const std::vector<Point>& points, std::string_view want) {
  NodeSamples samples;
  const NodeSamples* before = nullptr;
  for (const Point& point : points) {
    NodeSamples next(before, page({{"a", "web", "c", point}}), resolution);
    samples = std::move(next);
    before = &samples;
  }
  EXPECT_EQ(shown(samples, "a", "web"), want);
}

TEST(NodeSamples, ARateNeedsTwoMoments) {
  constexpr int64_t start = 100'000;
  const Point first{200'000, start, 5'000 * ms, 10, 1}, second{215'000, start, 6'500 * ms, 20, 2};
  check({first}, "");
  check({first, second}, "c @200000-215000 100000000n 20 2;");
  check({first, second, {230'000, start, 6'500 * ms, 5, 0}}, "c @215000-230000 0n 5 0;");
  check({first, {200'001, start, 5'001 * ms, 10, 1}}, "c @200000-200001 1000000000n 10 1;");
  check({{200'000, 0, 5'000 * ms, 10, 0}, {215'000, 0, 6'500 * ms, 20, 0}}, "c @200000-215000 100000000n 20 0;");  // its start is not told
}

TEST(NodeSamples, TheSameMomentTwiceKeepsTheEarlierOne) {
  constexpr int64_t start = 100'000;
  const Point first{200'000, start, 5'000 * ms, 10, 0}, second{215'000, start, 6'500 * ms, 20, 0};
  check({first, second, second}, "c @200000-215000 100000000n 20 0;");
  check({first, first}, "");
  check({first, second, {207'500, start, 5'750 * ms, 30, 0}}, "c @200000-207500 100000000n 30 0;");
  check({first, second, {200'000, start, 5'000 * ms, 30, 0}}, "");
}

TEST(NodeSamples, ARestartBeginsAnew) {
  const Point before{200'000, 100'000, 5'000 * ms, 10, 0};
  check({before, {230'000, 210'000, 100 * ms, 20, 0}}, "");
  check({before, {230'000, 210'000, 9'000 * ms, 20, 0}}, "");
  check({before, {230'000, 210'000, 100 * ms, 20, 0}, {245'000, 210'000, 400 * ms, 20, 0}}, "c @230000-245000 20000000n 20 0;");
  check({before, {215'000, 200'000, 6'000 * ms, 20, 0}}, "");                                   // restarted at that moment
  check({before, {215'000, 99'000, 6'000 * ms, 20, 0}}, "");                                    // starts do not move back
  check({before, {215'000, 100'000, 4'000 * ms, 20, 0}}, "");                                   // nor does what was used
  check({before, {190'000, 100'000, 4'000 * ms, 20, 0}}, "");                                   // nor time
  check({before, {215'000, 100'500, 6'500 * ms, 20, 0}}, "c @200000-215000 100000000n 20 0;");  // seconds, rounded otherwise
}

TEST(NodeSamples, AFreshContainerIsToldOfSinceItsStart) {
  check({{110'000, 100'000, 1'000 * ms, 10, 0}}, "c @100000-110000 100000000n 10 0;");
  check({{114'999, 100'000, 1'000 * ms, 10, 0}}, "c @100000-114999 66671111n 10 0;");
  check({{109'999, 100'000, 1'000 * ms, 10, 0}}, "");
  check({{115'000, 100'000, 1'000 * ms, 10, 0}}, "");
  check({{99'000, 100'000, 1'000 * ms, 10, 0}}, "");
}

TEST(NodeSamples, APodIsToldOfWithAllItsContainers) {
  constexpr int64_t start = 100'000;
  const NodeSamples first(nullptr, page({{"a", "web", "c", {200'000, start, 1'000 * ms, 1, 0}}}), resolution);
  const NodeSamples second(&first,
                           page({{"a", "web", "b", {215'000, 214'000, 1 * ms, 1, 0}},
                                 {"a", "web", "c", {215'000, start, 2'500 * ms, 2, 0}},
                                 {"a", "web-2", "c", {215'000, start, 2'500 * ms, 2, 0}},
                                 {"b", "web", "c", {215'000, start, 2'500 * ms, 2, 0}}}),
                           resolution);
  EXPECT_EQ(shown(second, "a", "web"), "") << "b has been seen once";
  const NodeSamples third(&second,
                          page({{"a", "web", "b", {230'000, 214'000, 151 * ms, 1, 0}},
                                {"a", "web", "c", {230'000, start, 2'500 * ms, 2, 0}},
                                {"b", "web", "c", {230'000, start, 4'000 * ms, 2, 0}}}),
                          resolution);
  EXPECT_EQ(shown(third, "a", "web"), "b @215000-230000 10000000n 1 0;c @215000-230000 0n 2 0;");
  EXPECT_EQ(shown(third, "b", "web"), "c @215000-230000 100000000n 2 0;");
  EXPECT_EQ(shown(third, "a", "web-2"), "") << "it is gone";
  for (const auto& [ns, pod] : {std::pair{"", ""}, {"a", "we"}, {"aw", "eb"}, {"c", "web"}}) EXPECT_EQ(shown(third, ns, pod), "");
  EXPECT_EQ(third.containers(), 3U);
}

TEST(NodeSamples, OfTheNode) {
  KubeletPage first, second, less;
  first.node = Point{200'000, 0, 50'000 * ms, 1 << 20, 4096};
  second.node = Point{215'000, 0, 51'500 * ms, 2 << 20, 0};
  less.node = Point{230'000, 0, 1'000 * ms, 1, 0};  // it was started anew
  const NodeSamples one(nullptr, first, resolution);
  EXPECT_FALSE(one.node());
  const NodeSamples two(&one, second, resolution), again(&two, second, resolution), none(&two, {}, resolution), reset(&two, less, resolution);
  EXPECT_EQ(shown(*two.node()), "@200000-215000 100000000n 2097152 0");
  EXPECT_EQ(shown(*again.node()), "@200000-215000 100000000n 2097152 0");
  EXPECT_FALSE(none.node());
  EXPECT_FALSE(reset.node());
}

// What 150,000 pods of two containers cost follows from this.
TEST(NodeSamples, BytesOfAContainer) {
  std::vector<ContainerPoint> containers;
  for (int i = 0; i < 110; ++i)
    for (const char* name : {"app", "sidecar"}) containers.push_back({"default", fmt::format("web-7d9c6b5f4-{:05}", i), name, {200'000, 1, 1, 1, 0}});
  std::ranges::sort(containers, {}, [](const auto& one) { return std::tie(one.pod, one.container); });
  const NodeSamples samples(nullptr, page(containers), resolution);
  EXPECT_EQ(samples.containers(), 220U);
  EXPECT_LT(samples.bytes() / samples.containers(), 100U) << samples.bytes();
  RecordProperty("bytes_of_a_container", static_cast<int>(samples.bytes() / samples.containers()));
}

}  // namespace
}  // namespace pintle::apiserver::metrics_server
