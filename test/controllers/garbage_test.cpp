// What the garbage collector leaves alone.
#include <gtest/gtest.h>

#include "cluster.h"
#include "codec/json.h"

namespace pintle::controller::testing {
namespace {

const std::string maps = "/api/v1/namespaces/default/configmaps";
const std::string roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";

std::string role(const std::string& name, const std::string& owner, const std::string& uid) {
  return R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":")" + name +
         R"(","ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":")" + owner + R"(","uid":")" + uid + R"("}]},"rules":[]})";
}

rt::Task<bool> is_there(Cluster& c, std::string path) {
  auto got = co_await c.client().ask_json(rt::Context::background(), "GET", path, "", "");
  co_return got.has_value();
}

// Operators write such references: to an owner in a namespace, of what is in none.
TEST(Garbage, ClusterWideObjectsHaveNoOwnersInANamespace) {
  with_cluster({}, [](Cluster& c) -> rt::Task<void> {
    co_await c.create(maps, R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"owner"}})");
    const std::string uid = co_await c.at(maps + "/owner", "metadata.uid");
    co_await c.create(roles, role("wide", "owner", uid));
    co_await c.create(roles, role("lost", "nobody", "11111111-1111-1111-1111-111111111111"));
    std::function<rt::Task<bool>()> told = [&c]() -> rt::Task<bool> {
      const codec::Value events = co_await c.get("/api/v1/namespaces/default/events");
      co_return codec::to_json(events).contains("OwnerRefInvalidNamespace");
    };
    co_await c.eventually("an event says so", std::move(told));
    auto gone = co_await c.client().ask_json(rt::Context::background(), "DELETE", maps + "/owner", "", "");
    EXPECT_TRUE(gone.has_value());
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::minutes(2));
    EXPECT_TRUE(co_await is_there(c, roles + "/wide"));
    EXPECT_TRUE(co_await is_there(c, roles + "/lost"));
    EXPECT_FALSE(co_await is_there(c, maps + "/owner"));
  });
}

}  // namespace
}  // namespace pintle::controller::testing
