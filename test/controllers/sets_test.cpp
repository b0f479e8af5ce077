// StatefulSets, DaemonSets, Jobs and CronJobs end to end.
#include <gtest/gtest.h>

#include "cluster.h"

namespace pintle::controller::testing {
namespace {

const std::string apps = "/apis/apps/v1/namespaces/default/";
const std::string batch = "/apis/batch/v1/namespaces/default/";
const std::string pods = "/api/v1/namespaces/default/pods";

using Holds = std::function<rt::Task<bool>()>;

rt::Task<void> field_is(Cluster& c, std::string path, std::string field, std::string want) {
  Holds holds = [&c, &path, &field, &want]() -> rt::Task<bool> { co_return (co_await c.at(path, field)) == want; };
  co_await c.eventually(path + " has " + field + "=" + want, std::move(holds));
}

rt::Task<void> patch(Cluster& c, std::string path, std::string body) {
  auto done = co_await c.client().ask_json(rt::Context::background(), "PATCH", path, body, "application/merge-patch+json");
  EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().message);
}

std::string pod_template(const char* policy) {
  return std::string(R"("template":{"metadata":{"labels":{"app":"x"}},"spec":{"restartPolicy":")") + policy +
         R"(","containers":[{"name":"c","image":"x:1"}]}})";
}

TEST(StatefulSet, MakesPodsInOrderScalesAndRolls) {
  with_cluster({}, [](Cluster& c) -> rt::Task<void> {
    co_await c.create(
        apps + "statefulsets",
        R"({"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db"},"spec":{"replicas":2,"serviceName":"db","selector":{"matchLabels":{"app":"x"}},)" +
            pod_template("Always") + "}}");
    const std::string set = apps + "statefulsets/db";
    co_await field_is(c, set, "status.readyReplicas", "2");
    EXPECT_EQ(co_await c.at(pods + "/db-0", "spec.hostname"), "db-0");
    const std::string first = co_await c.at(pods + "/db-1", "metadata.uid");
    co_await patch(c, set, R"({"spec":{"replicas":3}})");
    co_await field_is(c, set, "status.readyReplicas", "3");
    auto update = co_await c.client().ask_json(rt::Context::background(), "PATCH", set,
                                               R"({"spec":{"template":{"spec":{"containers":[{"name":"c","image":"x:2"}]}}}})",
                                               "application/strategic-merge-patch+json");
    EXPECT_TRUE(update.has_value());
    co_await field_is(c, pods + "/db-0", "spec.containers.0.image", "x:2");
    co_await field_is(c, set, "status.updatedReplicas", "3");
    Holds settled = [&c, &set]() -> rt::Task<bool> {
      co_return (co_await c.at(set, "status.currentRevision")) == (co_await c.at(set, "status.updateRevision"));
    };
    co_await c.eventually("revisions meet", std::move(settled));
    EXPECT_NE(co_await c.at(pods + "/db-1", "metadata.uid"), first);
    EXPECT_EQ(co_await c.count(apps + "controllerrevisions"), 2u);
    co_await patch(c, set, R"({"spec":{"replicas":1}})");
    Holds one = [&c]() -> rt::Task<bool> { co_return (co_await c.count(pods)) == 1; };
    co_await c.eventually("one pod", std::move(one));
  });
}

TEST(DaemonSet, RunsOnEveryNodeThatItTolerates) {
  with_cluster({}, [](Cluster& c) -> rt::Task<void> {
    for (const char* name : {"a", "b"})
      co_await c.create("/api/v1/nodes", std::string(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":")") + name + "\"}}");
    co_await c.create("/api/v1/nodes",
                      R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"t"},"spec":{"taints":[{"key":"k","effect":"NoSchedule"}]}})");
    co_await c.create(apps + "daemonsets",
                      R"({"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"name":"agent"},"spec":{"selector":{"matchLabels":{"app":"x"}},)" +
                          pod_template("Always") + "}}");
    const std::string set = apps + "daemonsets/agent";
    co_await field_is(c, set, "status.desiredNumberScheduled", "2");
    co_await field_is(c, set, "status.numberReady", "2");
    co_await c.create("/api/v1/nodes", R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"d"}})");
    co_await field_is(c, set, "status.numberReady", "3");
    EXPECT_EQ(co_await c.count(pods), 3u);
  });
}

TEST(Job, CompletesAndCountsEachPodOnce) {
  with_cluster({}, [](Cluster& c) -> rt::Task<void> {
    co_await c.create(batch + "jobs", R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"once"},"spec":{"completions":4,"parallelism":2,)" +
                                          pod_template("Never") + "}}");
    co_await field_is(c, batch + "jobs/once", "status.succeeded", "4");
    Holds done = [&c]() -> rt::Task<bool> { co_return !(co_await c.at(batch + "jobs/once", "status.completionTime")).empty(); };
    co_await c.eventually("complete", std::move(done));
    EXPECT_EQ(co_await c.count(pods), 4u);
    EXPECT_EQ(co_await c.at(batch + "jobs/once", "status.failed"), "");
  });
}

TEST(Job, IndexedCompletesEveryIndex) {
  with_cluster({}, [](Cluster& c) -> rt::Task<void> {
    co_await c.create(
        batch + "jobs",
        R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"idx"},"spec":{"completionMode":"Indexed","completions":3,"parallelism":2,)" +
            pod_template("Never") + "}}");
    co_await field_is(c, batch + "jobs/idx", "status.completedIndexes", "0-2");
    Holds done = [&c]() -> rt::Task<bool> { co_return !(co_await c.at(batch + "jobs/idx", "status.completionTime")).empty(); };
    co_await c.eventually("complete", std::move(done));
  });
}

TEST(CronJob, StartsJobsByTheClockAndKeepsAFew) {
  with_cluster({}, [](Cluster& c) -> rt::Task<void> {
    co_await c.create(
        batch + "cronjobs",
        R"({"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"tick"},"spec":{"schedule":"* * * * *","successfulJobsHistoryLimit":1,"jobTemplate":{"spec":{)" +
            pod_template("OnFailure") + "}}}}");
    Holds ran = [&c]() -> rt::Task<bool> { co_return !(co_await c.at(batch + "cronjobs/tick", "status.lastSuccessfulTime")).empty(); };
    co_await c.eventually("ran", std::move(ran));
    const rt::Duration some_minutes = std::chrono::seconds(200);
    auto slept = co_await rt::sleep_for(rt::Context::background(), some_minutes);
    EXPECT_TRUE(slept.has_value());
    Holds one = [&c]() -> rt::Task<bool> { co_return (co_await c.count(batch + "jobs")) <= 1; };
    co_await c.eventually("one job is kept", std::move(one));
  });
}

}  // namespace
}  // namespace pintle::controller::testing
