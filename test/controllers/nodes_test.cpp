// Nodes that fall silent, as the control plane sees it.
#include <gtest/gtest.h>

#include "cluster.h"

namespace pintle::controller::testing {
namespace {

using Holds = std::function<rt::Task<bool>()>;

const std::string nodes = "/api/v1/nodes/";
const std::string pods = "/api/v1/namespaces/default/pods/";

rt::Task<void> field_is(Cluster& c, std::string path, std::string field, std::string want) {
  Holds holds = [&c, &path, &field, &want]() -> rt::Task<bool> { co_return (co_await c.at(path, field)) == want; };
  co_await c.eventually(path + " has " + field + "=" + want, std::move(holds));
}

rt::Task<void> patch(Cluster& c, std::string path, std::string body) {
  auto done = co_await c.client().ask_json(rt::Context::background(), "PATCH", path, body, "application/strategic-merge-patch+json");
  EXPECT_TRUE(done.has_value()) << path << ": " << (done ? "" : done.error().message);
}

// A node that says it is ready, once.
rt::Task<void> add_node(Cluster& c, std::string name) {
  co_await c.create("/api/v1/nodes", R"({"apiVersion":"v1","kind":"Node","metadata":{"name":")" + name + "\"}}");
  co_await patch(
      c, nodes + name + "/status",
      R"({"status":{"conditions":[{"type":"Ready","status":"True","reason":"KubeletReady","message":"kubelet is posting ready status","lastHeartbeatTime":"2026-01-01T00:00:00Z","lastTransitionTime":"2026-01-01T00:00:00Z"}]}})");
}

// `seconds`: how long it stays on a node that is unreachable; "": the default five minutes.
rt::Task<void> add_pod(Cluster& c, std::string name, std::string node, std::string seconds) {
  const std::string tolerations =
      seconds.empty() ? ""
                      : R"("tolerations":[{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":)" +
                            seconds + "}],";
  co_await c.create("/api/v1/namespaces/default/pods", R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name +
                                                           R"("},"spec":{"nodeName":")" + node + "\"," + tolerations +
                                                           R"("containers":[{"name":"c","image":"x:1"}]}})");
  co_await field_is(c, pods + name, "status.conditions.0.status", "True");
}

// The reasons of the events about an object, in a line.
rt::Task<std::string> events_of(Cluster& c, std::string ns, std::string name) {
  const codec::Value list = co_await c.get("/api/v1/namespaces/" + ns + "/events?fieldSelector=involvedObject.name%3D" + name);
  std::string out;
  const codec::Value* items = list.find("items");
  if (items == nullptr || !items->is_array()) co_return out;
  for (const codec::Value& event : items->as_array()) {
    for (const char* part : {"type", "reason", "message"}) out += event.find(part)->as_string() + " ";
    out += "\n";
  }
  co_return out;
}

TEST(NodeLifecycle, ASilentNodeIsUnreachableAndItsPodsGo) {
  with_cluster({}, [](Cluster& c) -> rt::Task<void> {
    co_await add_node(c, "a");
    co_await add_pod(c, "short", "a", "30");
    co_await add_pod(c, "patient", "a", "");
    co_await field_is(c, nodes + "a", "status.conditions.0.status", "Unknown");
    EXPECT_EQ(co_await c.at(nodes + "a", "status.conditions.0.reason"), "NodeStatusUnknown");
    EXPECT_EQ(co_await c.at(nodes + "a", "status.conditions.0.message"), "Kubelet stopped posting node status.");
    co_await field_is(c, nodes + "a", "spec.taints.0.effect", "NoSchedule");
    EXPECT_EQ(co_await c.at(nodes + "a", "spec.taints.0.key"), "node.kubernetes.io/unreachable");
    co_await field_is(c, pods + "patient", "status.conditions.0.status", "False");
    // Where no node is ready the fault may be ours: nobody is evicted. One that is changes that.
    EXPECT_EQ(co_await c.at(nodes + "a", "spec.taints.1.effect"), "");
    co_await add_node(c, "b");
    co_await field_is(c, nodes + "a", "spec.taints.1.effect", "NoExecute");
    // The hollow kubelet removes what is marked for deletion.
    Holds gone = [&c]() -> rt::Task<bool> { co_return (co_await c.at(pods + "short", "metadata.name")).empty(); };
    co_await c.eventually("the pod with the short patience is gone", std::move(gone));
    EXPECT_EQ(co_await c.at(pods + "patient", "metadata.deletionTimestamp"), "");
    const std::string of_node = co_await events_of(c, "default", "a");
    EXPECT_NE(of_node.find("Normal NodeNotReady Node a status is now: NodeNotReady"), std::string::npos) << of_node;
    const std::string of_pod = co_await events_of(c, "default", "short");
    EXPECT_NE(of_pod.find("Warning NodeNotReady Node is not ready"), std::string::npos) << of_pod;
    EXPECT_NE(of_pod.find("Normal TaintManagerEviction Marking for deletion Pod default/short"), std::string::npos) << of_pod;
  });
}

// One node is silent first and is tainted; then all are: the fault is the control plane's, and the taint goes again.
TEST(NodeLifecycle, WhereAllNodesAreSilentNobodyIsEvicted) {
  with_cluster({}, [](Cluster& c) -> rt::Task<void> {
    co_await add_node(c, "a");
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(30));  // virtual
    co_await add_node(c, "b");
    co_await add_pod(c, "web", "a", "");
    co_await field_is(c, nodes + "a", "spec.taints.1.effect", "NoExecute");
    co_await field_is(c, nodes + "b", "status.conditions.0.status", "Unknown");
    co_await field_is(c, nodes + "a", "spec.taints.1.effect", "");
    EXPECT_EQ(co_await c.at(nodes + "a", "spec.taints.0.effect"), "NoSchedule");
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::minutes(10));  // virtual: twice the pod's patience
    EXPECT_EQ(co_await c.at(nodes + "b", "spec.taints.1.effect"), "");
    EXPECT_EQ(co_await c.at(pods + "web", "metadata.deletionTimestamp"), "");
    // One that is heard of ends it; the other is still silent.
    co_await patch(c, nodes + "b/status",
                   R"({"status":{"conditions":[{"type":"Ready","status":"True","lastHeartbeatTime":"2026-01-01T02:00:00Z"}]}})");
    co_await field_is(c, nodes + "a", "spec.taints.1.effect", "NoExecute");
  });
}

// The manager ended after it had made the node's condition Unknown: the next one looks after the pods.
TEST(NodeLifecycle, PodsOfANodeThatWasSilentBeforeAreMarked) {
  with_cluster({}, [](Cluster& c) -> rt::Task<void> {
    co_await add_node(c, "a");
    co_await add_pod(c, "web", "a", "");
    co_await c.stop_controllers();
    co_await patch(c, nodes + "a/status", R"({"status":{"conditions":[{"type":"Ready","status":"Unknown","reason":"NodeStatusUnknown"}]}})");
    c.start_controllers();
    co_await field_is(c, pods + "web", "status.conditions.0.status", "False");
  });
}

}  // namespace
}  // namespace pintle::controller::testing
