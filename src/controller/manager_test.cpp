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
    co_return Unit{};
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
    co_await world.start([](ControllerDeps) -> std::unique_ptr<Controller> {
      struct Nothing final : Controller {
        void start() override {}
        rt::Task<void> stop() override { co_return; }
      };
      return std::make_unique<Nothing>();
    });
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
    EXPECT_FALSE(page.contains("name=\"steady\"")) << page;
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
}

}  // namespace
}  // namespace pintle::controller
