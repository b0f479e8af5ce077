#include "scheduler/config/config.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace pintle::scheduler::config {
namespace {

constexpr std::string_view head = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";

std::vector<std::string> names(const std::vector<PhaseEntry>& entries) {
  std::vector<std::string> out;
  for (const PhaseEntry& entry : entries) out.push_back(entry.name);
  return out;
}

void check_refused(std::string_view body, std::string_view message) {
  const auto parsed = parse_config(std::string(head) + std::string(body));
  ASSERT_FALSE(parsed.has_value()) << body;
  EXPECT_NE(parsed.error().message.find(message), std::string::npos) << parsed.error().message;
}

TEST(SchedulerConfig, Defaults) {
  const auto parsed = parse_config(head);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_TRUE(parsed->leader_elect);
  ASSERT_EQ(parsed->profiles.size(), 1u);
  EXPECT_EQ(names(parsed->profiles[0].multi_point), names(default_config().profiles[0].multi_point));
  EXPECT_EQ(parsed->profiles[0].multi_point.front().name, "SchedulingGates");
}

TEST(SchedulerConfig, ProfilesEnableAndDisable) {
  const auto parsed = parse_config(std::string(head) + R"(
leaderElection: {leaderElect: false, leaseDuration: 30s}
percentageOfNodesToScore: 40
podInitialBackoffSeconds: 2
profiles:
- schedulerName: packing
  percentageOfNodesToScore: 100
  plugins:
    multiPoint:
      disabled: [{name: ImageLocality}, {name: DynamicResources}]
      enabled: [{name: TaintToleration, weight: 7}]
    score:
      disabled: [{name: "*"}]
      enabled: [{name: NodeResourcesFit, weight: 5}]
  pluginConfig:
  - name: NodeResourcesFit
    args: {scoringStrategy: {type: MostAllocated}}
- schedulerName: plain
)");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_FALSE(parsed->leader_elect);
  EXPECT_EQ(parsed->lease_duration, std::chrono::seconds(30));
  EXPECT_EQ(parsed->pod_initial_backoff, std::chrono::seconds(2));
  EXPECT_EQ(parsed->percentage_of_nodes_to_score, 40);
  ASSERT_EQ(parsed->profiles.size(), 2u);
  const ProfileSpec& packing = parsed->profiles[0];
  EXPECT_EQ(packing.percentage_of_nodes_to_score, 100);
  const auto kept = names(packing.multi_point);
  EXPECT_EQ(std::ranges::count(kept, "ImageLocality"), 0);
  const auto taints = std::ranges::find(packing.multi_point, "TaintToleration", &PhaseEntry::name);
  EXPECT_EQ(taints->weight, 7);
  EXPECT_EQ(names(packing.phases[static_cast<std::size_t>(Phase::Score)].enabled), std::vector<std::string>{"NodeResourcesFit"});
  EXPECT_NE(packing.args.at("NodeResourcesFit").find("MostAllocated"), std::string::npos);
}

TEST(SchedulerConfig, IsShownWhole) {
  EXPECT_NE(default_config().effective_json.find(R"("parallelism":16)"), std::string::npos) << default_config().effective_json;
  const auto config =
      parse_config(std::string(head) + "podMaxBackoffSeconds: 20\nextenders: [{urlPrefix: http://x, tlsConfig: {keyData: c2VjcmV0}}]\n");
  EXPECT_EQ(config->effective_json.find("c2VjcmV0"), std::string::npos) << "keys are nobody's business";
  EXPECT_NE(config->effective_json.find(R"("podMaxBackoffSeconds":20)"), std::string::npos) << config->effective_json;
  EXPECT_NE(config->effective_json.find(R"("urlPrefix":"http://x")"), std::string::npos) << config->effective_json;
}

TEST(SchedulerConfig, NamesWhatDoesNothing) {
  EXPECT_TRUE(parse_config(head)->without_effect.empty());
  EXPECT_TRUE(parse_config(std::string(head) + "parallelism: 16\nenableProfiling: true\n")->without_effect.empty());
  EXPECT_EQ(parse_config(std::string(head) + "parallelism: 4\nclientConnection: {contentType: application/json}\n")->without_effect,
            (std::vector<std::string>{"clientConnection.contentType", "parallelism"}));
}

TEST(SchedulerConfig, SaysWhatIsWrong) {
  EXPECT_FALSE(parse_config("apiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: KubeSchedulerConfiguration\n").has_value());
  EXPECT_FALSE(parse_config("kind: Pod\napiVersion: v1\n").has_value());
  check_refused("bogus: 1\n", "unknown field \"bogus\"");
  check_refused("percentageOfNodesToScore: 101\n", "percentageOfNodesToScore: Invalid value: 101");
  check_refused("podInitialBackoffSeconds: 20\n", "podMaxBackoffSeconds");
  check_refused("profiles: [{schedulerName: a}, {schedulerName: a}]\n", "Duplicate value: \"a\"");
  check_refused("parallelism: 0\n", "parallelism: Invalid value: 0");
  check_refused("leaderElection: {leaseDuration: 5s}\n", "leaderElection.leaseDuration: Invalid value: 5s");
  check_refused("leaderElection: {retryPeriod: 9s}\n", "leaderElection.renewDeadline: Invalid value: 10s");
}

TEST(SchedulerConfig, Extenders) {
  const auto config = parse_config(std::string(head) + R"(
extenders:
- {urlPrefix: "http://127.0.0.1:8888/", filterVerb: filter, prioritizeVerb: prioritize, weight: 5, httpTimeout: 2s, nodeCacheCapable: true,
   managedResources: [{name: example.com/gpu, ignoredByScheduler: true}, {name: example.com/fpga}], ignorable: true}
- {urlPrefix: "https://extender.example", bindVerb: bind, enableHTTPS: true}
profiles:
- schedulerName: a
- schedulerName: b
  pluginConfig: [{name: NodeResourcesFit, args: {ignoredResources: [example.com/foo]}}]
)");
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->extenders.size(), 2u);
  EXPECT_EQ(config->extenders[0].weight, 5);
  EXPECT_EQ(config->extenders[0].http_timeout.nanos, 2'000'000'000);
  EXPECT_EQ(config->profiles[0].args.at("NodeResourcesFit"), R"({"ignoredResources":["example.com/gpu"]})");
  EXPECT_EQ(config->profiles[1].args.at("NodeResourcesFit"), R"({"ignoredResources":["example.com/foo","example.com/gpu"]})");

  check_refused("extenders: [{filterVerb: filter}]\n", "extenders[0].urlPrefix: Invalid value: \"\"");
  check_refused("extenders: [{urlPrefix: http://x, prioritizeVerb: p}]\n", "extenders[0].weight: Invalid value: 0: must have a positive weight");
  check_refused("extenders: [{urlPrefix: http://x, bindVerb: a}, {urlPrefix: http://y, bindVerb: b}]\n", "only one extender may implement bind");
  check_refused("extenders: [{urlPrefix: http://x, managedResources: [{name: cpu}]}]\n",
                "extenders[0].managedResources[0].name: Invalid value: \"cpu\"");
  check_refused("extenders: [{urlPrefix: http://x, managedResources: [{name: a.b/c}]}, {urlPrefix: http://y, managedResources: [{name: a.b/c}]}]\n",
                "extenders[1].managedResources[0].name: Invalid value: \"a.b/c\": duplicate");
}

}  // namespace
}  // namespace pintle::scheduler::config
