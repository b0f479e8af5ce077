#include "scheduler/extenders/messages.h"

#include <gtest/gtest.h>

#include "codec/json.h"
#include "codec/value.h"
#include "scheduler/testing/scene.h"

namespace pintle::scheduler::extenders {
namespace {

Pod pod_with(const std::string& resource) {
  Pod pod;
  pod.metadata.name = "p";
  pod.metadata.namespace_ = "ns";
  pod.metadata.uid = "u";
  pod.metadata.annotations["note"] = "extenders read these";
  auto& container = pod.spec.containers.emplace_back();
  if (!resource.empty()) container.resources.limits[resource] = api::Quantity::from_int(1);
  return pod;
}
NodePtr node_named(const std::string& name) {
  auto node = std::make_shared<Node>();
  node->metadata.name = name;
  return node;
}
PodPtr victim_of(const std::string& uid) {
  auto pod = std::make_shared<Pod>();
  pod->metadata.name = pod->metadata.uid = uid;
  return pod;
}
PlacedPodPtr victim(const std::string& uid) { return make_pod_info(victim_of(uid)); }

TEST(Extender, IsInterestedInItsResources) {
  Spec all, gpus;
  gpus.managed_resources.push_back({"example.com/gpu", false});
  EXPECT_TRUE(is_interested(all, pod_with("")));
  EXPECT_FALSE(is_interested(gpus, pod_with("")));
  EXPECT_FALSE(is_interested(gpus, pod_with("example.com/fpga")));
  EXPECT_TRUE(is_interested(gpus, pod_with("example.com/gpu")));
  Pod init = pod_with("");
  init.spec.init_containers.emplace_back().resources.requests["example.com/gpu"] = api::Quantity::from_int(1);
  EXPECT_TRUE(is_interested(gpus, init));
}

TEST(Extender, IsSentNodesOrNames) {
  const std::vector<NodePtr> nodes = {node_named("a"), node_named("b")};
  Spec spec;
  const auto whole = codec::parse_json(nodes_request(spec, pod_with(""), nodes));
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->find("Pod")->find("metadata")->find("annotations")->string_at("note"), "extenders read these");
  EXPECT_EQ(whole->find("Nodes")->find("items")->as_array()[1].find("metadata")->string_at("name"), "b");
  EXPECT_TRUE(whole->find("NodeNames")->is_null());
  spec.node_cache_capable = true;
  const auto names = codec::parse_json(nodes_request(spec, pod_with(""), nodes));
  ASSERT_TRUE(names);
  EXPECT_TRUE(names->find("Nodes")->is_null());
  EXPECT_EQ(codec::to_json(*names->find("NodeNames")), R"(["a","b"])");
}

std::string filter(const std::string& body, bool names = false) {
  Spec spec;
  spec.node_cache_capable = names;
  const auto answer = read_filter(spec, body);
  if (!answer) return "error: " + answer.error().message;
  std::string out;
  for (const std::string& node : answer->passed) out += node + " ";
  for (const auto& [node, why] : answer->failed) out += "-" + node + ":" + why + " ";
  for (const auto& [node, why] : answer->unresolvable) out += "!" + node + ":" + why + " ";
  return out;
}

TEST(Extender, FilterAnswers) {
  const std::string nodes = R"({"metadata":{},"items":[{"metadata":{"name":"a"}}]})";
  EXPECT_EQ(filter(R"({"Nodes":)" + nodes + R"(,"FailedNodes":{"b":"no gpu"},"FailedAndUnresolvableNodes":{"c":"never"}})"), "a -b:no gpu !c:never ");
  EXPECT_EQ(filter(R"({"nodenames":["a","b"],"failednodes":null})", true), "a b ") << "in any case, as Go reads it";
  EXPECT_EQ(filter(R"({"NodeNames":["x"],"Nodes":)" + nodes + "}"), "a ") << "names are of those who know the nodes";
  EXPECT_EQ(filter(R"({"Nodes":)" + nodes + "}", true), "a ");
  EXPECT_EQ(filter("{}"), "");
  EXPECT_EQ(filter(R"({"Error":"out of order"})"), "error: out of order");
  EXPECT_EQ(filter(R"({"NodeNames":"a"})", true), "error: the extender's answer: NodeNames is no array");
  EXPECT_EQ(filter(R"({"NodeNames":[1]})", true), "error: the extender's answer: NodeNames is no array of strings");
  EXPECT_EQ(filter(R"({"FailedNodes":{"a":1}})"), "error: the extender's answer: FailedNodes.a is no string");
  EXPECT_EQ(filter("[]"), "error: the extender's answer: it is no object");
  EXPECT_TRUE(filter("<html>").starts_with("error: the extender's answer is no JSON"));
}

TEST(Extender, Priorities) {
  const auto answer = read_priorities(R"([{"Host":"a","Score":3},{"host":"b","score":-2}])");
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, (std::map<std::string, int64_t>{{"a", 3}, {"b", -2}}));
  EXPECT_TRUE(read_priorities("null")->empty());
  EXPECT_FALSE(read_priorities(R"([{"Host":"a","Score":1.5}])"));
  EXPECT_FALSE(read_priorities(R"({"a":1})"));
  EXPECT_FALSE(read_priorities("[1]"));
}

TEST(Extender, ScoresStaySmall) {
  EXPECT_EQ(weighted_score(3, 5), 150);
  EXPECT_EQ(weighted_score(-3, 5), -150);
  const int64_t most = weighted_score(INT64_MAX, INT64_MAX);
  EXPECT_GT(most, int64_t{1} << 40);
  EXPECT_LT(most, INT64_MAX / 64);
  EXPECT_EQ(weighted_score(INT64_MIN, INT64_MAX), -most);
  EXPECT_EQ(weighted_score(INT64_MAX, 1), most);
}

TEST(Extender, Preemption) {
  VictimsByNode victims;
  victims["a"].pods = {victim("gone"), victim("x"), victim("y")};
  const WholePod find = [](const PlacedPod& pod) { return pod.name == "gone" ? nullptr : victim_of(pod.uid()); };
  victims["a"].budget_violations = 1;
  Spec spec;
  const auto whole = codec::parse_json(preempt_request(spec, pod_with(""), victims, find));
  ASSERT_TRUE(whole);
  EXPECT_TRUE(whole->find("NodeNameToMetaVictims")->is_null());
  const auto& of_a = *whole->find("NodeNameToVictims")->find("a");
  ASSERT_EQ(of_a.find("Pods")->as_array().size(), 2u);
  EXPECT_EQ(of_a.find("Pods")->as_array()[1].find("metadata")->string_at("uid"), "y");
  EXPECT_EQ(of_a.find("NumPDBViolations")->as_int(), 1);
  spec.node_cache_capable = true;
  const auto names = codec::parse_json(preempt_request(spec, pod_with(""), victims, find));
  ASSERT_TRUE(names);
  EXPECT_TRUE(names->find("NodeNameToVictims")->is_null());
  EXPECT_EQ(codec::to_json(*names->find("NodeNameToMetaVictims")), R"({"a":{"NumPDBViolations":1,"Pods":[{"UID":"gone"},{"UID":"x"},{"UID":"y"}]}})");

  const auto answer = read_preemption(R"({"nodeNameToMetaVictims":{"a":{"Pods":[{"UID":"y"}],"NumPDBViolations":0},"b":{"pods":null}}})");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->at("a").uids, std::vector<std::string>{"y"});
  EXPECT_TRUE(answer->at("b").uids.empty());
  EXPECT_TRUE(read_preemption("{}")->empty());
  EXPECT_FALSE(read_preemption(R"({"NodeNameToMetaVictims":{"a":{"Pods":{}}}})"));
}

TEST(Extender, Binding) {
  EXPECT_EQ(bind_request(pod_with(""), "n"), R"({"Node":"n","PodName":"p","PodNamespace":"ns","PodUID":"u"})");
  EXPECT_TRUE(read_binding("{}"));
  EXPECT_TRUE(read_binding(R"({"Error":""})"));
  EXPECT_EQ(read_binding(R"({"error":"taken"})").error().message, "taken");
  EXPECT_FALSE(read_binding("true"));
}

}  // namespace
}  // namespace pintle::scheduler::extenders
