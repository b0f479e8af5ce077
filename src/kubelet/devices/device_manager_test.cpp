// Plugins at real sockets in a folder of the test's own.
#include "kubelet/devices/device_manager.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "net/grpc/code.h"
#include "rpc/typed_server.h"
#include "rt/testing.h"

namespace pintle::kubelet::devices {
namespace {

using namespace api::deviceplugin_v1beta1;
using namespace std::chrono_literals;
using api::core_v1::Pod;

const auto forever = rt::Context::background();

class DevicesFolder {
 public:
  DevicesFolder() { EXPECT_NE(::mkdtemp(path_.data()), nullptr); }
  ~DevicesFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_ = "/tmp/pintle-devices-XXXXXX";
};

// Devices by name, "!" behind those that are not healthy.
class FakePlugin {
 public:
  FakePlugin(rt::Runtime& runtime, const DevicesFolder& folder, std::string name, std::string devices)
      : folder_(folder), name_(std::move(name)), devices_(std::move(devices)), server_(runtime) {
    rpc::on_unary(server_, "/v1beta1.DevicePlugin/GetDevicePluginOptions", *this, &FakePlugin::options);
    rpc::on_stream(server_, "/v1beta1.DevicePlugin/ListAndWatch", *this, &FakePlugin::list);
    rpc::on_unary(server_, "/v1beta1.DevicePlugin/GetPreferredAllocation", *this, &FakePlugin::preferred);
    rpc::on_unary(server_, "/v1beta1.DevicePlugin/Allocate", *this, &FakePlugin::allocate);
    rpc::on_unary(server_, "/v1beta1.DevicePlugin/PreStartContainer", *this, &FakePlugin::pre_start);
    EXPECT_TRUE(server_.start(folder / (name_ + ".sock")));
  }
  // The error's message; "": registered.
  rt::Task<std::string> enroll(rt::Runtime& runtime, std::string version = "v1beta1", std::string endpoint = "") {
    RegisterRequest request;
    request.version = std::move(version);
    request.endpoint = endpoint.empty() ? name_ + ".sock" : endpoint;
    request.resource_name = name_.contains('/') ? name_ : "e.test/" + name_;
    auto channel = std::move(*net::grpc::Channel::make(runtime, {.target = folder_ / "kubelet.sock"}));
    const auto done = co_await rpc::call<Empty>(*channel, forever, 20s, "/v1beta1.Registration/Register", rpc::encode(request));
    co_await channel->close();
    co_return done ? "" : std::string(net::grpc::description_of(done.error()));
  }
  void tell(std::string devices) {
    devices_ = std::move(devices);
    changed_.set();
  }
  rt::Task<void> stop() { return server_.stop(); }

  DevicePluginOptions wants;
  std::string prefers;  // a device
  std::string fails;    // how Allocate and PreStartContainer fail
  bool hangs = false;
  std::string asked;  // what it was asked for

 private:
  rt::Task<Result<DevicePluginOptions>> options(rt::Context, Empty) { co_return wants; }
  rt::Task<Result<Unit>> list(rt::Context ctx, Empty, rpc::StreamSink<ListAndWatchResponse>& sink) {
    while (true) {
      changed_.reset();
      ListAndWatchResponse out;
      for (std::size_t at = 0; at < devices_.size();) {
        const std::size_t end = std::min(devices_.find(' ', at), devices_.size());
        const std::string word = devices_.substr(at, end - at);
        auto& device = out.devices.emplace_back();
        device.id = word.substr(0, word.find('!'));
        device.health = word.contains('!') ? "Unhealthy" : "Healthy";
        at = end + 1;
      }
      CO_TRY(co_await sink.write(out));
      CO_TRY(co_await changed_.wait(ctx));
    }
  }
  rt::Task<Result<PreferredAllocationResponse>> preferred(rt::Context, PreferredAllocationRequest request) {
    const auto& of = request.container_requests.at(0);
    asked += fmt::format("prefer {} of {} with {}; ", of.allocation_size, fmt::join(of.available_device_ids, ","),
                         fmt::join(of.must_include_device_ids, ","));
    PreferredAllocationResponse out;
    out.container_responses.emplace_back().device_ids = {prefers};
    co_return std::move(out);
  }
  rt::Task<Result<AllocateResponse>> allocate(rt::Context ctx, AllocateRequest request) {
    const std::string ids = fmt::format("{}", fmt::join(request.container_requests.at(0).devices_ids, ","));
    asked += "allocate " + ids + "; ";
    if (hangs) CO_TRY(co_await rt::sleep_for(ctx, 1h));
    if (!fails.empty()) co_return Unexpected(net::grpc::to_status(net::grpc::Code::Unknown, fails));
    AllocateResponse out;
    out.container_responses.emplace_back().envs["IDS"] = ids;
    co_return std::move(out);
  }
  rt::Task<Result<PreStartContainerResponse>> pre_start(rt::Context, PreStartContainerRequest request) {
    asked += fmt::format("start {}; ", fmt::join(request.devices_ids, ","));
    if (!fails.empty()) co_return Unexpected(net::grpc::to_status(net::grpc::Code::Unknown, fails));
    co_return PreStartContainerResponse{};
  }

  const DevicesFolder& folder_;
  std::string name_;
  std::string devices_;
  rt::Event changed_;
  net::grpc::Server server_;
};

struct Managed {
  explicit Managed(rt::Runtime& runtime, DeviceTiming timing = {}) : runtime(runtime), timing(timing) {}
  rt::Task<void> start() {
    DeviceManagerDeps deps{runtime, folder.path()};
    deps.timing = timing;
    deps.timing.list_pause = 1ms;
    deps.health_changed = [this](const std::vector<std::string>& uids) { changed += fmt::format("{} ", fmt::join(uids, ",")); };
    manager.emplace(std::move(deps));
    co_await manager->load();
    co_await manager->start();
  }
  rt::Task<void> stop() {
    co_await manager->stop();
    manager.reset();
  }
  std::string told() const {
    std::string out;
    const NodeDevices node = manager->on_node();
    for (const auto& [name, amount] : node.capacity) out += fmt::format("{}={}/{} ", name, node.allocatable.get(name)->value(), amount.value());
    return out;
  }
  rt::Task<void> settle(std::string wanted) {
    for (int i = 0; i < 2000 && told() != wanted; ++i) (void)co_await rt::sleep_for(forever, 10ms);
    EXPECT_EQ(told(), wanted);
  }
  // The error's message, or what each container got.
  rt::Task<std::string> give(PodPtr pod) {
    DeviceManager::Reusable reusable;
    for (const auto* list : {&pod->spec.init_containers, &pod->spec.containers}) {
      for (const auto& container : *list) {
        const auto given = co_await manager->allocate(forever, pod, container.name, &reusable, numa_nodes);
        if (given) continue;
        manager->release(pod->metadata.uid);
        co_return given.error().message;
      }
    }
    EXPECT_TRUE(co_await manager->save(forever));
    co_return shown(*pod);
  }
  std::string shown(const Pod& pod) const {
    std::string out;
    for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers}) {
      for (const auto& container : *list) {
        const Allocation* has = manager->allocations().find(pod.metadata.uid, container.name, "e.test/d");
        if (has) out += fmt::format("{}:{} ", container.name, fmt::join(has->ids(), ","));
      }
    }
    return out;
  }

  rt::Runtime& runtime;
  const DeviceTiming timing;
  DevicesFolder folder;
  std::optional<DeviceManager> manager;
  std::string changed;
  std::optional<std::set<int64_t>> numa_nodes;
};

// "i2 s1 c1": an init container with two devices, a sidecar and a plain one with one each.
PodPtr wants(std::string uid, std::string_view containers, std::string resource = "e.test/d") {
  auto pod = std::make_shared<Pod>();
  pod->metadata.uid = std::move(uid);
  for (std::size_t at = 0; at < containers.size(); at += 3) {
    auto& list = containers[at] == 'c' ? pod->spec.containers : pod->spec.init_containers;
    auto& container = list.emplace_back();
    container.name = containers.substr(at, 1);
    if (containers[at] == 's') container.restart_policy = "Always";
    container.resources.limits[resource] = api::Quantity::from_int(containers[at + 1] - '0');
  }
  return pod;
}

rt::Task<void> register_and_end() {
  auto& runtime = rt::Executor::current().runtime();
  DeviceTiming timing;
  timing.kept = 300ms;
  Managed node(runtime, timing);
  FakePlugin stale(runtime, node.folder, "stale", "x");
  co_await node.start();
  EXPECT_FALSE(std::filesystem::exists(node.folder / "stale.sock"));
  EXPECT_EQ(std::filesystem::status(node.folder.path()).permissions(), std::filesystem::perms::owner_all);  // mkdtemp's
  FakePlugin plugin(runtime, node.folder, "d", "a b c!");
  EXPECT_EQ(co_await plugin.enroll(runtime), "");
  co_await node.settle("e.test/d=2/3 ");
  plugin.tell("a b! c! d!");
  co_await node.settle("e.test/d=1/4 ");
  co_await plugin.stop();
  co_await node.settle("e.test/d=0/4 ");
  co_await node.settle("e.test/d=0/0 ");  // after a while
  EXPECT_FALSE(node.manager->counts("e.test/d"));
  FakePlugin again(runtime, node.folder, "d", "a");
  EXPECT_EQ(co_await again.enroll(runtime), "");
  co_await node.settle("e.test/d=1/1 ");
  std::string metrics;
  node.manager->write_metrics(metrics);
  EXPECT_TRUE(metrics.contains("kubelet_device_plugin_registration_total{resource_name=\"e.test/d\"} 2\n")) << metrics;
  co_await again.stop();
  co_await stale.stop();
  co_await node.stop();
}
TEST(DeviceManager, PluginsRegisterAndEnd) { rt::testing::run_task(register_and_end()); }

rt::Task<void> refusals() {
  auto& runtime = rt::Executor::current().runtime();
  Managed node(runtime);
  co_await node.start();
  FakePlugin plugin(runtime, node.folder, "d", "a");
  EXPECT_EQ(co_await plugin.enroll(runtime, "v1"), "requested API version \"v1\" is not supported by kubelet. Supported version is [\"v1beta1\"]");
  std::ofstream(node.folder / "file") << "no socket";
  std::filesystem::create_symlink(node.folder / "d.sock", node.folder / "link");
  for (const std::string endpoint : {"../x.sock", "/d.sock", "none.sock", "file", "link", "."}) {
    const std::string why = co_await plugin.enroll(runtime, "v1beta1", endpoint);
    EXPECT_TRUE(why.starts_with("failed to dial device plugin: ")) << endpoint << ": " << why;
  }
  for (const std::string name : {"kubernetes.io/d", "x.kubernetes.io/d", "requests.e/d", "e/d e", "e/"}) {
    RegisterRequest request;
    request.version = "v1beta1";
    request.endpoint = "d.sock";
    request.resource_name = name;
    auto channel = std::move(*net::grpc::Channel::make(runtime, {.target = node.folder / "kubelet.sock"}));
    const auto done = co_await rpc::call<Empty>(*channel, forever, 20s, "/v1beta1.Registration/Register", rpc::encode(request));
    EXPECT_EQ(net::grpc::description_of(done.error()), "the ResourceName \"" + name + "\" is invalid");
    co_await channel->close();
  }
  EXPECT_EQ(node.told(), "");
  co_await plugin.stop();
  co_await node.stop();
}
TEST(DeviceManager, RefusesWhatIsNoPlugin) { rt::testing::run_task(refusals()); }

rt::Task<void> too_many_resources() {
  auto& runtime = rt::Executor::current().runtime();
  DeviceTiming timing;
  timing.kept = 10ms;
  Managed node(runtime, timing);
  co_await node.start();
  std::string last;
  for (std::size_t i = 0; i <= resources_max; ++i) {
    FakePlugin plugin(runtime, node.folder, fmt::format("r{}", i), "a");
    last = co_await plugin.enroll(runtime);
    if (i < resources_max) EXPECT_EQ(last, "");
    co_await plugin.stop();
  }
  EXPECT_EQ(last, "the node has 256 resources of device plugins already");
  EXPECT_EQ(node.manager->on_node().capacity.size(), resources_max);
  co_await node.stop();
}
TEST(DeviceManager, HasALimitOfResources) { rt::testing::run_task(too_many_resources()); }

rt::Task<void> gives_devices() {
  auto& runtime = rt::Executor::current().runtime();
  Managed node(runtime);
  co_await node.start();
  FakePlugin plugin(runtime, node.folder, "d", "a b c d e!");
  plugin.wants.get_preferred_allocation_available = plugin.wants.pre_start_required = true;
  plugin.prefers = "d";
  EXPECT_EQ(co_await plugin.enroll(runtime), "");
  co_await node.settle("e.test/d=4/5 ");
  EXPECT_EQ(co_await node.give(wants("u0", "c1", "e.test/unknown")), "");  // nobody's: not counted here
  const PodPtr first = wants("u1", "i2 s1 c1");
  EXPECT_EQ(co_await node.give(first), "i:a,d s:a c:d ");  // what the init container leaves is used again
  EXPECT_EQ(plugin.asked, "prefer 2 of a,b,c,d with ; allocate a,d; allocate a; allocate d; ");
  plugin.asked.clear();
  const auto in_it = co_await node.manager->container_devices(forever, first, "c");
  EXPECT_EQ(in_it->environment.at(0).second, "d");
  EXPECT_EQ(plugin.asked, "start d; ");
  EXPECT_EQ(co_await node.give(wants("u2", "c3")), "requested number of devices unavailable for e.test/d. Requested: 3, Available: 2");
  EXPECT_EQ(co_await node.give(wants("u2", "c2")), "c:b,c ");
  EXPECT_EQ(co_await node.give(wants("u3", "c1")), "requested number of devices unavailable for e.test/d. Requested: 1, Available: 0");
  // How devices are is told of those that have them.
  plugin.tell("a b! c d e");
  co_await node.settle("e.test/d=4/5 ");
  for (int i = 0; i < 1000 && node.changed.empty(); ++i) (void)co_await rt::sleep_for(forever, 10ms);
  EXPECT_EQ(node.changed, "u2 ");
  api::core_v1::PodStatus status;
  status.container_statuses.emplace_back().name = "c";
  node.manager->write_health("u2", status);
  const auto& told = status.container_statuses[0].allocated_resources_status.at(0);
  EXPECT_EQ(fmt::format("{} {} {} {} {}", told.name, told.resources.at(0).resource_id, told.resources[0].health, told.resources.at(1).resource_id,
                        told.resources[1].health),
            "e.test/d b Unhealthy c Healthy");
  node.manager->release("u1");
  EXPECT_EQ(co_await node.give(wants("u3", "c2")), "c:a,d ");
  plugin.fails = "broken";
  node.manager->release("u3");
  const auto started = co_await node.manager->container_devices(forever, wants("u2", "c2"), "c");
  EXPECT_EQ(started.error().message, "device plugin PreStartContainer rpc failed with err: rpc error: code = Unknown desc = broken");
  EXPECT_EQ(co_await node.give(wants("u4", "c1")), "rpc error: code = Unknown desc = broken");
  plugin.fails.clear();
  EXPECT_EQ(co_await node.give(wants("u4", "c3")), "c:a,d,e ");  // nothing was kept of what failed
  co_await plugin.stop();
  co_await node.stop();
}
TEST(DeviceManager, GivesDevices) { rt::testing::run_task(gives_devices()); }

rt::Task<void> give_into(Managed& node, PodPtr pod, std::string& out) { out = co_await node.give(std::move(pod)); }

// A plugin that says nothing holds up its own pods for their time, and nobody else's.
rt::Task<void> hangs() {
  auto& runtime = rt::Executor::current().runtime();
  DeviceTiming timing;
  timing.allocate = 500ms;
  Managed node(runtime, timing);
  co_await node.start();
  FakePlugin plugin(runtime, node.folder, "d", "a b");
  FakePlugin other(runtime, node.folder, "o", "x");
  EXPECT_EQ(co_await plugin.enroll(runtime), "");
  EXPECT_EQ(co_await other.enroll(runtime), "");
  co_await node.settle("e.test/d=2/2 e.test/o=1/1 ");
  plugin.hangs = true;
  std::string first, second, third;
  rt::TaskGroup giving;
  giving.spawn(give_into(node, wants("u1", "c1"), first));
  giving.spawn(give_into(node, wants("u2", "c1"), second));
  giving.spawn(give_into(node, wants("u3", "c1"), third));
  EXPECT_EQ(co_await node.give(wants("u4", "c1", "e.test/o")), "");
  EXPECT_NE(node.manager->allocations().find("u4", "c", "e.test/o"), nullptr);
  EXPECT_EQ(first + second, "");
  co_await giving.join();
  EXPECT_TRUE(first.contains("DeadlineExceeded") || first.contains("deadline")) << first;
  EXPECT_EQ(third, "requested number of devices unavailable for e.test/d. Requested: 1, Available: 0");
  plugin.hangs = false;
  EXPECT_EQ(co_await node.give(wants("u5", "c2")), "c:a,b ");
  co_await plugin.stop();
  co_await other.stop();
  co_await node.stop();
}
TEST(DeviceManager, APluginThatHangs) { rt::testing::run_task(hangs()); }

rt::Task<void> starts_anew() {
  auto& runtime = rt::Executor::current().runtime();
  DeviceTiming timing;
  Managed node(runtime, timing);
  co_await node.start();
  FakePlugin plugin(runtime, node.folder, "d", "a b c");
  EXPECT_EQ(co_await plugin.enroll(runtime), "");
  co_await node.settle("e.test/d=3/3 ");
  const PodPtr pod = wants("u1", "c2");
  EXPECT_EQ(co_await node.give(pod), "c:a,b ");
  co_await node.stop();
  co_await plugin.stop();

  co_await node.start();
  EXPECT_EQ(node.told(), "e.test/d=0/0 ");
  EXPECT_EQ(node.shown(*pod), "c:a,b ");
  const auto in_it = co_await node.manager->container_devices(forever, pod, "c");  // it starts again without its plugin
  EXPECT_EQ(in_it->environment.at(0).second, "a,b");
  EXPECT_EQ(co_await node.give(wants("u2", "c1")), "no healthy devices present; cannot allocate unhealthy devices e.test/d");
  // A pod that starts anew waits for its plugin.
  FakePlugin again(runtime, node.folder, "d", "a! b c");
  rt::TaskGroup resuming;
  std::string resumed;
  const auto resume = [](Managed& node, PodPtr pod, std::string& out) -> rt::Task<void> {
    co_await node.manager->wait_for_plugins(forever, pod);
    out = co_await node.give(pod);
  };
  resuming.spawn(resume(node, pod, resumed));
  EXPECT_EQ(co_await again.enroll(runtime), "");
  co_await node.settle("e.test/d=2/3 ");
  EXPECT_EQ(resuming.size(), 1u);  // its device is not well yet
  again.tell("a b c");
  co_await resuming.join();
  EXPECT_EQ(resumed, "c:a,b ");
  EXPECT_EQ(again.asked, "");
  EXPECT_EQ(co_await node.give(wants("u2", "c1")), "c:c ");
  co_await again.stop();
  co_await node.stop();
}
TEST(DeviceManager, KeepsWhatItGave) { rt::testing::run_task(starts_anew()); }

rt::Task<void> another_takes_its_place() {
  auto& runtime = rt::Executor::current().runtime();
  Managed node(runtime);
  co_await node.start();
  FakePlugin plugin(runtime, node.folder, "d", "a b");
  EXPECT_EQ(co_await plugin.enroll(runtime), "");
  co_await node.settle("e.test/d=2/2 ");
  std::filesystem::rename(node.folder / "d.sock", node.folder / "old.sock");
  FakePlugin second(runtime, node.folder, "d", "a b c");
  EXPECT_EQ(co_await second.enroll(runtime), "");
  co_await node.settle("e.test/d=3/3 ");
  co_await plugin.stop();  // is not missed
  EXPECT_EQ(co_await node.give(wants("u1", "c3")), "c:a,b,c ");
  EXPECT_EQ(node.told(), "e.test/d=3/3 ");
  second.tell(std::string(device_id_bytes_max + 1, 'x'));  // what breaks a limit ends it
  co_await node.settle("e.test/d=0/3 ");
  co_await second.stop();
  co_await node.stop();
}
TEST(DeviceManager, AnotherPluginTakesItsPlace) { rt::testing::run_task(another_takes_its_place()); }

}  // namespace
}  // namespace pintle::kubelet::devices
