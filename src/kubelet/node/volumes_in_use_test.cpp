// A volume that another attaches, as the Node's status has it: said to be in use, attached, mounted; let go, and no longer in use.
#include <gtest/gtest.h>

#include "client/event_recorder.h"
#include "client/informers.h"
#include "client/kubeconfig.h"
#include "client/testing.h"
#include "kubelet/node/node_agent.h"
#include "kubelet/volumes/testing.h"
#include "kubelet/volumes/volume_manager.h"
#include "rt/testing.h"

namespace pintle::kubelet::node {
namespace {

namespace core = api::core_v1;

constexpr const char* disk_name = "kubernetes.io/csi/d.example^h1";

class AttachedDisks final : public volumes::VolumePlugin {
 public:
  explicit AttachedDisks(std::vector<std::string>& steps) : steps_(steps) {}
  std::string_view name() const override { return "kubernetes.io/csi"; }
  bool supports(const volumes::VolumeSpec& spec) const override { return spec.persistent && spec.persistent->spec.csi; }
  std::optional<volumes::VolumeTraits> traits(const volumes::VolumeSpec&) const override { return volumes::VolumeTraits{true, true, false}; }
  std::string unique_name(const volumes::VolumeSpec&, std::string_view) const override { return disk_name; }
  rt::Task<volumes::StepEnd> stage(rt::Context, volumes::VolumeSpec, std::string attached_path) override {
    steps_.push_back("stage " + attached_path);
    co_return volumes::step_done();
  }
  rt::Task<volumes::Published> publish(rt::Context, volumes::PodVolume) override {
    steps_.emplace_back("publish");
    co_return volumes::published({});
  }
  rt::Task<volumes::StepEnd> unpublish(rt::Context, volumes::VolumeOnDisk, std::string) override {
    steps_.emplace_back("unpublish");
    co_return volumes::step_done();
  }
  rt::Task<volumes::StepEnd> unstage(rt::Context, volumes::VolumeOnDisk) override {
    steps_.emplace_back("unstage");
    co_return volumes::step_done();
  }

 private:
  std::vector<std::string>& steps_;
};

class NoRuntime final : public RuntimeObserver {
 public:
  rt::Task<Result<RuntimeObservation>> observe(rt::Context) override { co_return error(Reason::ServiceUnavailable, "none"); }
  rt::Task<Result<std::vector<core::ContainerImage>>> images(rt::Context) override { co_return std::vector<core::ContainerImage>(); }
};

core::Node node_object(bool in_use, bool attached) {
  core::Node out;
  out.metadata.name = "n1";
  if (in_use) out.status.volumes_in_use = {disk_name};
  if (attached) {
    out.status.volumes_attached.emplace_back().name = disk_name;
    out.status.volumes_attached[0].device_path = "/dev/x";
  }
  return out;
}

// The node's part of a kubelet, wired as kubelet.cpp does.
struct World {
  World(rt::Runtime& runtime, const std::string& root)
      : client(client::connect_in_process(runtime, server, "system:node:n1", client::ClientConfig())),
        informers(*client),
        events(*client, {"kubelet", "n1"}) {
    volumes::VolumeManagerDeps deps{runtime, client.get(), nullptr, Paths(root), {}, {}, {}, {}};
    deps.warn = [](const core::Pod&, std::string_view, const std::string& message) { ADD_FAILURE() << message; };
    deps.more_plugins = {std::make_shared<AttachedDisks>(steps)};
    deps.in_use_changed = [this] {
      if (agent) agent->poke();
    };
    volumes = volumes::make_volume_manager(std::move(deps));
    NodeAgentDeps of_agent{runtime, *client, informers, events, observer};
    NodeAgentOptions options;
    options.identity.name = "n1";
    options.identity.ips = {"10.0.0.1"};
    options.register_node = false;
    of_agent.volumes_in_use = [this] { return volumes->volumes_in_use(); };
    of_agent.on_node = [this] {
      if (const auto known = agent->node()) volumes->node_changed(*known);
    };
    agent = std::make_unique<NodeAgent>(std::move(of_agent), std::move(options));
    server.on_write = [this](const client::testing::FakeServer::Write& write) {
      if (write.path.ends_with("/nodes/n1/status")) {
        patches.emplace_back(write.body.view());
        patched.set();
      }
      return 200;
    };
  }
  // Waits for a patch of the status that has the text; false: it does not come.
  rt::Task<bool> patch_with(std::string text) {
    while (std::ranges::none_of(patches, [&](const std::string& patch) { return patch.find(text) != std::string::npos; })) {
      patched.reset();
      const auto more = co_await patched.wait(rt::Context::background().with_timeout(std::chrono::seconds(20)));
      if (!more) co_return false;
    }
    patches.clear();
    co_return true;
  }
  rt::Task<void> prepare(rt::Context ctx, PodPtr pod) {
    const auto done = co_await volumes->prepare(std::move(ctx), std::move(pod));
    ready = done.has_value();
    prepared.set();
  }
  rt::Task<void> stop() {
    co_await tasks.close();
    co_await agent->stop();
    co_await volumes->stop();
    co_await informers.stop();
    co_await events.stop();
    co_await client->close();
  }

  client::testing::FakeServer server;
  std::unique_ptr<client::Client> client;
  client::Informers informers;
  client::EventRecorder events;
  NoRuntime observer;
  std::vector<std::string> steps;
  std::unique_ptr<volumes::VolumeManager> volumes;
  std::unique_ptr<NodeAgent> agent;
  std::vector<std::string> patches;
  rt::Event patched, prepared;
  bool ready = false;
  rt::TaskGroup tasks;
};

using Steps = std::vector<std::string>;

class VolumesInUse : public testing::TemporaryRoot {};

rt::Task<void> check_life(World& w, PodPtr pod) {
  w.server.put(node_object(false, true));
  w.volumes->start();
  w.agent->start();
  EXPECT_TRUE(co_await w.patch_with("\"conditions\""));
  w.tasks.spawn(w.prepare(w.tasks.context(), pod));
  EXPECT_TRUE(co_await w.patch_with("\"volumesInUse\":[\"" + std::string(disk_name) + "\"]"));
  const auto late = co_await w.volumes->prepare(rt::Context::background().with_timeout(std::chrono::milliseconds(50)), pod);
  EXPECT_FALSE(late);
  if (!late) {
    EXPECT_EQ(late.error().message, "unmounted volumes=[v], unattached volumes=[v], failed to process volumes=[]: context deadline exceeded");
  }
  EXPECT_TRUE(w.steps.empty()) << "attached, but the API server does not know yet that it is in use";
  w.server.put(node_object(true, true));
  (void)co_await w.prepared.wait(rt::Context::background().with_timeout(std::chrono::seconds(20)));
  EXPECT_TRUE(w.ready);
  EXPECT_EQ(w.steps, (Steps{"stage /dev/x", "publish"}));
  EXPECT_TRUE(co_await w.volumes->tear_down(rt::Context::background(), pod->metadata.uid));
  EXPECT_TRUE(co_await w.patch_with("\"volumesInUse\":null"));
  EXPECT_EQ(w.steps, (Steps{"stage /dev/x", "publish", "unpublish", "unstage"})) << "no longer in use only then";
}

TEST_F(VolumesInUse, FromTheWishToTheEnd) {
  core::PersistentVolumeClaim claim;
  core::PersistentVolume persistent;
  testing::bind_to_local(claim, persistent, "");
  persistent.spec.local = nullptr;
  persistent.spec.csi.ensure().driver = "d.example";
  persistent.spec.csi->volume_handle = "h1";
  auto pod = std::make_shared<core::Pod>();
  pod->metadata.uid = "u1";
  pod->metadata.namespace_ = "shop";
  pod->spec.containers.emplace_back().volume_mounts.emplace_back().name = "v";
  pod->spec.volumes.emplace_back().name = "v";
  pod->spec.volumes[0].persistent_volume_claim.ensure().claim_name = "data";
  rt::testing::run_task([&]() -> rt::Task<void> {
    World world(rt::Executor::current().runtime(), root_);
    world.server.put(claim);
    world.server.put(persistent);
    co_await check_life(world, pod);
    co_await world.stop();
  });
}

}  // namespace
}  // namespace pintle::kubelet::node
