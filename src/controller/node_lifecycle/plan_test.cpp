#include "controller/node_lifecycle/plan.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"
#include "rules/conditions.h"

namespace pintle::controller::node_lifecycle {
namespace {

using namespace testing;
using api::core_v1::Node;

// Short for node.kubernetes.io: "not-ready:NoExecute" of the node, "example.com/x=v:NoSchedule" of others.
const std::string ours = "node.kubernetes.io/";
std::string short_key(const std::string& key) { return key.starts_with(ours) ? key.substr(ours.size()) : key; }
std::vector<api::core_v1::Taint> taints_of(const std::string& text) {
  std::vector<api::core_v1::Taint> out;
  for (const std::string& word : split(text, ' ')) {
    auto& taint = out.emplace_back();
    const std::string key = word.substr(0, word.find(':'));
    taint.key = key.find('/') == key.npos ? ours + key : key;
    taint.effect = word.substr(word.find(':') + 1);
    taint.time_added = ago(500);
  }
  return out;
}

// "Ready=False MemoryPressure=True unschedulable"
Node node_of(const std::string& words, const std::string& taints = "") {
  Node node;
  node.metadata.creation_timestamp = ago(900);
  for (const std::string& word : split(words, ' ')) {
    if (word == "unschedulable") {
      node.spec.unschedulable = true;
      continue;
    }
    auto& condition = node.status.conditions.emplace_back();
    condition.type = word.substr(0, word.find('='));
    condition.status = word.substr(word.find('=') + 1);
    condition.last_heartbeat_time = condition.last_transition_time = ago(700);
  }
  node.spec.taints = taints_of(taints);
  return node;
}

// Taints that are new have a star.
void check(const std::string& node, const std::string& taints, Eviction eviction, const std::string& want) {
  Words out;
  for (const auto& taint : plan_taints(node_of(node, taints), eviction, plan_time))
    out.add(short_key(taint.key) + ":" + taint.effect + (taint.time_added && *taint.time_added == ago(0) ? "*" : ""));
  EXPECT_EQ(out.text(), want) << node << " with " << taints << " eviction " << static_cast<int>(eviction);
}
void check(const std::string& node, const std::string& taints, bool now, const std::string& want) {
  check(node, taints, now ? Eviction::Now : Eviction::Later, want);
}

TEST(NodeLifecyclePlan, ConditionsBecomeTaints) {
  check("Ready=True", "", true, "");
  check("Ready=True MemoryPressure=True", "", true, "memory-pressure:NoSchedule*");
  check("Ready=True DiskPressure=True PIDPressure=True NetworkUnavailable=True", "", true,
        "disk-pressure:NoSchedule* network-unavailable:NoSchedule* pid-pressure:NoSchedule*");
  check("Ready=True MemoryPressure=Unknown", "", true, "");
  check("Ready=True unschedulable", "", true, "unschedulable:NoSchedule*");
  check("Ready=True MemoryPressure=False", "memory-pressure:NoSchedule", true, "");
  check("Ready=True MemoryPressure=True", "memory-pressure:NoSchedule", true, "memory-pressure:NoSchedule");
  check("Ready=True", "unschedulable:NoSchedule", true, "");  // uncordoned
  check("", "", true, "");                                    // never heard of
}

TEST(NodeLifecyclePlan, NodesThatAreNotReady) {
  check("Ready=False", "", false, "not-ready:NoSchedule*");
  check("Ready=False", "", true, "not-ready:NoSchedule* not-ready:NoExecute*");
  check("Ready=Unknown", "", false, "unreachable:NoSchedule*");
  check("Ready=Unknown", "", true, "unreachable:NoSchedule* unreachable:NoExecute*");
  check("Ready=True", "not-ready:NoSchedule not-ready:NoExecute", true, "");
  check("Ready=True", "unreachable:NoSchedule unreachable:NoExecute", false, "");
  check("Ready=False", "not-ready:NoSchedule not-ready:NoExecute", false, "not-ready:NoSchedule not-ready:NoExecute");
  // What evicts already is exchanged, whatever the rate: the pods' times go on from the new one.
  check("Ready=Unknown", "not-ready:NoSchedule not-ready:NoExecute", false, "unreachable:NoSchedule* unreachable:NoExecute*");
  check("Ready=False", "unreachable:NoSchedule unreachable:NoExecute", false, "not-ready:NoSchedule* not-ready:NoExecute*");
}

// Where every zone is down nobody is driven out, also from where it has begun.
TEST(NodeLifecyclePlan, FullDisruptionTakesTheEvictionBack) {
  check("Ready=Unknown", "unreachable:NoSchedule unreachable:NoExecute", Eviction::Never, "unreachable:NoSchedule");
  check("Ready=False", "unreachable:NoSchedule unreachable:NoExecute", Eviction::Never, "not-ready:NoSchedule*");
  check("Ready=Unknown", "not-ready:NoExecute example.com/b:NoExecute", Eviction::Never, "example.com/b:NoExecute unreachable:NoSchedule*");
  check("Ready=True", "unreachable:NoExecute", Eviction::Never, "");
}

TEST(NodeLifecyclePlan, WhenAllAreDisrupted) {
  const auto check_all = [](std::map<std::string, ZoneCount> zones, bool want) { EXPECT_EQ(all_disrupted(zones, 0.55), want); };
  check_all({}, false);
  check_all({{"a", {0, 1}}}, true);
  check_all({{"a", {0, 3}}, {"b", {0, 1}}}, true);
  check_all({{"a", {0, 3}}, {"b", {1, 9}}}, false);
  EXPECT_FALSE(is_excluded_from_disruption(from_yaml<Node>("{}")));
  EXPECT_TRUE(is_excluded_from_disruption(from_yaml<Node>("{metadata: {labels: {node.kubernetes.io/exclude-disruption: ''}}}")));
}

TEST(NodeLifecyclePlan, OthersTaintsStay) {
  check("Ready=True", "example.com/a:NoSchedule example.com/b:NoExecute", true, "example.com/a:NoSchedule example.com/b:NoExecute");
  check("Ready=True", "memory-pressure:NoExecute out-of-service:NoExecute", true, "memory-pressure:NoExecute out-of-service:NoExecute");
  check("Ready=False", "example.com/a:NoSchedule", false, "example.com/a:NoSchedule not-ready:NoSchedule*");
}

TEST(NodeLifecyclePlan, WhoIsToBeEvicted) {
  EXPECT_FALSE(wants_eviction(node_of("Ready=True")));
  EXPECT_TRUE(wants_eviction(node_of("Ready=False")));
  EXPECT_TRUE(wants_eviction(node_of("Ready=Unknown")));
  EXPECT_FALSE(wants_eviction(node_of("MemoryPressure=True")));
  EXPECT_EQ(ready_status(node_of("Ready=False")) + "|" + ready_status(node_of("")), "False|");
}

void check_same(const std::string& a, const std::string& b, bool want) {
  EXPECT_EQ(same_taints(taints_of(a), taints_of(b)), want) << a << " | " << b;
}

TEST(NodeLifecyclePlan, TaintsAreASet) {
  check_same("", "", true);
  check_same("a/b:NoSchedule c/d:NoExecute", "c/d:NoExecute a/b:NoSchedule", true);
  check_same("a/b:NoSchedule", "a/b:NoExecute", false);
  check_same("a/b:NoSchedule", "a/b:NoSchedule c/d:NoExecute", false);
}

// "Ready=Unknown/NodeStatusUnknown@0 ...": the reason, and the seconds since the transition.
void check_silent(const std::string& node, const std::string& want) {
  Words out;
  for (const auto& condition : silent_status(node_of(node), plan_time).conditions)
    out.add(condition.type + "=" + condition.status + "/" + condition.reason + "@" +
            std::to_string(ago(0).seconds - condition.last_transition_time.seconds));
  EXPECT_EQ(out.text(), want) << node;
}

void check_labels(const std::string& labels, const std::string& want) {
  Node node;
  for (const std::string& word : split(labels, ' ')) node.metadata.labels[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
  Words out;
  for (const auto& [key, value] : older_labels(node)) out.add(key + "=" + value);
  EXPECT_EQ(out.text(), want) << labels;
}

TEST(NodeLifecyclePlan, OlderLabels) {
  check_labels("", "");
  check_labels("kubernetes.io/os=linux", "beta.kubernetes.io/os=linux");
  check_labels("kubernetes.io/os=linux kubernetes.io/arch=arm64", "beta.kubernetes.io/os=linux beta.kubernetes.io/arch=arm64");
  check_labels("kubernetes.io/os=linux beta.kubernetes.io/os=linux", "");
  check_labels("kubernetes.io/arch=arm64 beta.kubernetes.io/arch=amd64", "beta.kubernetes.io/arch=arm64");
  check_labels("beta.kubernetes.io/arch=amd64", "");  // the newer one is the source
}

TEST(NodeLifecyclePlan, ASilentNodesConditionsAreUnknown) {
  check_silent("Ready=True MemoryPressure=False DiskPressure=True PIDPressure=False NetworkUnavailable=False",
               "Ready=Unknown/NodeStatusUnknown@0 MemoryPressure=Unknown/NodeStatusUnknown@0 DiskPressure=Unknown/NodeStatusUnknown@0 "
               "PIDPressure=Unknown/NodeStatusUnknown@0 NetworkUnavailable=False/@700");
  check_silent("",
               "Ready=Unknown/NodeStatusNeverUpdated@0 MemoryPressure=Unknown/NodeStatusNeverUpdated@0 "
               "DiskPressure=Unknown/NodeStatusNeverUpdated@0 PIDPressure=Unknown/NodeStatusNeverUpdated@0");
  check_silent("Ready=Unknown MemoryPressure=Unknown DiskPressure=Unknown PIDPressure=Unknown",
               "Ready=Unknown/@700 MemoryPressure=Unknown/@700 DiskPressure=Unknown/@700 PIDPressure=Unknown/@700");
}

TEST(NodeLifecyclePlan, Zones) {
  const auto zone = [](const std::string& yaml) {
    std::string text = zone_of(from_yaml<Node>(yaml));
    std::ranges::replace(text, '\0', '0');
    return text;
  };
  EXPECT_EQ(zone("{}"), "");
  EXPECT_EQ(zone("{metadata: {labels: {topology.kubernetes.io/region: r}}}"), "r:0:");
  EXPECT_EQ(zone("{metadata: {labels: {topology.kubernetes.io/zone: z}}}"), ":0:z");
  EXPECT_EQ(zone("{metadata: {labels: {topology.kubernetes.io/region: r, topology.kubernetes.io/zone: z}}}"), "r:0:z");
}

void check_state(int ready, int not_ready, ZoneState want) { EXPECT_EQ(zone_state({ready, not_ready}, 0.55), want) << ready << "+" << not_ready; }

TEST(NodeLifecyclePlan, ZoneStates) {
  check_state(0, 0, ZoneState::Normal);
  check_state(10, 0, ZoneState::Normal);
  check_state(1, 2, ZoneState::Normal);  // more than two have to be down
  check_state(2, 3, ZoneState::Partial);
  check_state(5, 5, ZoneState::Normal);  // less than the threshold
  check_state(45, 55, ZoneState::Partial);
  check_state(46, 54, ZoneState::Normal);
  check_state(0, 1, ZoneState::Full);
  check_state(0, 10, ZoneState::Full);
}

// Zones "a=READY+NOT_READY"; the rate of each.
void check_rates(const std::string& zones, const std::string& want) {
  std::map<std::string, ZoneCount> counts;
  for (const std::string& word : split(zones, ' ')) {
    const auto equals = word.find('='), plus = word.find('+');
    counts[word.substr(0, equals)] = {std::stoi(word.substr(equals + 1)), std::stoi(word.substr(plus + 1))};
  }
  Words out;
  for (const auto& [zone, rate] : eviction_rates(counts, 0.55, {0.1, 0.01, 50})) out.add(zone + "=" + std::to_string(rate).substr(0, 4));
  EXPECT_EQ(out.text(), want) << zones;
}

TEST(NodeLifecyclePlan, EvictionRates) {
  check_rates("a=10+0", "a=0.10");
  check_rates("a=10+3 b=10+0", "a=0.10 b=0.10");
  check_rates("a=3+7 b=10+0", "a=0.00 b=0.10");    // a small zone mostly down: none of its nodes
  check_rates("a=20+40 b=10+0", "a=0.01 b=0.10");  // a large one: slowly
  check_rates("a=20+30 b=10+0", "a=0.00 b=0.10");  // 50 is not large yet
  check_rates("a=0+10 b=10+0", "a=0.10 b=0.10");   // one zone wholly down is its own fault
  check_rates("a=0+10 b=0+5", "a=0.00 b=0.00");    // all: more likely ours
  check_rates("a=0+10 b=1+9", "a=0.10 b=0.00");
  check_rates("", "");
}

}  // namespace
}  // namespace pintle::controller::node_lifecycle
