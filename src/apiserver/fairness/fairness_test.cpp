#include "apiserver/fairness/fairness.h"

#include <gtest/gtest.h>

#include <deque>

#include "api/codec.h"
#include "apiserver/authentication/testing/fake_reader.h"
#include "apiserver/fairness/debug_pages.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::apiserver::fairness {
namespace {

namespace objects = api::flowcontrol_v1;
using Entry = Seat::Entry;
using std::chrono::seconds;

const GroupResource levels{"flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations"};
const GroupResource schemas{"flowcontrol.apiserver.k8s.io", "flowschemas"};

template <class T>
T object(const std::string& name, const std::string& spec) {
  T out;
  out.metadata.name = name;
  out.metadata.uid = name + "-uid";
  const auto decoded = api::decode_json(spec, api::type_of<decltype(out.spec)>(), &out.spec);
  EXPECT_TRUE(decoded) << (decoded ? "" : decoded.error().message);
  return out;
}

std::string level_spec(int shares, int lendable, int length) {
  return R"({"type":"Limited","limited":{"nominalConcurrencyShares":)" + std::to_string(shares) + R"(,"lendablePercent":)" +
         std::to_string(lendable) + R"(,"limitResponse":{"type":"Queue","queuing":{"queues":8,"handSize":2,"queueLengthLimit":)" +
         std::to_string(length) + "}}}}";
}
std::string schema_spec(const std::string& level, int precedence, const std::string& group) {
  return R"({"priorityLevelConfiguration":{"name":")" + level + R"("},"matchingPrecedence":)" + std::to_string(precedence) +
         R"(,"distinguisherMethod":{"type":"ByUser"},"rules":[{"subjects":[{"kind":"Group","group":{"name":")" + group +
         R"("}}],"resourceRules":[{"verbs":["*"],"apiGroups":["*"],"resources":["*"],"clusterScope":true,"namespaces":["*"]}]}]})";
}

UserInfo user(std::string name, std::string group) {
  UserInfo out;
  out.name = std::move(name);
  out.groups = {std::move(group)};
  return out;
}
RequestInfo get_pods() {
  RequestInfo info;
  info.is_resource = true;
  info.verb = "get";
  info.resource = "pods";
  info.ns = "a";
  return info;
}

rt::Runtime& here() { return rt::Executor::current().runtime(); }

// Levels: catch-all (imagined), `tenants` with 2 of 7 seats, nothing to lend.
struct World {
  explicit World(int length = 2) {
    reader.put(levels, object<objects::PriorityLevelConfiguration>("tenants", level_spec(2, 0, length)));
    reader.put(schemas, object<objects::FlowSchema>("tenants", schema_spec("tenants", 100, "tenant")));
    const FairnessDeps deps{here(), reader, registry, 7};
    fairness = Fairness::make(deps);
  }
  Entry enter(Seat& seat, const UserInfo& who, Work work = {}) { return fairness->enter(seat, fairness->classify(who, info), who, info, work); }

  testing::FakeReader reader;
  component::metrics::Registry registry;
  RequestInfo info = get_pods();
  std::shared_ptr<Fairness> fairness;
};

// What was posted has run, in whatever order the seed chose.
rt::Task<void> digested() {
  for (int i = 0; i < 50; ++i) co_await rt::yield();
}

rt::Task<void> wait_in(Seat* seat, rt::Context ctx, std::optional<bool>* seated) { *seated = co_await seat->wait(std::move(ctx), seconds(15)); }

rt::Task<void> seats_and_queues() {
  World world(1);
  const UserInfo ann = user("ann", "tenant"), root = user("root", "system:masters");
  Seat a, b, c, free;
  EXPECT_EQ(world.enter(a, ann), Entry::Seated);
  EXPECT_EQ(world.enter(b, ann), Entry::Seated);
  EXPECT_EQ(world.enter(c, ann), Entry::Waiting);
  EXPECT_EQ(world.enter(free, root), Entry::Seated) << "masters wait for nobody";
  std::optional<bool> seated;
  rt::TaskGroup tasks;
  tasks.spawn(wait_in(&c, rt::Context::background(), &seated));
  EXPECT_FALSE(seated);
  std::deque<Seat> more(4);
  for (Seat& seat : more) {
    const Entry entry = world.enter(seat, ann);
    std::optional<bool> unused;
    if (entry == Entry::Waiting) {
      const rt::Context gone = rt::Context::background().child();
      gone.cancel();
      co_await wait_in(&seat, gone, &unused);
      EXPECT_EQ(unused, false);
      EXPECT_EQ(seat.refusal(), Refusal::Cancelled);
    }
  }
  a.release();
  co_await tasks.join();
  EXPECT_EQ(seated, true);
  b.release();
  c.release();
  for (const auto& level : world.fairness->levels()) EXPECT_TRUE(level->idle() || level->exempt()) << level->name();
}
TEST(Fairness, SeatsAndQueues) { rt::testing::run_sim(seats_and_queues()); }

rt::Task<void> waits_end() {
  World world(5);
  const UserInfo ann = user("ann", "tenant");
  Seat a, b, c, d;
  world.enter(a, ann);
  world.enter(b, ann);
  EXPECT_EQ(world.enter(c, ann), Entry::Waiting);
  const auto began = here().clock().now();
  std::optional<bool> seated;
  co_await wait_in(&c, rt::Context::background(), &seated);
  EXPECT_EQ(seated, false);
  EXPECT_EQ(c.refusal(), Refusal::TimedOut);
  EXPECT_NEAR(std::chrono::duration<double>(here().clock().now() - began).count(), 15, 0.1);
  EXPECT_EQ(world.enter(d, ann), Entry::Waiting);
  const std::string page = debug_page(*world.fairness, "dump_requests", true, here().clock().wall_now(), here().clock().now());
  EXPECT_NE(page.find("tenants"), page.npos) << page;
  EXPECT_NE(page.find("ann"), page.npos) << page;
  a.release();  // before it sleeps
  co_await wait_in(&d, rt::Context::background(), &seated);
  EXPECT_EQ(seated, true);
  const std::string metrics = world.registry.write();
  EXPECT_NE(metrics.find(R"(apiserver_flowcontrol_rejected_requests_total{flow_schema="tenants",priority_level="tenants",reason="time-out"} 1)"),
            metrics.npos)
      << metrics;
}
TEST(Fairness, WaitsEnd) { rt::testing::run_sim(waits_end()); }

rt::Task<void> classification() {
  World world;
  const auto where = [&](const UserInfo& who) { return world.fairness->classify(who, world.info).flow->schema.name; };
  EXPECT_EQ(where(user("ann", "tenant")), "tenants");
  EXPECT_EQ(where(user("bob", "other")), "catch-all");
  EXPECT_EQ(where(user("root", "system:masters")), "exempt");
  world.reader.put(schemas, object<objects::FlowSchema>("first", schema_spec("tenants", 50, "tenant")));
  world.reader.put(schemas, object<objects::FlowSchema>("lost", schema_spec("nowhere", 10, "tenant")));
  co_await digested();
  EXPECT_EQ(where(user("ann", "tenant")), "first") << "one that leads nowhere is as if it were not there";
  auto upkeep = world.fairness->upkeep();
  EXPECT_EQ(upkeep.dangling.size(), 3u);
  for (const auto& item : upkeep.dangling) EXPECT_EQ(item.dangling, item.schema == "lost");
  auto marked = object<objects::FlowSchema>("lost", schema_spec("nowhere", 10, "tenant"));
  marked.status.conditions.resize(1);
  marked.status.conditions[0].type = "Dangling";
  marked.status.conditions[0].status = "True";
  marked.status.conditions[0].reason = "NotFound";
  world.reader.put(schemas, marked);
  EXPECT_EQ(world.fairness->upkeep().dangling.size(), 2u);
  world.reader.put(levels, object<objects::PriorityLevelConfiguration>("nowhere", level_spec(1, 0, 1)));
  EXPECT_EQ(world.fairness->upkeep().dangling.size(), 3u) << "and now it leads somewhere";
  co_await digested();
  EXPECT_EQ(where(user("ann", "tenant")), "lost");
  world.reader.remove(levels, "", "nowhere");
  world.reader.remove(schemas, "", "first");
  co_await digested();
  EXPECT_EQ(where(user("ann", "tenant")), "tenants");
}
TEST(Fairness, FollowsItsObjects) { rt::testing::run_sim(classification()); }

// A level that is gone goes on until those who are at it have left.
rt::Task<void> removed_level() {
  World world;
  const UserInfo ann = user("ann", "tenant");
  Seat a, b, c;
  world.enter(a, ann);
  world.enter(b, ann);
  EXPECT_EQ(world.enter(c, ann), Entry::Waiting);
  world.reader.remove(levels, "", "tenants");
  co_await digested();
  EXPECT_EQ(world.fairness->classify(ann, world.info).flow->schema.name, "catch-all");
  a.release();
  std::optional<bool> seated;
  co_await wait_in(&c, rt::Context::background(), &seated);
  EXPECT_EQ(seated, true);
}
TEST(Fairness, ARemovedLevelDrains) { rt::testing::run_sim(removed_level()); }

rt::Task<void> borrows() {
  World world(50);
  world.reader.put(levels, object<objects::PriorityLevelConfiguration>("lender", level_spec(7, 100, 5)));
  co_await digested();
  const UserInfo ann = user("ann", "tenant");
  std::deque<Seat> seats(6);
  std::deque<std::optional<bool>> seated(6);
  rt::TaskGroup tasks;
  for (std::size_t i = 0; i < seats.size(); ++i)
    if (world.enter(seats[i], ann) == Entry::Waiting) tasks.spawn(wait_in(&seats[i], rt::Context::background(), &seated[i]));
  EXPECT_GT(tasks.size(), 0u);
  (void)co_await rt::sleep_for(rt::Context::background(), borrowing_period + seconds(1));
  const auto there = std::count(seated.begin(), seated.end(), std::optional<bool>(true));
  EXPECT_GT(there, 1) << "seats that the other level does not need";
  for (Seat& seat : seats) seat.release();
  (void)co_await rt::sleep_for(rt::Context::background(), borrowing_period);
  for (Seat& seat : seats) seat.release();
  co_await tasks.join();
  for (Seat& seat : seats) seat.release();
}
TEST(Fairness, BorrowsWhatIsNotNeeded) { rt::testing::run_sim(borrows()); }

rt::Task<void> client(World* world, UserInfo who, int rounds, std::atomic<int>* served) {
  for (int i = 0; i < rounds; ++i) {
    Seat seat;
    const Entry entry = world->enter(seat, who);
    bool seated = entry == Entry::Seated;
    if (entry == Entry::Waiting) seated = co_await seat.wait(rt::Context::background(), seconds(15));
    co_await rt::yield();
    if (seated) ++*served;
  }
}
rt::Task<void> many_threads() {
  World world(1000);
  std::atomic<int> served = 0;
  rt::TaskGroup tasks;
  for (int i = 0; i < 40; ++i)
    tasks.spawn_on(here().executor(static_cast<std::size_t>(i) % 2), client(&world, user("u" + std::to_string(i % 7), "tenant"), 500, &served));
  co_await tasks.join();
  EXPECT_EQ(served, 40 * 500);
  for (const auto& level : world.fairness->levels()) EXPECT_TRUE(level->idle()) << level->name();
}
TEST(Fairness, NobodyIsForgottenOnTwoThreads) {
  rt::testing::run_task([] { return many_threads(); }, {.threads = 2});
}

}  // namespace
}  // namespace pintle::apiserver::fairness
