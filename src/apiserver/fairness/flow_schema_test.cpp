#include "apiserver/fairness/flow_schema.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "apiserver/fairness/estimate.h"
#include "apiserver/fairness/watch_counts.h"
#include "apiserver/types/query.h"

namespace pintle::apiserver::fairness {
namespace {

FlowSchema schema(const std::string& name, const std::string& spec) {
  api::flowcontrol_v1::FlowSchema object;
  object.metadata.name = name;
  const auto decoded = api::decode_json(spec, api::type_of<decltype(object.spec)>(), &object.spec);
  EXPECT_TRUE(decoded) << (decoded ? "" : decoded.error().message);
  return compile(object);
}

RequestInfo request(std::string verb, std::string group, std::string resource, std::string ns, std::string sub = "", std::string name = "") {
  RequestInfo info;
  info.is_resource = true;
  info.verb = std::move(verb);
  info.group = std::move(group);
  info.resource = std::move(resource);
  info.ns = std::move(ns);
  info.subresource = std::move(sub);
  info.name = std::move(name);
  return info;
}
RequestInfo page(std::string path) {
  RequestInfo info;
  info.verb = "get";
  info.path = std::move(path);
  return info;
}
UserInfo user(std::string name, std::vector<std::string> groups = {}) {
  UserInfo out;
  out.name = std::move(name);
  out.groups = std::move(groups);
  return out;
}

TEST(FlowSchema, Subjects) {
  struct Case {
    std::string subject;
    UserInfo who;
    bool want;
  };
  const std::vector<Case> cases{
      {R"({"kind":"User","user":{"name":"ann"}})", user("ann"), true},
      {R"({"kind":"User","user":{"name":"ann"}})", user("bob"), false},
      {R"({"kind":"User","user":{"name":"*"}})", user("bob"), true},
      {R"({"kind":"Group","group":{"name":"system:nodes"}})", user("x", {"a", "system:nodes"}), true},
      {R"({"kind":"Group","group":{"name":"system:nodes"}})", user("system:nodes"), false},
      {R"({"kind":"Group","group":{"name":"*"}})", user("x"), true},
      {R"({"kind":"ServiceAccount","serviceAccount":{"namespace":"a","name":"b"}})", user("system:serviceaccount:a:b"), true},
      {R"({"kind":"ServiceAccount","serviceAccount":{"namespace":"a","name":"*"}})", user("system:serviceaccount:a:c"), true},
      {R"({"kind":"ServiceAccount","serviceAccount":{"namespace":"a","name":"*"}})", user("system:serviceaccount:ab:c"), false},
      {R"({"kind":"ServiceAccount","serviceAccount":{"namespace":"a","name":"b"}})", user("b"), false},
  };
  for (const Case& one : cases) {
    const auto made =
        schema("s", R"({"rules":[{"subjects":[)" + one.subject + R"(],"nonResourceRules":[{"verbs":["*"],"nonResourceURLs":["*"]}]}]})");
    EXPECT_EQ(made.matches(one.who, page("/healthz")), one.want) << one.subject << " " << one.who.name;
  }
}

TEST(FlowSchema, Rules) {
  struct Case {
    std::string rule;
    RequestInfo what;
    bool want;
  };
  const std::string leases =
      R"({"verbs":["get","update"],"apiGroups":["coordination.k8s.io"],"resources":["leases"],"namespaces":["kube-node-lease"]})";
  const std::string nodes = R"({"verbs":["*"],"apiGroups":[""],"resources":["nodes","nodes/status"],"clusterScope":true})";
  const std::vector<Case> cases{
      {leases, request("update", "coordination.k8s.io", "leases", "kube-node-lease"), true},
      {leases, request("list", "coordination.k8s.io", "leases", "kube-node-lease"), false},
      {leases, request("get", "coordination.k8s.io", "leases", "default"), false},
      {leases, request("get", "coordination.k8s.io", "leases", ""), false},
      {leases, request("get", "", "leases", "kube-node-lease"), false},
      {nodes, request("patch", "", "nodes", "", "status"), true},
      {nodes, request("patch", "", "nodes", "", "proxy"), false},
      {nodes, request("get", "", "nodes", ""), true},
      {nodes, request("get", "", "nodesx", ""), false},
      {nodes, request("get", "", "nodes", "ns"), false},
      {nodes, page("/api/v1/nodes"), false},
  };
  for (const Case& one : cases) {
    const auto made = schema("s", R"({"rules":[{"subjects":[{"kind":"User","user":{"name":"*"}}],"resourceRules":[)" + one.rule + "]}]}");
    EXPECT_EQ(made.matches(user("u"), one.what), one.want)
        << one.rule << " " << one.what.verb << " " << one.what.resource << "/" << one.what.subresource << " in " << one.what.ns;
  }
  const auto probes = schema(
      "p",
      R"({"rules":[{"subjects":[{"kind":"Group","group":{"name":"*"}}],"nonResourceRules":[{"verbs":["get"],"nonResourceURLs":["/healthz","/debug/*"]}]}]})");
  EXPECT_TRUE(probes.matches(user("u"), page("/healthz")));
  EXPECT_FALSE(probes.matches(user("u"), page("/healthz/ping")));
  EXPECT_TRUE(probes.matches(user("u"), page("/debug/pprof")));
  EXPECT_FALSE(probes.matches(user("u"), request("get", "", "pods", "a")));
}

TEST(FlowSchema, OrderAndFlows) {
  std::vector<FlowSchema> all{schema("b", R"({"matchingPrecedence":5})"),
                              schema("c", R"({"matchingPrecedence":1,"distinguisherMethod":{"type":"ByUser"}})"),
                              schema("a", R"({"matchingPrecedence":5,"distinguisherMethod":{"type":"ByNamespace"}})")};
  sort_for_matching(all);
  EXPECT_EQ(all[0].name + all[1].name + all[2].name, "cab");
  const auto what = request("get", "", "pods", "ns");
  EXPECT_EQ(all[0].flow(user("ann"), what), "ann");
  EXPECT_EQ(all[1].flow(user("ann"), what), "ns");
  EXPECT_EQ(all[2].flow(user("ann"), what), "");
  EXPECT_NE(hash_flow(1, "s", "ann"), hash_flow(1, "s", "bob"));
  EXPECT_NE(hash_flow(1, "s", "ann"), hash_flow(2, "s", "ann"));
  EXPECT_NE(hash_flow(1, "sa", "nn"), hash_flow(1, "s", "ann"));
}

TEST(Estimate, ListsByTheirBytes) {
  struct Case {
    ListedObjects objects;
    std::size_t limit;
    bool named;
    uint32_t level_max, want;
  };
  const Case cases[] = {
      {{0, 0}, 0, false, 100, 1},           {{10, 1000}, 0, false, 100, 1},        {{300, 1000}, 0, false, 100, 3},
      {{100'000, 1000}, 0, false, 100, 10}, {{100'000, 1000}, 500, false, 100, 5}, {{100'000, 1000}, 0, true, 100, 1},
      {{100'000, 1000}, 0, false, 2, 2},
  };
  for (const Case& one : cases)
    EXPECT_EQ(list_work(one.objects, one.limit, one.named, one.level_max).initial_seats, one.want) << one.objects.count << " " << one.limit;
  EXPECT_EQ(level_seats_max(98), 15u);
  EXPECT_EQ(level_seats_max(0), 1u);
}

TEST(Estimate, WritesByTheWatchersThatTheyWake) {
  EXPECT_EQ(write_work(9, 10).final_seats, 0u);
  EXPECT_EQ(write_work(10, 10).final_seats, 1u);
  EXPECT_EQ(write_work(95, 10).final_seats, 10u);
  const Work wide = write_work(1000, 10);
  EXPECT_EQ(wide.final_seats, 10u);
  EXPECT_EQ(wide.final_time, event_time * 10) << "the same seat-seconds, by fewer seats";
}

TEST(WatchCounts, CountsThoseThatAWriteWakes) {
  WatchCounts counts;
  const auto everywhere = counts.add(request("watch", "", "pods", ""));
  const auto one_namespace = counts.add(request("watch", "", "pods", "a"));
  const auto one_object = counts.add(request("watch", "", "pods", "a", "", "x"));
  RequestInfo of_node = request("watch", "", "pods", "");
  of_node.field_selector = "spec.nodeName=n1";
  const auto kubelet = counts.add(of_node);
  EXPECT_EQ(counts.woken_by(request("update", "", "pods", "a", "", "x")), 3u);
  EXPECT_EQ(counts.woken_by(request("update", "", "pods", "a", "", "y")), 2u);
  EXPECT_EQ(counts.woken_by(request("update", "", "pods", "b", "", "x")), 1u);
  EXPECT_EQ(counts.woken_by(request("update", "", "services", "a", "", "x")), 0u);
  { const auto more = counts.add(request("watch", "", "pods", "")); }
  EXPECT_EQ(counts.woken_by(request("create", "", "pods", "b")), 1u);
}

}  // namespace
}  // namespace pintle::apiserver::fairness
