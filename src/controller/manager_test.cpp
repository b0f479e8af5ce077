#include "controller/manager.h"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

#include "base/check.h"
#include "client/work_queue.h"
#include "controller/testing.h"

namespace pintle::controller {
namespace {

using api::core_v1::ConfigMap;
using MapPtr = std::shared_ptr<const ConfigMap>;

// What the controllers of a test did; the rows of a table have no state.
struct Seen {
  int made = 0;
  std::multiset<std::string> synced;
};
Seen fragile_seen, steady_seen;

// Looks at every ConfigMap. That of FragileController fails by the name: in the handler, in the plan, or in the round.
// A coroutine that is no controller's: what escapes from it is its awaiter's.
rt::Task<Result<Unit>> library_call(bool fails) {
  co_await rt::yield();
  if (fails) throw std::runtime_error("of a library");
  co_return Unit{};
}

class MapController : public Controller {
 public:
  MapController(ControllerDeps deps, Seen& seen, bool fragile)
      : seen_(seen),
        fragile_(fragile),
        maps_(deps.informers.of<ConfigMap>()),
        loop_(deps.runtime, deps.name, [this](rt::Context, std::string key) { return sync(key); }) {
    ++seen_.made;
    maps_.add_index("name of " + deps.name, [](const ConfigMap& map) { return std::vector<std::string>{map.metadata.name}; });
    maps_.on_any([this](const ConfigMap& map) {
      if (fragile_ && map.metadata.name == "handler") throw std::out_of_range("of the handler");
      loop_.queue().add(map.metadata.name);
    });
  }
  void start() override { loop_.start(1); }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  static int plan(const std::string& key, bool fragile) {
    CHECK(!fragile || key != "check", "a test's");
    if (fragile && key == "plan") throw std::length_error("of the plan");
    return 1;
  }
  rt::Task<Result<Unit>> deeper(std::string key) {
    if (fragile_ && key == "round") throw std::runtime_error("of the round");
    co_return co_await library_call(fragile_ && key == "library");
  }
  rt::Task<Result<Unit>> sync(std::string key) {
    if (maps_.get("default", key) == nullptr) co_return Unit{};
    CO_TRY(contained([&] { return plan(key, fragile_); }));
    CO_TRY(co_await deeper(key));
    seen_.synced.insert(key);
    co_return Unit{};
  }
  Seen& seen_;
  bool fragile_;
  client::Informer<ConfigMap> maps_;
  client::ControlLoop loop_;
};

// In the place of the one that a World has.
struct Nothing final : Controller {
  void start() override {}
  rt::Task<void> stop() override { co_return; }
};

constexpr ControllerRow rows[] = {
    {"fragile", "fragile", "f", "fragile",
     [](ControllerDeps deps) -> std::unique_ptr<Controller> { return std::make_unique<MapController>(deps, fragile_seen, true); }},
    {"steady", "steady", "s", "steady",
     [](ControllerDeps deps) -> std::unique_ptr<Controller> { return std::make_unique<MapController>(deps, steady_seen, false); }},
};

ConfigMap map_named(const std::string& name) {
  ConfigMap map;
  map.metadata.name = map.metadata.uid = name;
  map.metadata.namespace_ = "default";
  return map;
}

// The fragile controller meets a map of that name, with others before and after it; half a minute later.
void check_contained(const std::string& name) {
  fragile_seen = steady_seen = {};
  testing::in_world([=](testing::World& world) -> rt::Task<void> {
    world.controller = std::make_unique<Nothing>();
    for (const std::string& one : {std::string("a"), name, std::string("z")}) world.server.put(map_named(one));
    component::metrics::Registry metrics;
    ManagerSetup setup{.runtime = rt::Executor::current().runtime(), .client = *world.client, .metrics = &metrics, .table = rows};
    auto manager = make_controller_manager(std::move(setup));
    EXPECT_TRUE(manager->start().has_value());
    co_await testing::pass(std::chrono::seconds(30));
    EXPECT_TRUE(manager->running());
    for (const char* one : {"a", "z"}) EXPECT_TRUE(fragile_seen.synced.contains(one)) << name << ": " << one;
    EXPECT_FALSE(fragile_seen.synced.contains(name)) << name;
    EXPECT_GE(fragile_seen.made, 4) << name;  // after 1, 3, 7 and 15 seconds
    EXPECT_LE(fragile_seen.made, 6) << name;
    EXPECT_EQ(steady_seen.made, 1) << name;
    EXPECT_EQ(steady_seen.synced, (std::multiset<std::string>{"a", name, "z"})) << name;
    const std::string page = metrics.write();
    EXPECT_TRUE(page.contains("pintle_controller_failures_total{name=\"fragile\"} ")) << page;
    EXPECT_FALSE(page.contains("pintle_controller_failures_total{name=\"steady\"")) << page;
    for (const char* one : {"fragile", "steady"})
      EXPECT_TRUE(page.contains("running_managed_controllers{name=\"" + std::string(one) + "\",manager=\"kube-controller-manager\"} 1\n")) << page;
    world.server.remove(map_named(name));  // what was wrong goes: no more of it
    co_await testing::pass(std::chrono::seconds(60));
    const int made = fragile_seen.made;
    co_await testing::pass(std::chrono::minutes(20));
    EXPECT_EQ(fragile_seen.made, made) << name;
    co_await manager->stop();
  });
}

TEST(ControllerManager, AFailureInOneControllerIsItsOwn) {
  check_contained("handler");
  check_contained("plan");
  check_contained("check");
  check_contained("round");
  check_contained("library");
}

void check_absent(const std::vector<std::string>& list, const std::map<std::string, bool>& gates, const std::string& name, const std::string& want) {
  std::string said = "nothing";
  for (const AbsentController& absent : absent_controllers(list, *component::FeatureGates::parse(gates)))
    if (absent.name == name) said = std::string(absent.why) + (absent.gates.empty() ? "" : ": " + absent.gates);
  EXPECT_EQ(said, want) << name;
}

TEST(ControllerManager, WhatIsNotHereIsAnnounced) {
  check_absent({"*"}, {}, "node-route-controller", "Skipping a cloud provider controller");
  check_absent({"*", "-route"}, {}, "node-route-controller", "nothing");
  check_absent({"*"}, {}, "podgroup-protection-controller", "Controller is disabled by a feature gate: GenericWorkload");
  check_absent({"*"}, {}, "storageversion-garbage-collector-controller",
               "Controller is disabled by a feature gate: APIServerIdentity,StorageVersionAPI");
  check_absent({"*"}, {{"GenericWorkload", true}}, "podgroup-protection-controller", "The controller is not part of this manager");
  check_absent({"*"}, {}, "job-controller", "nothing");
}

// A controller of the real table, made and ended twice over the same informers; then objects come and go.
rt::Task<void> make_twice(testing::World& world, const ControllerRow& row) {
  const rt::Context ctx = rt::Context::background();
  for (int i = 0; i < 2; ++i) {
    const auto owner = std::make_shared<client::HandlerOwner>();
    owner->on_failure = [&row](std::string_view what) { ADD_FAILURE() << row.name << ": " << what; };
    world.informers.set_owner(owner);
    ControllerDeps deps{std::string(row.name),
                        rt::Executor::current().runtime(),
                        *world.client,
                        world.informers,
                        world.events,
                        world.pods,
                        world.options,
                        world.families,
                        owner};
    auto controller = row.make(std::move(deps));
    controller->on_failure = owner->on_failure;
    world.informers.set_owner(nullptr);
    world.informers.start();
    (void)co_await world.informers.wait_synced(ctx.with_timeout(std::chrono::seconds(5)));  // the fake server has no lists of one namespace
    controller->start();
    co_await testing::pass(std::chrono::seconds(5));
    co_await controller->stop();
    owner->ended = true;
  }
  api::core_v1::Node node;
  node.metadata.name = node.metadata.uid = "n";
  world.server.put(node);
  world.server.put(map_named("m"));
  co_await testing::pass(std::chrono::seconds(5));  // nobody is told who has ended
  world.server.remove(node);
  world.server.remove(map_named("m"));
  co_await testing::pass(std::chrono::seconds(5));
}

TEST(ControllerManager, EveryControllerCanBeMadeAnew) {
  for (const ControllerRow& row : controller_table()) {
    testing::in_world([&row](testing::World& world) -> rt::Task<void> {
      world.controller = std::make_unique<Nothing>();
      co_await make_twice(world, row);
    });
  }
}

}  // namespace
}  // namespace pintle::controller
