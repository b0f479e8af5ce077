// Workloads end to end: what a user applies, and what the controllers make of it.
#include <gtest/gtest.h>

#include "cluster.h"

namespace pintle::controller::testing {
namespace {

const char* web(int replicas, const char* image) {
  static std::string text;
  text = R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"replicas":)" + std::to_string(replicas) +
         R"(,"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":")" +
         image + R"("}]}}}})";
  return text.c_str();
}

const std::string deployments = "/apis/apps/v1/namespaces/default/deployments";
const std::string sets = "/apis/apps/v1/namespaces/default/replicasets";
const std::string pods = "/api/v1/namespaces/default/pods";

rt::Task<void> rolled(Cluster& c, std::string revision) {
  std::function<rt::Task<bool>()> holds = [&c, revision]() -> rt::Task<bool> {
    apiserver::testing::Answer d;
    d.json = co_await c.get(deployments + "/web");
    const std::string want = d.at("spec.replicas");
    co_return d.at("status.updatedReplicas") == want&& d.at("status.availableReplicas") == want&& d.at("status.replicas") ==
        want&& d.json["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == codec::Value(revision);
  };
  co_await c.eventually("revision " + revision + " complete", std::move(holds));
}

rt::Task<void> patch_web(Cluster& c, std::string body) {
  auto done = co_await c.client().ask_json(rt::Context::background(), "PATCH", deployments + "/web", body, "application/strategic-merge-patch+json");
  EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().message);
}

TEST(Deployment, RollsOutScalesAndRollsBack) {
  with_cluster({}, [](Cluster& c) -> rt::Task<void> {
    co_await c.create(deployments, web(3, "web:1"));
    co_await rolled(c, "1");
    EXPECT_EQ(co_await c.count(pods), 3u);
    co_await patch_web(c, R"({"spec":{"template":{"spec":{"containers":[{"name":"c","image":"web:2"}]}}}})");
    co_await rolled(c, "2");
    EXPECT_EQ(co_await c.count(sets), 2u);
    co_await patch_web(c, R"({"spec":{"replicas":5}})");
    co_await rolled(c, "2");
    co_await patch_web(c, R"({"spec":{"template":{"spec":{"containers":[{"name":"c","image":"web:1"}]}}}})");
    co_await rolled(c, "3");
    EXPECT_EQ(co_await c.count(sets), 2u);
    std::function<rt::Task<bool>()> holds = [&c]() -> rt::Task<bool> { co_return co_await c.count(pods) == 5; };
    co_await c.eventually("5 pods", std::move(holds));
    EXPECT_EQ(co_await c.at(deployments + "/web", "status.conditions.0.type"), "Available");
  });
}

TEST(Deployment, DeletedInTheBackgroundTakesItsPodsWithIt) {
  with_cluster({}, [](Cluster& c) -> rt::Task<void> {
    co_await c.create(deployments, web(2, "web:1"));
    co_await rolled(c, "1");
    auto gone = co_await c.client().ask_json(rt::Context::background(), "DELETE", deployments + "/web", "", "");
    EXPECT_TRUE(gone.has_value());
    std::function<rt::Task<bool>()> holds = [&c]() -> rt::Task<bool> { co_return co_await c.count(pods) == 0 && co_await c.count(sets) == 0; };
    co_await c.eventually("nothing left", std::move(holds));
  });
}

TEST(Namespace, EmptiesAndGoes) {
  with_cluster({}, [](Cluster& c) -> rt::Task<void> {
    co_await c.create("/api/v1/namespaces", R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"gone"}})");
    std::function<rt::Task<bool>()> holds = [&c]() -> rt::Task<bool> { co_return co_await c.count("/api/v1/namespaces/gone/serviceaccounts") == 1; };
    co_await c.eventually("default account", std::move(holds));
    co_await c.create("/api/v1/namespaces/gone/configmaps", R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}})");
    auto gone = co_await c.client().ask_json(rt::Context::background(), "DELETE", "/api/v1/namespaces/gone", "", "");
    EXPECT_TRUE(gone.has_value());
    holds = [&c]() -> rt::Task<bool> { co_return (co_await c.get("/api/v1/namespaces/gone")).is_null(); };
    co_await c.eventually("gone", std::move(holds));
  });
}

}  // namespace
}  // namespace pintle::controller::testing
