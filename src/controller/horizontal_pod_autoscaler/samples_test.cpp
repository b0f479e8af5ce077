#include "controller/horizontal_pod_autoscaler/samples.h"

#include <gtest/gtest.h>

#include "codec/json.h"

namespace pintle::controller::horizontal_pod_autoscaler {
namespace {

codec::Value json(const std::string& text) { return codec::parse_json(text).value(); }

std::string text_of(const PodSamples& samples) {
  std::string out;
  for (const auto& [pod, sample] : samples)
    out += (out.empty() ? "" : " ") + pod + "=" + std::to_string(sample.milli) + "@" +
           std::to_string(sample.time.time_since_epoch() / std::chrono::seconds(1)) + "/" + std::to_string(sample.window / std::chrono::seconds(1));
  return out;
}
std::string pods_of(const std::string& items, std::string_view resource = "cpu", std::string_view container = "") {
  const auto usage = read_pod_usage(json(R"({"kind":"PodMetricsList","items":)" + items + "}"));
  return usage ? text_of(resource_samples(*usage, resource, container)) : usage.error().message;
}
std::string values_of(const std::string& items) {
  const auto values = read_metric_values(json(R"({"items":)" + items + "}"));
  return values ? text_of(pod_samples(*values)) : values.error().message;
}

TEST(Samples, OfPods) {
  const std::string two = R"([{"metadata":{"name":"a"},"timestamp":"1970-01-01T00:01:00Z","window":"30s","containers":[
    {"name":"x","usage":{"cpu":"100m","memory":"1Ki"}},{"name":"y","usage":{"cpu":"1"}}]}])";
  EXPECT_EQ(pods_of(two), "a=1100@60/30");
  EXPECT_EQ(pods_of(two, "cpu", "y"), "a=1000@60/30");
  EXPECT_EQ(pods_of(two, "cpu", "z"), "");
  EXPECT_EQ(pods_of(two, "memory"), "") << "one of its containers has no such figure";
  EXPECT_EQ(pods_of(two, "memory", "x"), "a=1024000@60/30");
  EXPECT_EQ(pods_of("null"), "");
  EXPECT_EQ(pods_of(R"([{"metadata":{"name":"a"}}])"), "") << "no containers";
  EXPECT_EQ(
      pods_of(R"([{"metadata":{"name":"a"},"containers":[{"usage":{"cpu":1}}]},{"metadata":{"name":"a"},"containers":[{"usage":{"cpu":2.5}}]}])"),
      "a=2500@0/0")
      << "the last of two counts";
  EXPECT_EQ(pods_of(R"([{"metadata":{"name":"a"},"containers":[{"usage":{"cpu":"9E"}},{"usage":{"cpu":"9E"}}]}])"), "a=9223372036854775807@0/0");
  EXPECT_EQ(pods_of(R"([{"metadata":{"name":"a"},"containers":[{"usage":{"cpu":"-1"}}]}])"), "a=-1000@0/0");
}

TEST(Samples, OfWhatIsNoList) {
  EXPECT_EQ(pods_of("7"), "items: no list");
  EXPECT_EQ(pods_of("[7]"), "items: an element is no object");
  EXPECT_EQ(pods_of(R"([{},{"timestamp":7}])"), "items[1]: timestamp: a time is a text");
  EXPECT_TRUE(pods_of(R"([{"timestamp":"soon"}])").starts_with("items[0]: timestamp: "));
  EXPECT_TRUE(pods_of(R"([{"window":"wide"}])").starts_with("items[0]: window: "));
  EXPECT_EQ(pods_of(R"([{"containers":{}}])"), "items[0]: containers: no list");
  EXPECT_EQ(pods_of(R"([{"containers":[{"usage":7}]}])"), "items[0]: containers: usage: no object");
  EXPECT_EQ(pods_of(R"([{"containers":[{"usage":{"cpu":true}}]}])"), "items[0]: containers: usage.cpu: a quantity is a text or a number");
  EXPECT_TRUE(pods_of(R"([{"containers":[{"usage":{"cpu":"much"}}]}])").starts_with("items[0]: containers: usage.cpu: "));
  EXPECT_EQ(read_pod_usage(json("[]")).error().message, "no list");
}

TEST(Samples, NoMoreThanTheirLimits) {
  const auto list_of = [](std::size_t count, const std::string& element) {
    std::string out = "[";
    for (std::size_t i = 0; i < count; ++i) out += (i > 0 ? "," : "") + element;
    return out + "]";
  };
  EXPECT_EQ(pods_of(list_of(samples_max, "{}")), "");
  EXPECT_EQ(pods_of(list_of(samples_max + 1, "{}")), "items: more than 200000 elements");
  EXPECT_EQ(pods_of(R"([{"containers":)" + list_of(containers_max + 1, "{}") + "}]"), "items[0]: containers: more than 1000 elements");
  std::string usage = "{";
  for (std::size_t i = 0; i <= container_values_max; ++i) usage += (i > 0 ? ",\"r" : "\"r") + std::to_string(i) + "\":\"1\"";
  EXPECT_EQ(pods_of(R"([{"containers":[{"usage":)" + usage + "}}]}]"), "items[0]: containers: usage: more than 64 resources");
}

TEST(Samples, OfCustomAndExternalMetrics) {
  EXPECT_EQ(values_of(R"([{"describedObject":{"kind":"Pod","name":"a"},"timestamp":"1970-01-01T00:01:00Z","value":"1500m"}])"), "a=1500@60/60");
  EXPECT_EQ(values_of(R"([{"describedObject":{"name":"a"},"windowSeconds":10,"value":"2"}])"), "a=2000@0/10") << "v1beta2";
  EXPECT_EQ(values_of(R"([{"describedObject":{"name":"a"},"window":20,"value":"2"}])"), "a=2000@0/20") << "v1beta1";
  EXPECT_EQ(values_of(R"([{"value":"2k"},{}])"), "=0@0/60");
  EXPECT_TRUE(values_of(R"([{"value":"much"}])").starts_with("items[0]: value: "));
}

}  // namespace
}  // namespace pintle::controller::horizontal_pod_autoscaler
