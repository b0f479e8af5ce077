#include "apiserver/registry/cached_versions.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/custom_object.h"
#include "apiserver/registry/converted_watcher.h"
#include "apiserver/registry/custom_codec.h"
#include "apiserver/registry/version_converter.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::apiserver::registry {
namespace {

using api::CustomObject;
using storage::CachedObjectPtr;

// Declares everything; "spec.color" may be selected by.
class AnyShape final : public VersionShape {
 public:
  Result<Unit> settle(api::Object&, std::vector<std::string>*) const override { return Unit{}; }
  Result<Unit> settle_applied(api::Object&) const override { return Unit{}; }
  Result<Unit> settle_admitted(api::Object&) const override { return Unit{}; }
  void prune(api::Object&) const override {}
  Result<Unit> settle_converted(api::Object&) const override { return Unit{}; }
  const apimachinery::SchemaView& schema_view() const override { return view_; }
  std::string column_definitions() const override { return "[]"; }
  void table_cells(const api::Object&, TableCells&) const override {}
  std::span<const std::string> selectable_fields() const override { return names_; }
  std::vector<std::string> selectable_values(const api::Object& object) const override {
    const codec::Value* spec = object.as<CustomObject>().rest.members.find("spec");
    return {spec ? std::string(spec->string_at("color")) : std::string()};
  }

 private:
  const apimachinery::TypeSchema view_{api::type_of<CustomObject>()};
  const std::vector<std::string> names_{"spec.color"};
};

// Paints what it converts in the version's color; waits where it is told to, and fails where it is told to.
class Painter final : public VersionConverter {
 public:
  rt::Task<Result<std::vector<api::Object>>> convert(rt::Context ctx, std::vector<Item> items, const VersionBinding& to) const override {
    calls.push_back(items.size());
    if (hangs) CO_TRY(co_await go.wait(ctx));
    if (fails) co_return error(Reason::Unknown, "no paint");
    std::vector<api::Object> out;
    for (const Item& item : items) {
      api::Object object(api::type_of<CustomObject>());
      CO_TRY(api::decode_json(item.json.view(), object.type(), object.data()));
      object.as<CustomObject>().rest.members["spec"]["color"] = to.api_version;
      out.push_back(std::move(object));
    }
    co_return out;
  }
  mutable std::vector<std::size_t> calls;
  mutable rt::Event go;
  bool hangs = false, fails = false;
};

struct World {
  World() {
    ResourceDefinition definition;
    definition.resource = {"example.com", "widgets"};
    definition.converter = painter;
    std::vector<VersionBinding> versions(2);
    for (std::size_t i = 0; i < 2; ++i) {
      versions[i].kind = &kinds[i];
      versions[i].shape = &shape;
      versions[i].api_version = i == 0 ? "example.com/v1" : "example.com/v2";
    }
    resource = std::make_shared<const Resource>(std::move(definition), std::move(versions), 0, nullptr);
    codec = std::make_shared<const CustomCodec>(resource, std::make_shared<storage::CacheBudget>());
    shown = std::make_shared<CachedVersions>(resource, codec);
  }
  CachedObjectPtr object(const std::string& name, int64_t revision = 1, std::size_t bytes = 0) const {
    storage::KeyValue stored;
    stored.key = "/registry/example.com/widgets/" + name;
    stored.mod_revision = revision;
    stored.value = Bytes(R"({"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":")" + name + R"("},"spec":{"color":"none","pad":")" +
                         std::string(bytes, 'x') + "\"}}");
    auto loaded = codec->load(stored);
    EXPECT_TRUE(loaded);
    return std::make_shared<const storage::CachedObject>(*codec, stored, std::move(*loaded));
  }
  const VersionBinding& v2() const { return resource->versions()[1]; }

  AnyShape shape;
  api::KindInfo kinds[2] = {{{"example.com", "v1", "Widget"}, &api::type_of<CustomObject>(), offsetof(CustomObject, metadata), false},
                            {{"example.com", "v2", "Widget"}, &api::type_of<CustomObject>(), offsetof(CustomObject, metadata), false}};
  std::shared_ptr<Painter> painter = std::make_shared<Painter>();
  std::shared_ptr<const Resource> resource;
  std::shared_ptr<const CustomCodec> codec;
  std::shared_ptr<CachedVersions> shown;
};

rt::Task<void> a_state_is_made_once(World& world) {
  std::vector<CachedObjectPtr> two{world.object("a"), world.object("b", 2)};
  auto shown = co_await world.shown->show(rt::Context::background(), two, world.v2());
  EXPECT_TRUE(shown);
  EXPECT_EQ(world.painter->calls, (std::vector<std::size_t>{2}));  // one call for both
  EXPECT_EQ((*shown)[1]->version(), 1u);
  EXPECT_EQ((*shown)[1]->revision(), 2);
  EXPECT_EQ((*shown)[1]->key(), two[1]->key());
  EXPECT_EQ((*shown)[0]->wire().view(), R"({"metadata":{"name":"a","resourceVersion":"1"},"spec":{"color":"example.com/v2","pad":""}})");
  EXPECT_EQ(*(*shown)[0]->header().fields.get("spec.color"), "example.com/v2");
  EXPECT_EQ(two[0]->converted(1), (*shown)[0]);
  auto again = co_await world.shown->show(rt::Context::background(), two, world.v2());
  EXPECT_EQ((*again)[0], (*shown)[0]);
  EXPECT_EQ(world.painter->calls.size(), 1u);
  auto stored = co_await world.shown->show_one(rt::Context::background(), two[0], world.resource->versions()[0]);
  EXPECT_EQ(*stored, two[0]);
}
TEST(CachedVersions, MakeAStateOnce) {
  rt::testing::run_sim([world = std::make_shared<World>()] { return a_state_is_made_once(*world); });
}

rt::Task<void> show_into(World* world, std::vector<CachedObjectPtr> objects, rt::Context ctx, std::vector<Result<CachedObjectPtr>>* out) {
  auto shown = co_await world->shown->show(ctx, std::move(objects), world->v2());
  if (shown)
    out->push_back(shown->front());
  else
    out->push_back(Unexpected(shown.error()));
}

rt::Task<void> all_wait_for_one(World& world) {
  world.painter->hangs = true;
  const std::vector<CachedObjectPtr> one{world.object("a")};
  std::vector<Result<CachedObjectPtr>> got;
  rt::TaskGroup tasks;
  for (int i = 0; i < 5; ++i) tasks.spawn(show_into(&world, one, rt::Context::background(), &got));
  (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(1));
  EXPECT_EQ(world.painter->calls.size(), 1u);
  world.painter->go.set();
  co_await tasks.join();
  EXPECT_EQ(got.size(), 5u);
  for (const auto& result : got) EXPECT_TRUE(result && *result == *got.front());
  EXPECT_EQ(world.painter->calls.size(), 1u);
}
TEST(CachedVersions, LetAllWaitForOneCall) {
  rt::testing::run_sim([world = std::make_shared<World>()] { return all_wait_for_one(*world); });
}

rt::Task<void> who_gives_up_fails_nobody_else(World& world) {
  world.painter->hangs = true;
  const std::vector<CachedObjectPtr> one{world.object("a")};
  std::vector<Result<CachedObjectPtr>> impatient, patient;
  const rt::Context short_time = rt::Context::background().with_timeout(std::chrono::seconds(1));
  rt::TaskGroup tasks;
  tasks.spawn(show_into(&world, one, short_time, &impatient));
  (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::milliseconds(1));  // it is the one that asks
  tasks.spawn(show_into(&world, one, rt::Context::background(), &patient));
  (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::seconds(2));
  EXPECT_TRUE(impatient.size() == 1 && !impatient[0]);
  EXPECT_EQ(world.painter->calls.size(), 2u);  // the other one asks by itself now
  world.painter->go.set();
  co_await tasks.join();
  EXPECT_TRUE(patient.size() == 1 && patient[0]);
}
TEST(CachedVersions, FailNobodyForOneThatGivesUp) {
  rt::testing::run_sim([world = std::make_shared<World>()] { return who_gives_up_fails_nobody_else(*world); });
}

rt::Task<void> failures_are_told_and_not_kept(World& world) {
  world.painter->fails = true;
  const std::vector<CachedObjectPtr> one{world.object("a")};
  auto failed = co_await world.shown->show(rt::Context::background(), one, world.v2());
  EXPECT_TRUE(!failed && failed.error().message == "no paint");
  world.painter->fails = false;
  auto shown = co_await world.shown->show(rt::Context::background(), one, world.v2());
  EXPECT_TRUE(shown.has_value());
}
TEST(CachedVersions, TellFailuresAndKeepNone) {
  rt::testing::run_sim([world = std::make_shared<World>()] { return failures_are_told_and_not_kept(*world); });
}

rt::Task<void> calls_are_bounded(World& world) {
  std::vector<CachedObjectPtr> many, large;
  for (std::size_t i = 0; i < converted_objects_max + 1; ++i) many.push_back(world.object("m" + std::to_string(i)));
  (void)co_await world.shown->show(rt::Context::background(), std::move(many), world.v2());
  EXPECT_EQ(world.painter->calls, (std::vector<std::size_t>{converted_objects_max, 1}));
  world.painter->calls.clear();
  for (int i = 0; i < 3; ++i) large.push_back(world.object("l" + std::to_string(i), 1, converted_bytes_max / 2 - 1000));
  large.push_back(world.object("huge", 1, converted_bytes_max + 1));
  (void)co_await world.shown->show(rt::Context::background(), std::move(large), world.v2());
  EXPECT_EQ(world.painter->calls, (std::vector<std::size_t>{2, 1, 1}));
}
TEST(CachedVersions, BoundTheirCalls) {
  rt::testing::run_sim([world = std::make_shared<World>()] { return calls_are_bounded(*world); });
}

// Events as told.
class Script final : public storage::CacheWatcher {
 public:
  explicit Script(std::vector<storage::CacheEvent> events) : events_(std::move(events)) {}
  rt::Task<Result<std::vector<storage::CacheEvent>>> next(rt::Context) override {
    if (events_.empty()) co_return error(Reason::Gone, "over");
    co_return std::exchange(events_, {});
  }
  int64_t revision() const override { return 0; }

 private:
  std::vector<storage::CacheEvent> events_;
};

storage::CacheEvent event(storage::CacheEventType type, CachedObjectPtr object, CachedObjectPtr previous = nullptr) {
  storage::CacheEvent out;
  out.type = type;
  out.object = std::move(object);
  out.previous = std::move(previous);
  return out;
}

rt::Task<void> watches_are_shown_in_a_version(World& world) {
  using storage::CacheEventType;
  const CachedObjectPtr a = world.object("a"), changed = world.object("a", 2);
  std::vector<storage::CacheEvent> events{event(CacheEventType::Added, a), event(CacheEventType::Modified, changed, a),
                                          event(CacheEventType::Bookmark, nullptr)};
  ConvertedWatcher selecting(std::make_unique<Script>(events), world.shown, world.v2(),
                             *apimachinery::FieldSelector::parse("spec.color=example.com/v2"));
  auto seen = co_await selecting.next(rt::Context::background());
  EXPECT_TRUE(seen && seen->size() == 3u);
  EXPECT_EQ((*seen)[1].type, CacheEventType::Modified);
  EXPECT_EQ((*seen)[1].object->version(), 1u);
  ConvertedWatcher other(std::make_unique<Script>(events), world.shown, world.v2(), *apimachinery::FieldSelector::parse("spec.color=none"));
  auto bookmark = co_await other.next(rt::Context::background());
  EXPECT_TRUE(bookmark && bookmark->size() == 1u);
  world.painter->fails = true;
  ConvertedWatcher failing(std::make_unique<Script>(std::vector{event(CacheEventType::Added, world.object("new"))}), world.shown, world.v2(), {});
  auto failed = co_await failing.next(rt::Context::background());
  EXPECT_TRUE(!failed && failed.error().reason == Reason::InternalError && failed.error().message == "no paint");
}
TEST(ConvertedWatcher, ShowsAndSelectsInItsVersion) {
  rt::testing::run_sim([world = std::make_shared<World>()] { return watches_are_shown_in_a_version(*world); });
}

}  // namespace
}  // namespace pintle::apiserver::registry
