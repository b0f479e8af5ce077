// Claims of the test's own, and drivers at real sockets in a folder of its own.
#include "kubelet/dynamic_resources/claim_manager.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/split.h"
#include "client/testing.h"
#include "kubelet/testing.h"
#include "net/grpc/code.h"
#include "rpc/typed_server.h"
#include "rt/testing.h"

namespace pintle::kubelet::dynamic_resources {
namespace {

using namespace api::dra_v1;
using namespace api::drahealth_v1alpha1;
using namespace std::chrono_literals;
using api::core_v1::Pod;
using api::resource_v1::ResourceClaim;
using kubelet::testing::pod_of;

const auto always = rt::Context::background();

// A driver that writes down what it is asked, and answers as it is told.
class FakeDriver {
 public:
  FakeDriver(rt::Runtime& runtime, std::string endpoint, std::string version = "v1") : endpoint_(std::move(endpoint)), server_(runtime) {
    const std::string service = "/k8s.io.kubelet.pkg.apis.dra." + version + ".DRAPlugin/";
    rpc::on_unary(server_, service + "NodePrepareResources", *this, &FakeDriver::prepare);
    rpc::on_unary(server_, service + "NodeUnprepareResources", *this, &FakeDriver::unprepare);
    rpc::on_stream(server_, "/v1alpha1.DRAResourceHealth/NodeWatchResources", *this, &FakeDriver::watch);
    EXPECT_TRUE(server_.start(endpoint_));
  }
  plugins::Plugin plugin(std::string name, std::string version = "v1.DRAPlugin") const {
    plugins::Plugin out;
    out.name = std::move(name);
    out.endpoint = endpoint_;
    out.versions = {std::move(version)};
    return out;
  }
  rt::Task<void> stop() { return server_.stop(); }

  std::string asked;
  std::string fails;        // all of a call
  std::string claim_fails;  // one of it
  bool skips = false, invents = false, hangs = false;
  std::size_t devices = 1;
  int32_t health = HealthStatus::Healthy;

 private:
  template <class Response, class Make>
  rt::Task<Result<Response>> answer(rt::Context ctx, std::string verb, std::vector<Claim> claims, Make make) {
    asked += verb;
    for (const Claim& claim : claims) asked += " " + claim.namespace_ + "/" + claim.name + "=" + claim.uid;
    asked += "; ";
    if (hangs) CO_TRY(co_await rt::sleep_for(ctx, 1h));
    if (!fails.empty()) co_return Unexpected(net::grpc::to_status(net::grpc::Code::Unknown, fails));
    Response out;
    if (skips) co_return std::move(out);
    for (const Claim& claim : claims) make(claim, out.claims[invents ? "invented" : claim.uid]);
    co_return std::move(out);
  }
  rt::Task<Result<NodePrepareResourcesResponse>> prepare(rt::Context ctx, NodePrepareResourcesRequest request) {
    const auto make = [this](const Claim& claim, NodePrepareResourceResponse& out) {
      out.error = claim_fails;
      for (std::size_t i = 0; i < devices; ++i) {
        Device& device = out.devices.emplace_back();
        device.pool_name = "pool";
        device.device_name = fmt::format("d{}", i);
        device.request_names = {"r"};
        device.cdi_device_ids = {"v/c=" + claim.name};
      }
    };
    return answer<NodePrepareResourcesResponse>(std::move(ctx), "prepare", std::move(request.claims), make);
  }
  rt::Task<Result<NodeUnprepareResourcesResponse>> unprepare(rt::Context ctx, NodeUnprepareResourcesRequest request) {
    const auto make = [this](const Claim&, NodeUnprepareResourceResponse& out) { out.error = claim_fails; };
    return answer<NodeUnprepareResourcesResponse>(std::move(ctx), "unprepare", std::move(request.claims), make);
  }
  rt::Task<Result<Unit>> watch(rt::Context ctx, NodeWatchResourcesRequest, rpc::StreamSink<NodeWatchResourcesResponse>& sink) {
    NodeWatchResourcesResponse out;
    auto& one = out.devices.emplace_back();
    one.device.ensure().pool_name = "pool";
    one.device.ensure().device_name = "d0";
    one.health = health;
    one.health_check_timeout_seconds = 1;
    CO_TRY(co_await sink.write(out));
    CO_TRY(co_await rt::sleep_for(ctx, 1h));
    co_return Unit{};
  }

  std::string endpoint_;
  net::grpc::Server server_;
};

// Allocated from these drivers, and these pods' to use.
ResourceClaim given(const std::string& name, const std::vector<std::string>& drivers, const std::vector<std::string>& pods, std::string uid = "") {
  ResourceClaim out;
  out.metadata.namespace_ = "ns";
  out.metadata.name = name;
  out.metadata.uid = uid.empty() ? "uid-" + name : uid;
  out.status.allocation.ensure();
  for (const auto& driver : drivers) out.status.allocation->devices.results.emplace_back().driver = driver;
  for (const auto& pod : pods) out.status.reserved_for.emplace_back().uid = pod;
  return out;
}

PodPtr pod_with(std::string uid, std::string_view claims) {
  Pod pod = pod_of("{metadata: {name: p, namespace: ns}, spec: {containers: [{name: main}]}}");
  pod.metadata.uid = std::move(uid);
  for (const std::string_view claim : split_words(claims, ' ')) {
    auto& entry = pod.spec.resource_claims.emplace_back();
    entry.name = entry.resource_claim_name.emplace(std::string(claim));
    pod.spec.containers[0].resources.claims.emplace_back().name = claim;
  }
  return std::make_shared<const Pod>(std::move(pod));
}

struct World {
  explicit World(rt::Runtime& runtime_in) : runtime(runtime_in) {
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    renew();
  }
  ~World() { std::filesystem::remove_all(folder); }
  // A kubelet's next life.
  void renew() {
    ClaimManagerDeps deps{runtime, folder, nullptr, "n1"};
    deps.claim = [this](rt::Context, std::string space, std::string name) -> rt::Task<Result<ResourceClaim>> { return find(space, name); };
    deps.health_changed = [this](const std::vector<std::string>& uids) { told += fmt::format("{} ", fmt::join(uids, ",")); };
    deps.timing.call = call;
    deps.timing.dial_again_first = 10ms;
    manager.emplace(std::move(deps));
  }
  rt::Task<Result<ResourceClaim>> find(std::string space, std::string name) {
    ++fetched;
    const auto found = claims.find(name);
    if (space != "ns" || found == claims.end()) co_return error(Reason::NotFound, "no " + name);
    co_return found->second;
  }
  void put(ResourceClaim claim) { claims[claim.metadata.name] = std::move(claim); }
  // "": done.
  rt::Task<std::string> prepare(PodPtr pod) {
    const auto done = co_await manager->prepare(always, std::move(pod));
    co_return done ? "" : done.error().message;
  }
  rt::Task<std::string> unprepare(std::string uid) {
    const auto done = co_await manager->unprepare(always, std::move(uid));
    co_return done ? "" : done.error().message;
  }
  std::string devices(const PodPtr& pod) {
    const auto got = manager->cdi_devices(*pod, pod->spec.containers[0]);
    return got ? fmt::format("{}", fmt::join(*got, " ")) : got.error().message;
  }

  rt::Runtime& runtime;
  std::string folder = "/tmp/pintle-dra-XXXXXX";
  std::map<std::string, ResourceClaim> claims;
  int fetched = 0;
  rt::Duration call = 45s;
  std::string told;
  std::optional<ClaimManager> manager;
};

rt::Task<void> prepares_and_takes_back() {
  auto& runtime = rt::Executor::current().runtime();
  World world(runtime);
  FakeDriver driver(runtime, world.folder + "/a.sock");
  (void)co_await world.manager->handler().add(always, driver.plugin("a"));
  world.put(given("x", {"a", "a"}, {"u1", "u2"}));
  world.put(given("y", {"a"}, {"u1"}));
  const auto one = pod_with("u1", "x y"), two = pod_with("u2", "x");
  EXPECT_EQ(world.devices(one), "internal error: unable to get claim info for ResourceClaim x in namespace ns");
  EXPECT_EQ(co_await world.prepare(one), "");
  EXPECT_EQ(driver.asked, "prepare ns/x=uid-x ns/y=uid-y; ");
  EXPECT_EQ(world.devices(one), "v/c=x v/c=y");
  // Again, and for another pod: nothing is asked.
  EXPECT_EQ(co_await world.prepare(one), "");
  EXPECT_EQ(co_await world.prepare(two), "");
  EXPECT_EQ(co_await world.prepare(pod_with("u3", "")), "");
  EXPECT_EQ(world.manager->pods(), (std::set<std::string>{"u1", "u2"}));
  driver.asked.clear();
  EXPECT_EQ(co_await world.unprepare("u1"), "");
  EXPECT_EQ(driver.asked, "unprepare ns/y=uid-y; ");
  EXPECT_EQ(co_await world.unprepare("u1"), "");
  EXPECT_EQ(co_await world.unprepare("stranger"), "");
  EXPECT_EQ(world.devices(two), "v/c=x");
  EXPECT_EQ(co_await world.unprepare("u2"), "");
  EXPECT_EQ(driver.asked, "unprepare ns/y=uid-y; unprepare ns/x=uid-x; ");
  EXPECT_TRUE(world.manager->pods().empty());
  std::string metrics;
  world.manager->write_metrics(metrics);
  EXPECT_TRUE(metrics.contains("dra_operations_duration_seconds_count{operation_name=\"PrepareResources\",is_error=\"false\"} 4\n")) << metrics;
  EXPECT_TRUE(metrics.contains("dra_resource_claims_in_use{driver_name=\"<any>\"} 0\n")) << metrics;
  co_await world.manager->stop();
  co_await driver.stop();
}
TEST(ClaimManager, PreparesAndTakesBack) { rt::testing::run_task(prepares_and_takes_back()); }

rt::Task<void> two_at_once() {
  auto& runtime = rt::Executor::current().runtime();
  World world(runtime);
  FakeDriver driver(runtime, world.folder + "/a.sock");
  (void)co_await world.manager->handler().add(always, driver.plugin("a", "v1.DRAPlugin"));
  world.put(given("x", {"a"}, {"u1", "u2"}));
  world.put(given("y", {"a"}, {"u1", "u2"}));
  rt::TaskGroup both;
  const auto begin = [&](PodPtr pod) -> rt::Task<void> { EXPECT_EQ(co_await world.prepare(pod), ""); };
  both.spawn(begin(pod_with("u1", "x y")));
  both.spawn(begin(pod_with("u2", "y x")));
  co_await both.join();
  EXPECT_EQ(driver.asked, "prepare ns/x=uid-x ns/y=uid-y; ");
  co_await world.manager->stop();
  co_await driver.stop();
}
TEST(ClaimManager, TwoPodsAtOnceAskOnce) { rt::testing::run_task(two_at_once()); }

rt::Task<void> refuses() {
  auto& runtime = rt::Executor::current().runtime();
  World world(runtime);
  const std::string words = "prepare dynamic resources: ";
  EXPECT_EQ(co_await world.prepare(pod_with("u1", "x")), words + "fetch ResourceClaim x: no x");
  world.put(given("x", {"a"}, {}));
  EXPECT_EQ(co_await world.prepare(pod_with("u1", "x")), words + "pod p (u1) is not allowed to use ResourceClaim x (uid-x)");
  ResourceClaim bare = given("x", {}, {"u1"});
  bare.status.allocation.reset();
  world.put(bare);
  EXPECT_EQ(co_await world.prepare(pod_with("u1", "x")), words + "ResourceClaim x: not allocated");
  world.put(given("x", {"a", "b"}, {"u1"}));
  EXPECT_EQ(co_await world.prepare(pod_with("u1", "x")), words + "DRA driver a is not registered");
  Pod made = *pod_with("u1", "");
  made.spec.resource_claims.emplace_back().name = "t";
  made.spec.resource_claims[0].resource_claim_template_name = "template";
  made.status.resource_claim_statuses.emplace_back().name = "t";
  made.status.resource_claim_statuses[0].resource_claim_name = "x";
  EXPECT_EQ(co_await world.prepare(std::make_shared<const Pod>(made)), words + "ResourceClaim ns/x was not created for Pod ns/p (Pod is not owner)");
  EXPECT_TRUE(world.manager->pods().empty());
  // A claim without devices of any driver needs nobody.
  world.put(given("x", {}, {"u1"}));
  EXPECT_EQ(co_await world.prepare(pod_with("u1", "x")), "");
  co_await world.manager->stop();
}
TEST(ClaimManager, RefusesInUpstreamsWords) { rt::testing::run_task(refuses()); }

rt::Task<void> drivers_misbehave() {
  auto& runtime = rt::Executor::current().runtime();
  World world(runtime);
  world.call = 200ms;
  world.renew();
  FakeDriver driver(runtime, world.folder + "/a.sock");
  (void)co_await world.manager->handler().add(always, driver.plugin("a"));
  world.put(given("x", {"a"}, {"u1"}));
  const auto pod = pod_with("u1", "x");
  const std::string words = "prepare dynamic resources: NodePrepareResources";
  driver.fails = "no luck";
  EXPECT_EQ(co_await world.prepare(pod), words + ": rpc error: code = Unknown desc = no luck");
  driver.fails.clear();
  driver.claim_fails = "not this";
  EXPECT_EQ(co_await world.prepare(pod), words + " failed for ResourceClaim x: not this");
  EXPECT_EQ(co_await world.unprepare("u1"), "unprepare dynamic resources: NodeUnprepareResources failed for ResourceClaim x: not this");
  driver.claim_fails.clear();
  driver.skips = true;
  EXPECT_EQ(co_await world.prepare(pod), words + " skipped 1 ResourceClaims");
  driver.skips = false;
  driver.invents = true;
  EXPECT_EQ(co_await world.prepare(pod), words + " returned result for unknown claim UID invented");
  driver.invents = false;
  driver.devices = claim_devices_max + 1;
  EXPECT_EQ(co_await world.prepare(pod), words + " failed for ResourceClaim x: more than 256 devices for one claim");
  driver.devices = 1;
  driver.hangs = true;
  EXPECT_TRUE((co_await world.prepare(pod)).contains("NodePrepareResources: ")) << "it ends";
  driver.hangs = false;
  // What it may have prepared is taken back once it can be.
  EXPECT_EQ(world.manager->pods(), std::set<std::string>{"u1"});
  driver.asked.clear();
  EXPECT_EQ(co_await world.unprepare("u1"), "");
  EXPECT_EQ(driver.asked, "unprepare ns/x=uid-x; ");
  co_await world.manager->stop();
  co_await driver.stop();
}
TEST(ClaimManager, DriversMisbehave) { rt::testing::run_task(drivers_misbehave()); }

rt::Task<void> lives_on() {
  auto& runtime = rt::Executor::current().runtime();
  World world(runtime);
  FakeDriver driver(runtime, world.folder + "/a.sock", "v1beta1");
  const auto plugin = driver.plugin("a", "v1beta1.DRAPlugin");
  (void)co_await world.manager->handler().add(always, plugin);
  world.put(given("x", {"a"}, {"u1", "u2"}));
  const auto one = pod_with("u1", "x"), two = pod_with("u2", "x");
  EXPECT_EQ(co_await world.prepare(one), "");
  co_await world.manager->stop();
  world.renew();
  EXPECT_TRUE(co_await world.manager->load());
  EXPECT_EQ(world.devices(one), "v/c=x");
  EXPECT_EQ(co_await world.unprepare("u1"), "unprepare dynamic resources: DRA driver a is not registered");
  (void)co_await world.manager->handler().add(always, plugin);
  // Another claim of the name does not get what the first had.
  world.put(given("x", {"a"}, {"u2"}, "other"));
  EXPECT_EQ(co_await world.prepare(two),
            "prepare dynamic resources: old ResourceClaim with same name x and different UID uid-x still exists (previous pod force-deleted?!)");
  driver.asked.clear();
  EXPECT_EQ(co_await world.unprepare("u1"), "");
  EXPECT_EQ(co_await world.prepare(two), "");
  EXPECT_EQ(driver.asked, "unprepare ns/x=uid-x; prepare ns/x=other; ");
  co_await world.manager->stop();
  // A record that is not to be read is not passed over.
  std::ofstream(world.folder + "/dra_manager_state") << "{}";
  world.renew();
  const auto refused = co_await world.manager->load();
  EXPECT_TRUE(!refused && refused.error().message.contains("dra_manager_state")) << (refused ? "" : refused.error().message);
  co_await world.manager->stop();
  co_await driver.stop();
}
TEST(ClaimManager, LivesOn) { rt::testing::run_task(lives_on()); }

rt::Task<void> tells_health() {
  auto& runtime = rt::Executor::current().runtime();
  World world(runtime);
  FakeDriver driver(runtime, world.folder + "/a.sock");
  driver.health = HealthStatus::Unhealthy;
  world.put(given("x", {"a"}, {"u1"}));
  world.manager->start();
  (void)co_await world.manager->handler().add(always, driver.plugin("a"));
  const auto pod = pod_with("u1", "x");
  EXPECT_EQ(co_await world.prepare(pod), "");
  const auto seen = [&] {
    api::core_v1::PodStatus status;
    status.container_statuses.emplace_back().name = "main";
    world.manager->write_health(*pod, status);
    const auto& of = status.container_statuses[0].allocated_resources_status;
    return of.empty() ? std::string() : of[0].name + " " + of[0].resources[0].resource_id + " " + of[0].resources[0].health;
  };
  for (int i = 0; i < 1000 && seen() != "claim:x v/c=x Unhealthy"; ++i) (void)co_await rt::sleep_for(always, 10ms);
  EXPECT_EQ(seen(), "claim:x v/c=x Unhealthy");
  // Nobody repeats it: after its second it is not believed.
  for (int i = 0; i < 1000 && seen() != "claim:x v/c=x Unknown"; ++i) (void)co_await rt::sleep_for(always, 10ms);
  EXPECT_EQ(seen(), "claim:x v/c=x Unknown");
  EXPECT_TRUE(world.told.ends_with("u1 ")) << world.told;
  co_await world.manager->stop();
  co_await driver.stop();
}
TEST(ClaimManager, TellsHealth) { rt::testing::run_task(tells_health()); }

// --- drivers come and go, in the simulation -----------------------------------------------------------------------------------------

struct Drivers {
  explicit Drivers(rt::Runtime& runtime) : client(client::testing::connect(runtime, server)) {
    server.on_write = [this](const client::testing::FakeServer::Write& write) {
      deleted += write.method + " " + write.path + "; ";
      return 200;
    };
    DriverPluginsDeps deps{runtime, client.get(), "n1", metrics};
    deps.usable = [this] { ++usable; };
    plugins.emplace(std::move(deps));
  }
  client::testing::FakeServer server;
  std::unique_ptr<client::Client> client;
  Metrics metrics;
  std::string deleted;
  int usable = 0;
  std::optional<DriverPlugins> plugins;
};

std::string found_endpoint(const DriverPlugins& plugins, std::string_view name) {
  const auto found = plugins.find(name);
  return found ? (*found)->endpoint() : found.error().message;
}

rt::Task<void> slices_go_with_drivers() {
  auto& runtime = rt::Executor::current().runtime();
  Drivers world(runtime);
  world.plugins->start();
  (void)co_await rt::sleep_for(always, 1min);
  EXPECT_EQ(world.deleted, "") << "the Node is not there yet";
  world.plugins->node_known();
  (void)co_await rt::sleep_for(always, 1s);
  const std::string wiped = "DELETE /apis/resource.k8s.io/v1/resourceslices; ";
  EXPECT_EQ(world.deleted, wiped);
  world.deleted.clear();
  std::optional<FakeDriver> driver(std::in_place, runtime, "/run/a.sock");
  const auto plugin = driver->plugin("a");
  EXPECT_TRUE(co_await world.plugins->add(always, plugin));
  const auto again = co_await world.plugins->add(always, plugin);
  EXPECT_EQ(again.error().message, "endpoint /run/a.sock already registered for DRA driver plugin a");
  (void)co_await rt::sleep_for(always, 2min);
  EXPECT_EQ(world.deleted, "");
  EXPECT_EQ(found_endpoint(*world.plugins, "a"), "/run/a.sock");
  // It dies and comes back within its time, then stays away, though it is registered.
  co_await driver->stop();
  (void)co_await rt::sleep_for(always, 20s);
  EXPECT_FALSE((*world.plugins->find("a"))->connected);
  driver.emplace(runtime, "/run/a.sock");
  (void)co_await rt::sleep_for(always, 1min);
  EXPECT_TRUE((*world.plugins->find("a"))->connected);
  EXPECT_EQ(world.deleted, "");
  co_await driver->stop();
  (void)co_await rt::sleep_for(always, 1min);
  EXPECT_EQ(world.deleted, wiped);
  co_await world.plugins->remove(always, plugin);
  EXPECT_EQ(found_endpoint(*world.plugins, "a"), "DRA driver a is not registered");
  EXPECT_EQ(found_endpoint(*world.plugins, ""), "DRA driver name is empty");
  co_await world.plugins->stop();
}
TEST(DriverPlugins, SlicesGoWithDrivers) { rt::testing::run_sim(slices_go_with_drivers(), 5); }

rt::Task<void> the_last_that_is_reached() {
  auto& runtime = rt::Executor::current().runtime();
  Drivers world(runtime);
  FakeDriver first(runtime, "/run/1.sock"), second(runtime, "/run/2.sock");
  (void)co_await world.plugins->add(always, first.plugin("a"));
  (void)co_await world.plugins->add(always, second.plugin("a"));
  (void)co_await rt::sleep_for(always, 1s);
  EXPECT_EQ(found_endpoint(*world.plugins, "a"), "/run/2.sock");
  co_await second.stop();
  (void)co_await rt::sleep_for(always, 1s);
  EXPECT_EQ(found_endpoint(*world.plugins, "a"), "/run/1.sock");
  co_await world.plugins->remove(always, first.plugin("a"));
  EXPECT_EQ(found_endpoint(*world.plugins, "a"), "/run/2.sock");
  EXPECT_EQ(world.usable, 4);
  co_await world.plugins->stop();
  co_await first.stop();
}
TEST(DriverPlugins, TheLastThatIsReached) { rt::testing::run_sim(the_last_that_is_reached(), 6); }

void check_versions(const DriverPlugins& plugins, std::vector<std::string> versions, std::string_view refusal) {
  plugins::Plugin plugin;
  plugin.name = "a";
  plugin.endpoint = "/e";
  plugin.versions = std::move(versions);
  const auto valid = const_cast<DriverPlugins&>(plugins).validate(plugin);
  EXPECT_EQ(valid ? "" : valid.error().message, refusal);
}

rt::Task<void> versions() {
  Drivers world(rt::Executor::current().runtime());
  const std::string words = "invalid supported gRPC versions of DRA driver plugin a at endpoint /e: ";
  check_versions(*world.plugins, {"v1.DRAPlugin"}, "");
  check_versions(*world.plugins, {"v2.DRAPlugin", "v1beta1.DRAPlugin"}, "");
  check_versions(*world.plugins, {}, words + "empty list of supported gRPC services (aka supported versions)");
  check_versions(
      *world.plugins, {"1.0", "x"},
      words + R"(none of services supported by the plugin (["1.0" "x"]) are supported by the kubelet (["v1.DRAPlugin" "v1beta1.DRAPlugin"]))");
  co_await world.plugins->stop();
}
TEST(DriverPlugins, KnowVersions) { rt::testing::run_sim(versions(), 7); }

}  // namespace
}  // namespace pintle::kubelet::dynamic_resources
