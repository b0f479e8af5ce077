// What CronJobs do not recover from by themselves: lines that never fire, years of missed starts, clocks that step.
#include "controller/cronjob/controller.h"

#include <gtest/gtest.h>

#include "api/gen/batch_v1.h"
#include "apimachinery/clock_time.h"
#include "controller/testing.h"
#include "rt/sim/simulation.h"

namespace pintle::controller::cronjob {
namespace {

using api::batch_v1::CronJob;
using api::batch_v1::Job;
using testing::World;

CronJob cron_of(const std::string& schedule, rt::Duration age) {
  CronJob cron;
  cron.metadata.name = cron.metadata.uid = "c";
  cron.metadata.namespace_ = "default";
  cron.metadata.creation_timestamp = apimachinery::to_api_time(rt::Executor::current().runtime().clock().wall_now() - age);
  cron.spec.schedule = schedule;
  cron.spec.concurrency_policy = "Allow";
  return cron;
}

// Statuses come back by the watch; jobs that are made end at once.
void keep_writes(World& world) {
  auto jobs = std::make_shared<std::map<std::string, Job>>();
  world.server.on_write = [&world, jobs](const client::testing::FakeServer::Write& write) {
    if (write.method == "PUT" && write.path.contains("/cronjobs/")) world.server.put(write.as<CronJob>());
    if (write.method == "POST" && write.path.ends_with("/jobs")) {
      Job job = write.as<Job>();
      job.metadata.uid = job.metadata.name;
      auto& complete = job.status.conditions.emplace_back();
      complete.type = "Complete";
      complete.status = "True";
      (*jobs)[job.metadata.name] = job;
      world.server.put(job);
    }
    if (const auto it = jobs->find(write.path.substr(write.path.rfind('/') + 1)); write.method == "DELETE" && it != jobs->end()) {
      world.server.remove(it->second);
      jobs->erase(it);
    }
    return 200;
  };
}

std::vector<std::string> jobs_made(const World& world) {
  std::vector<std::string> out;
  for (const auto& write : world.server.written("POST", "/jobs")) out.push_back(write.as<Job>().metadata.name);
  return out;
}

TEST(CronJobController, ALineThatNeverFires) {
  testing::in_world([](World& world) -> rt::Task<void> {
    keep_writes(world);
    world.server.put(cron_of("0 0 31 2 *", std::chrono::hours(24)));
    co_await world.start(make_cronjob_controller);
    co_await testing::pass(std::chrono::hours(48));
    EXPECT_EQ(world.event("InvalidSchedule"), "invalid schedule: 0 0 31 2 * : time difference between two schedules is less than 1 second");
    EXPECT_TRUE(jobs_made(world).empty());
    EXPECT_LE(world.server.writes.size(), 2u);  // it is told once, and waits for nothing
  });
}

TEST(CronJobController, TenYearsOfMissedStarts) {
  testing::in_world([](World& world) -> rt::Task<void> {
    keep_writes(world);
    world.server.put(cron_of("* * * * *", std::chrono::hours(24 * 3650)));
    co_await world.start(make_cronjob_controller);
    co_await testing::pass(std::chrono::seconds(20));
    EXPECT_EQ(world.event("TooManyMissedTimes"), "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew");
    EXPECT_EQ(jobs_made(world).size(), 1u);  // the last of them
    co_await testing::pass(std::chrono::minutes(5));
    EXPECT_EQ(jobs_made(world).size(), 6u);
  });
}

// Back: nothing is started twice. Forward: what was due is, at the next look.
TEST(CronJobController, ClocksThatStep) {
  rt::Simulation simulation({.seed = 1});
  rt::Machine& machine = simulation.add_machine({.executors = 2});
  const auto ended = simulation.run(machine, [&]() -> rt::Task<void> {
    World world;
    keep_writes(world);
    world.server.put(cron_of("* * * * *", std::chrono::seconds(1)));
    co_await world.start(make_cronjob_controller);
    co_await testing::pass(std::chrono::minutes(10));
    EXPECT_EQ(jobs_made(world).size(), 10u);
    machine.set_clock_offset(-std::chrono::minutes(5));
    co_await testing::pass(std::chrono::minutes(5));
    EXPECT_LE(jobs_made(world).size(), 11u);
    const std::size_t writes = world.server.writes.size();
    co_await testing::pass(std::chrono::minutes(10));
    EXPECT_NEAR(static_cast<double>(jobs_made(world).size()), 20.0, 1.0);
    EXPECT_LE(world.server.writes.size() - writes, 80u);  // some of each start, and none between
    machine.set_clock_offset(std::chrono::hours(24 * 400));
    co_await testing::pass(std::chrono::minutes(2));
    EXPECT_EQ(world.event("TooManyMissedTimes"), "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew");
    const auto made = jobs_made(world);
    EXPECT_EQ(std::set<std::string>(made.begin(), made.end()).size(), made.size());
    EXPECT_LE(made.size(), 24u);
    co_await world.stop();
  });
  EXPECT_TRUE(ended) << (ended ? "" : ended.error().message);
}

}  // namespace
}  // namespace pintle::controller::cronjob
