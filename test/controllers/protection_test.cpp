// What is in use stays until it is free.
#include <gtest/gtest.h>

#include "cluster.h"
#include "rt/sync.h"

namespace pintle::controller::testing {
namespace {

using Holds = std::function<rt::Task<bool>()>;

rt::Task<void> ask(Cluster& c, std::string method, std::string path, std::string body) {
  auto done = co_await c.client().ask_json(rt::Context::background(), method, path, body, "application/merge-patch+json");
  EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().message);
}

TEST(VolumeAttributesClass, StaysWhileAClaimNamesIt) {
  with_cluster({}, [](Cluster& c) -> rt::Task<void> {
    const std::string classes = "/apis/storage.k8s.io/v1/volumeattributesclasses", fast = classes + "/fast";
    const std::string claim = "/api/v1/namespaces/default/persistentvolumeclaims/data";
    co_await c.create(
        classes,
        R"({"apiVersion":"storage.k8s.io/v1","kind":"VolumeAttributesClass","metadata":{"name":"fast"},"driverName":"d","parameters":{"iops":"9"}})");
    co_await c.create("/api/v1/namespaces/default/persistentvolumeclaims",
                      R"({"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"data"},"spec":{"accessModes":["ReadWriteOnce"],
      "volumeAttributesClassName":"fast","storageClassName":"s","resources":{"requests":{"storage":"1Gi"}}}})");
    Holds guarded = [&]() -> rt::Task<bool> { co_return (co_await c.at(fast, "metadata.finalizers.0")) == "kubernetes.io/vac-protection"; };
    co_await c.eventually("the class is guarded", std::move(guarded));
    co_await ask(c, "DELETE", fast, "");
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::minutes(1));  // virtual: the controller has looked
    EXPECT_NE(co_await c.at(fast, "metadata.deletionTimestamp"), "");
    co_await ask(c, "DELETE", claim, "");
    Holds gone = [&]() -> rt::Task<bool> { co_return (co_await c.count(classes)) == 0; };
    co_await c.eventually("the class is gone", std::move(gone));
  });
}

}  // namespace
}  // namespace pintle::controller::testing
