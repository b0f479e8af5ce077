// Jobs end to end: what counts as a failure, and what does not.
#include <gtest/gtest.h>

#include "cluster.h"

namespace pintle::controller::testing {
namespace {

const std::string jobs = "/apis/batch/v1/namespaces/default/jobs";
const std::string pods = "/api/v1/namespaces/default/pods";

std::string job(const std::string& spec) {
  return R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j"},"spec":{)" + spec +
         R"("template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}})";
}

rt::Task<void> patch(Cluster& c, std::string path, std::string body) {
  auto done = co_await c.client().ask_json(rt::Context::background(), "PATCH", path, body, "application/strategic-merge-patch+json");
  EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().message);
}

rt::Task<void> has(Cluster& c, std::string field, std::string wanted) {
  std::function<rt::Task<bool>()> holds = [&c, field, wanted]() -> rt::Task<bool> {
    const std::string got = co_await c.at(jobs + "/j", field);
    co_return got == wanted;
  };
  co_await c.eventually(field + " is " + wanted, std::move(holds));
}

rt::Task<void> counts(Cluster& c, std::size_t wanted) {
  std::function<rt::Task<bool>()> holds = [&c, wanted]() -> rt::Task<bool> {
    const std::size_t got = co_await c.count(pods);
    co_return got == wanted;
  };
  co_await c.eventually(std::to_string(wanted) + " pods", std::move(holds));
}

rt::Task<std::string> failed(Cluster& c) { return c.at(jobs + "/j", "status.failed"); }

TEST(Job, SuspendedOrScaledDownItHasNoFailures) {
  with_cluster({.hollow = false}, [](Cluster& c) -> rt::Task<void> {
    co_await c.create(jobs, job(R"("parallelism":9,"completions":9,"backoffLimit":1,)"));
    co_await has(c, "status.active", "9");
    co_await patch(c, jobs + "/j", R"({"spec":{"parallelism":1}})");
    co_await counts(c, 1);
    co_await has(c, "status.active", "1");
    EXPECT_EQ(co_await failed(c), "");
    co_await patch(c, jobs + "/j", R"({"spec":{"suspend":true}})");
    co_await counts(c, 0);
    co_await has(c, "status.conditions.0.type", "Suspended");
    EXPECT_EQ(co_await failed(c), "");
  });
}

TEST(Job, WithNothingToDoItIsCompleteEvenSuspended) {
  with_cluster({}, [](Cluster& c) -> rt::Task<void> {
    co_await c.create(jobs, job(R"("completions":0,"suspend":true,)"));
    std::function<rt::Task<bool>()> holds = [&c]() -> rt::Task<bool> {
      const std::string when = co_await c.at(jobs + "/j", "status.completionTime");
      co_return !when.empty();
    };
    co_await c.eventually("it is complete", std::move(holds));
  });
}

TEST(Job, CountsAnAdoptedPodThatSucceeds) {
  with_cluster({.hollow = false}, [](Cluster& c) -> rt::Task<void> {
    co_await c.create(
        pods,
        R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"mine","labels":{"run":"x"}},"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}})");
    co_await c.create(
        jobs, R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j"},"spec":{"manualSelector":true,"selector":{"matchLabels":{"run":"x"}},)"
              R"("template":{"metadata":{"labels":{"run":"x"}},"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}})");
    co_await has(c, "status.active", "1");
    EXPECT_EQ(co_await c.at(pods + "/mine", "metadata.finalizers.0"), "batch.kubernetes.io/job-tracking");
    co_await patch(c, pods + "/mine/status", R"({"status":{"phase":"Succeeded"}})");
    co_await has(c, "status.succeeded", "1");
    EXPECT_EQ(co_await c.count(pods), 1u);
  });
}

TEST(Job, ThatReplacesFailedPodsReplacesOneThatWasNeverScheduled) {
  with_cluster({.hollow = false}, [](Cluster& c) -> rt::Task<void> {
    co_await c.create(jobs, job(R"("podReplacementPolicy":"Failed",)"));
    co_await counts(c, 1);
    const std::string name = co_await c.at(pods, "items.0.metadata.name");
    auto gone = co_await c.client().ask_json(rt::Context::background(), "DELETE", pods + "/" + name, "", "");
    EXPECT_TRUE(gone.has_value());
    co_await has(c, "status.failed", "1");
    co_await has(c, "status.active", "1");
    co_await counts(c, 1);
  });
}

}  // namespace
}  // namespace pintle::controller::testing
