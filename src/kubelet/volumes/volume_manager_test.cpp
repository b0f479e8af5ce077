#include "kubelet/volumes/volume_manager.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "api/codec.h"
#include "api/gen/authentication_v1.h"
#include "client/testing.h"
#include "codec/json_text.h"
#include "kubelet/volumes/testing.h"
#include "net/client.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::kubelet::volumes {
namespace {

namespace core = api::core_v1;

using testing::text_of;

// What the API server would hold, changed by the test.
class FakeObjects final : public referenced_objects::ReferencedObjects {
 public:
  void add_pod(const core::Pod& pod) override { pods.insert(pod.metadata.uid); }
  void remove_pod(std::string_view uid) override { pods.erase(std::string(uid)); }
  rt::Task<Result<referenced_objects::ConfigMapPtr>> config_map(rt::Context, std::string, std::string name) override {
    if (!config_maps.contains(name)) co_return error(Reason::NotFound, "configmap \"" + name + "\" not found");
    co_return config_maps.at(name);
  }
  rt::Task<Result<referenced_objects::SecretPtr>> secret(rt::Context, std::string, std::string name) override {
    if (!secrets.contains(name)) co_return error(Reason::NotFound, "secret \"" + name + "\" not found");
    co_return secrets.at(name);
  }
  void on_change(std::function<void(const std::vector<std::string>&)> told) override { listener = std::move(told); }
  rt::Task<void> stop() override { co_return; }

  void put_config_map(const std::string& name, FlatMap<std::string> data) {
    auto object = std::make_shared<core::ConfigMap>();
    object->data = std::move(data);
    config_maps[name] = std::move(object);
    if (listener) listener({pods.begin(), pods.end()});
  }
  std::map<std::string, referenced_objects::ConfigMapPtr> config_maps;
  std::map<std::string, referenced_objects::SecretPtr> secrets;
  std::set<std::string> pods;
  std::function<void(const std::vector<std::string>&)> listener;
};

// An API server that gives out tokens: "token-1", "token-2" ...
class TokenServer final : public net::Handler {
 public:
  rt::Task<void> serve(rt::Context ctx, net::Request& request, net::ResponseWriter& writer) override {
    auto body = co_await net::read_all(ctx, *request.body, 1 << 16);
    paths.push_back(request.method + " " + request.path);
    const int64_t expires = 2'000'000'000;
    api::authentication_v1::TokenRequest answer;
    answer.spec.expiration_seconds = 3600;
    answer.status.token = "token-" + std::to_string(paths.size());
    answer.status.expiration_timestamp = api::time_from_unix(expires, 0);
    const api::GroupVersionKind kind{"authentication.k8s.io", "v1", "TokenRequest"};
    std::string text;
    api::encode_json(api::type_of<api::authentication_v1::TokenRequest>(), &answer, text, &kind);
    (void)co_await net::respond(writer, 201, "application/json", Bytes(std::move(text)));
  }
  std::vector<std::string> paths;
};

struct Fixture {
  Fixture(rt::Runtime& runtime, std::string root, net::Handler* server = nullptr) : root_dir(std::move(root)) {
    if (server) {
      client::ClientConfig config;
      client = std::make_unique<client::Client>(
          runtime, std::shared_ptr<net::Transport>(net::make_in_process_transport(runtime, *server, "system:node:n1")), config);
    }
    VolumeManagerDeps deps{runtime, client.get(), &objects, Paths(root_dir), {}, {}, {}};
    deps.node_allocatable = [] { return FlatMap<api::Quantity>{{"memory", api::Quantity::parse("1Gi").value()}}; };
    deps.warn = [this](const core::Pod&, std::string_view reason, const std::string& message) {
      warnings.push_back(std::string(reason) + ": " + message);
      warned.set();
    };
    manager = make_volume_manager(std::move(deps));
  }
  std::string volume(std::string_view plugin, std::string_view name) const { return Paths(root_dir).volume("u1", plugin, name); }

  const std::string root_dir;
  FakeObjects objects;
  std::unique_ptr<client::Client> client;
  std::vector<std::string> warnings;
  rt::Event warned;
  std::unique_ptr<VolumeManager> manager;
};

core::Pod sample_pod() {
  core::Pod pod;
  pod.metadata.name = "web";
  pod.metadata.namespace_ = "shop";
  pod.metadata.uid = "u1";
  pod.metadata.labels = {{"app", "web"}};
  pod.spec.service_account_name = "default";
  pod.spec.containers.emplace_back().name = "main";
  return pod;
}

// Its container mounts it.
core::Volume& add_volume(core::Pod& pod, std::string name) {
  pod.spec.containers[0].volume_mounts.emplace_back().name = name;
  core::Volume& out = pod.spec.volumes.emplace_back();
  out.name = std::move(name);
  return out;
}

PodPtr share(core::Pod pod) { return std::make_shared<const core::Pod>(std::move(pod)); }

// Waits, without a clock, until a file has this content: it is switched by rename, which the watcher tells.
rt::Task<void> until_text(std::string path, std::string directory, std::string wanted) {
  auto watcher = rt::Executor::current().runtime().watch_files({directory + "/..data"});
  CHECK(watcher, "the directory is there");
  while (text_of(path) != wanted) {
    const auto changed = co_await (*watcher)->changed(rt::Context::background().with_timeout(std::chrono::seconds(20)));
    EXPECT_TRUE(changed) << path << " is still " << text_of(path);
    if (!changed) break;
  }
}

class Volumes : public testing::TemporaryRoot {
 protected:
  // Runs `body` with a fixture on the real runtime.
  void run(std::function<rt::Task<void>(Fixture&)> body, net::Handler* server = nullptr) {
    rt::testing::run_task([&]() -> rt::Task<void> {
      Fixture fixture(rt::Executor::current().runtime(), root_, server);
      co_await body(fixture);
      co_await fixture.manager->stop();
      if (fixture.client) co_await fixture.client->close();
    });
  }
};

rt::Task<void> check_plain(Fixture& f) {
  core::Pod pod = sample_pod();
  add_volume(pod, "cache").empty_dir.ensure();
  add_volume(pod, "host").host_path.ensure().path = f.root_dir;
  core::Volume& config = add_volume(pod, "config");
  config.config_map.ensure().name = "cm";
  add_volume(pod, "labels").downward_api.ensure().items.emplace_back().path = "labels";
  pod.spec.volumes.back().downward_api->items[0].field_ref.ensure().field_path = "metadata.labels";
  f.objects.put_config_map("cm", {{"key", "one"}});
  EXPECT_EQ(f.manager->mounted("u1"), nullptr);
  const auto ready = co_await f.manager->prepare(rt::Context::background(), share(pod));
  EXPECT_TRUE(ready) << ready.error().message;
  const MountedVolumes* mounted = f.manager->mounted("u1");
  EXPECT_NE(mounted, nullptr);
  if (!mounted) co_return;
  EXPECT_EQ(mounted->size(), 4u);
  EXPECT_EQ(mounted->at(0).host_path, f.volume("kubernetes.io~empty-dir", "cache"));
  EXPECT_FALSE(mounted->at(0).read_only);
  EXPECT_EQ(mounted->at(1).host_path, f.root_dir);
  EXPECT_TRUE(mounted->at(2).read_only);
  const std::string config_dir = mounted->at(2).host_path;
  const std::string labels_dir = mounted->at(3).host_path;
  EXPECT_EQ(text_of(config_dir + "/key"), "one");
  EXPECT_EQ(text_of(labels_dir + "/labels"), "app=\"web\"");
  EXPECT_TRUE(os::is_mount_point(labels_dir).value()) << "in memory";
  EXPECT_FALSE(os::is_mount_point(config_dir).value());

  // The object changes: the files follow.
  f.objects.put_config_map("cm", {{"key", "two"}});
  co_await until_text(config_dir + "/key", config_dir, "two");
  // The pod changes.
  pod.metadata.labels["app"] = "shop";
  f.manager->update(share(pod));
  co_await until_text(labels_dir + "/labels", labels_dir, "app=\"shop\"");
  EXPECT_TRUE(f.warnings.empty());

  EXPECT_EQ(f.manager->pods_on_disk(), std::vector<std::string>{"u1"});
  const auto removed = co_await f.manager->tear_down(rt::Context::background(), "u1");
  EXPECT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(f.manager->mounted("u1"), nullptr);
  EXPECT_TRUE(f.manager->pods_on_disk().empty());
  EXPECT_TRUE(f.objects.pods.empty());
}

TEST_F(Volumes, MakeFollowAndRemove) { run(check_plain); }

rt::Task<void> appear_later(Fixture* f) {
  (void)co_await f->warned.wait(rt::Context::background());
  f->objects.put_config_map("cm", {{"key", "here"}});
}

rt::Task<void> check_missing(Fixture& f) {
  core::Pod pod = sample_pod();
  add_volume(pod, "config").config_map.ensure().name = "cm";
  rt::TaskGroup tasks;
  tasks.spawn(appear_later(&f));
  const auto ready = co_await f.manager->prepare(rt::Context::background(), share(pod));
  EXPECT_TRUE(ready);
  co_await tasks.join();
  EXPECT_EQ(f.warnings, std::vector<std::string>{"FailedMount: MountVolume.SetUp failed for volume \"config\" : configmap \"cm\" not found"});
  EXPECT_EQ(text_of(f.volume("kubernetes.io~configmap", "config") + "/key"), "here");
}

TEST_F(Volumes, AMissingObjectIsWaitedFor) { run(check_missing); }

rt::Task<void> check_given_up(Fixture& f) {
  core::Pod pod = sample_pod();
  add_volume(pod, "fine").empty_dir.ensure();
  add_volume(pod, "host").host_path.ensure().path = f.root_dir + "/none";
  pod.spec.volumes.back().host_path->type = "Directory";
  add_volume(pod, "optional").config_map.ensure().name = "none";
  pod.spec.volumes.back().config_map->optional = true;
  add_volume(pod, "share").iscsi.ensure();
  const auto ctx = rt::Context::background().with_timeout(std::chrono::milliseconds(100));
  const auto ready = co_await f.manager->prepare(ctx, share(pod));
  EXPECT_FALSE(ready);
  if (!ready) {
    EXPECT_EQ(ready.error().message,
              "unmounted volumes=[host share], unattached volumes=[], failed to process volumes=[share]: context deadline exceeded");
  }
  EXPECT_EQ(f.warnings.size(), 2u);
  if (f.warnings.size() == 2) {
    EXPECT_EQ(f.warnings[0],
              "FailedMount: MountVolume.SetUp failed for volume \"host\" : hostPath type check failed: " + f.root_dir + "/none is not a directory");
    EXPECT_EQ(f.warnings[1],
              "FailedMount: Unable to attach or mount volumes: unmounted volumes=[host share], unattached volumes=[], failed to process "
              "volumes=[share]: failed to get Plugin from volumeSpec for volume \"share\" err=no volume plugin matched");
  }
  EXPECT_EQ(f.manager->mounted("u1"), nullptr);
  // What was made goes, too.
  EXPECT_TRUE(co_await f.manager->tear_down(rt::Context::background(), "u1"));
  EXPECT_TRUE(f.manager->pods_on_disk().empty());
}

TEST_F(Volumes, GivesUpWithTheContext) { run(check_given_up); }

rt::Task<void> check_unused(Fixture& f) {
  core::Pod pod = sample_pod();
  add_volume(pod, "fine").empty_dir.ensure();
  add_volume(pod, "config").config_map.ensure().name = "cm";
  pod.spec.containers[0].volume_mounts.pop_back();
  const auto ready = co_await f.manager->prepare(rt::Context::background().with_timeout(std::chrono::seconds(20)), share(pod));
  EXPECT_TRUE(ready) << ready.error().message;
  EXPECT_TRUE(f.warnings.empty());
  if (!ready) co_return;
  EXPECT_EQ(f.manager->mounted("u1")->size(), 1u);
  EXPECT_EQ(text_of(f.volume("kubernetes.io~configmap", "config") + "/key"), "<missing>");

  // Now one mounts it: it is waited for, and followed.
  pod.spec.ephemeral_containers.emplace_back().volume_mounts.emplace_back().name = "config";
  rt::TaskGroup tasks;
  tasks.spawn(appear_later(&f));
  EXPECT_TRUE(co_await f.manager->prepare(rt::Context::background(), share(pod)));
  co_await tasks.join();
  const MountedVolumes& mounted = *f.manager->mounted("u1");
  EXPECT_EQ(mounted.size(), 2u);
  if (mounted.size() != 2) co_return;
  const std::string directory = mounted[1].host_path;
  EXPECT_EQ(text_of(directory + "/key"), "here");
  f.objects.put_config_map("cm", {{"key", "new"}});
  co_await until_text(directory + "/key", directory, "new");
}

TEST_F(Volumes, WhatNoContainerUsesIsLeftAlone) { run(check_unused); }

// A pod with the volume "v" of a claim, as an API server has the claim and its volume.
struct ClaimedPod {
  explicit ClaimedPod(const std::string& root) {
    pod = sample_pod();
    add_volume(pod, "v").persistent_volume_claim.ensure().claim_name = "data";
    testing::bind_to_local(claim, persistent, root);
  }
  core::Pod pod;
  core::PersistentVolumeClaim claim;
  core::PersistentVolume persistent;
};

class ClaimVolumes : public Volumes {
 protected:
  // The first warning about the pod; "": its volumes are made.
  std::string first_warning(const std::function<void(ClaimedPod&)>& change) {
    std::string out;
    client::testing::FakeServer server;
    ClaimedPod claimed(root_);
    change(claimed);
    if (!claimed.claim.metadata.name.empty()) server.put(claimed.claim);
    if (!claimed.persistent.metadata.name.empty()) server.put(claimed.persistent);
    run([&](Fixture& f) { return prepare_until_warned(f, claimed.pod, out); }, &server);
    return out;
  }
  static rt::Task<void> prepare_until_warned(Fixture& f, core::Pod pod, std::string& out) {
    rt::TaskGroup tasks;
    tasks.spawn(prepare_one(&f, tasks.context(), share(std::move(pod))));
    (void)co_await f.warned.wait(rt::Context::background().with_timeout(std::chrono::seconds(20)));
    co_await tasks.close();
    if (!f.warnings.empty()) out = f.warnings[0];
    (void)co_await f.manager->tear_down(rt::Context::background(), "u1");
  }
  static rt::Task<void> prepare_one(Fixture* f, rt::Context ctx, PodPtr pod) {
    const auto ready = co_await f->manager->prepare(ctx, std::move(pod));
    if (ready) f->warned.set();
  }
};

TEST_F(ClaimVolumes, AreRefusedAsUpstreamDoes) {
  const auto failed = [](const std::string& why) {
    return "FailedMount: Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[v]: " + why;
  };
  const std::string claim = "error processing PVC shop/data: ";
  EXPECT_EQ(first_warning([](ClaimedPod&) {}), "");
  EXPECT_TRUE(
      first_warning([](ClaimedPod& c) { c.claim.metadata.name.clear(); }).starts_with(failed(claim + "failed to fetch PVC from API server: ")));
  EXPECT_TRUE(first_warning([](ClaimedPod& c) {
                c.persistent.metadata.name.clear();
              }).starts_with(failed(claim + "failed to fetch PV pv from API server: ")));
  EXPECT_EQ(first_warning([](ClaimedPod& c) { c.claim.metadata.deletion_timestamp = api::time_from_unix(1'700'000'000, 0); }),
            failed(claim + "PVC is being deleted"));
  EXPECT_EQ(first_warning([](ClaimedPod& c) { c.persistent.spec.claim_ref->uid = "claim-0"; }),
            failed(claim + "found PV object pv but its pv.Spec.ClaimRef.UID claim-0 does not point to claim.UID claim-1"));
  EXPECT_EQ(first_warning([](ClaimedPod& c) { c.persistent.spec.volume_mode = "Block"; }),
            failed("volume v has volumeMode Block, but is specified in volumeMounts"));
  EXPECT_EQ(first_warning([](ClaimedPod& c) {
              c.pod.spec.volumes[0].persistent_volume_claim = nullptr;
              c.pod.spec.volumes[0].ephemeral.ensure();
              c.claim.metadata.name = "web-v";
            }),
            failed("PVC shop/web-v was not created for pod shop/web (pod is not owner)"));
}

TEST_F(ClaimVolumes, AreMadeOrSayWhyNot) {
  EXPECT_EQ(first_warning([](ClaimedPod& c) { c.persistent.spec.mount_options = {"noexec", "ro"}; }), "");
  EXPECT_EQ(first_warning([](ClaimedPod& c) { c.persistent.spec.mount_options = {"discard"}; }),
            "FailedMount: MountVolume.SetUp failed for volume \"pv\" : mount option \"discard\" is none that a directory can be mounted with");
  EXPECT_EQ(first_warning([](ClaimedPod& c) {
              c.persistent.spec.host_path.ensure().path = std::exchange(c.persistent.spec.local, nullptr)->path;
              c.persistent.spec.mount_options = {"noexec"};
            }),
            "FailedMount: MountVolume.MountOptionSupport check failed for volume \"pv\" : mount options are not supported for this volume type");
  EXPECT_EQ(first_warning([](ClaimedPod& c) {
              c.persistent.spec.volume_mode = "Block";
              c.pod.spec.containers[0].volume_mounts.clear();
              c.pod.spec.containers[0].volume_devices.emplace_back().name = "v";
            }),
            "FailedMapVolume: MapVolume.NewBlockVolumeMapper initialization failed for volume \"pv\" : path \"" + root_ + "\" is no block device");
}

// Two pods of this node share a claim; the kubelet starts anew between; the first goes while nobody looked.
TEST_F(ClaimVolumes, AreSharedAndTakenOver) {
  ClaimedPod claimed(root_ + "/disk");
  ASSERT_TRUE(os::make_directory(root_ + "/disk", 0755));
  std::ofstream(root_ + "/disk/data") << "kept";
  claimed.persistent.metadata.annotations["pv.beta.kubernetes.io/gid"] = "1234";
  auto& affinity = claimed.persistent.spec.node_affinity.ensure().required.ensure().node_selector_terms.emplace_back();
  affinity.match_expressions.emplace_back().key = "zone";
  affinity.match_expressions[0].operator_ = "Exists";
  client::testing::FakeServer server;
  server.put(claimed.claim);
  server.put(claimed.persistent);
  core::Pod other = claimed.pod;
  other.metadata.uid = "u2";
  core::Node node;
  node.metadata.labels["zone"] = "z1";
  const auto at = [&](const std::string& uid) { return Paths(root_).volume(uid, "kubernetes.io~local-volume", "pv"); };
  run(
      [&](Fixture& f) -> rt::Task<void> {
        f.manager->start();
        const auto unknown = co_await f.manager->prepare(rt::Context::background().with_timeout(std::chrono::milliseconds(50)), share(claimed.pod));
        EXPECT_FALSE(unknown) << "the node's labels are not known";
        EXPECT_TRUE(f.warnings.empty());
        f.manager->node_changed(node);
        EXPECT_TRUE(co_await f.manager->prepare(rt::Context::background(), share(claimed.pod)));
        EXPECT_TRUE(co_await f.manager->prepare(rt::Context::background(), share(other)));
        EXPECT_EQ(f.manager->mounted("u2")->at(0).host_path, at("u2"));
        EXPECT_EQ(f.manager->mounted("u2")->at(0).gid, 1234u);
        EXPECT_EQ(text_of(at("u2") + "/data"), "kept");
      },
      &server);
  run(
      [&](Fixture& f) -> rt::Task<void> {
        f.manager->start();
        f.manager->node_changed(node);
        EXPECT_TRUE(co_await f.manager->prepare(rt::Context::background(), share(other)));
        EXPECT_TRUE(os::is_mount_point(at("u1")).value()) << "nobody has said that its pod is gone";
        EXPECT_EQ(os::mounts_below(root_)->size(), 2u) << "nothing is mounted twice";
        EXPECT_TRUE(co_await f.manager->tear_down(rt::Context::background(), "u1"));
        EXPECT_EQ(os::mounts_below(root_)->size(), 1u);
        EXPECT_TRUE(co_await f.manager->tear_down(rt::Context::background(), "u2"));
        EXPECT_TRUE(f.warnings.empty());
      },
      &server);
  EXPECT_TRUE(os::mounts_below(root_)->empty());
  EXPECT_EQ(text_of(root_ + "/disk/data"), "kept");
  node.metadata.labels.clear();
  run(
      [&](Fixture& f) -> rt::Task<void> {
        f.manager->node_changed(node);
        (void)co_await f.manager->prepare(rt::Context::background().with_timeout(std::chrono::milliseconds(50)), share(other));
        EXPECT_EQ(f.warnings, std::vector<std::string>{"FailedMount: MountVolume.NodeAffinity check failed for volume \"pv\" : no matching "
                                                       "NodeSelectorTerms"});
      },
      &server);
}

rt::Task<void> check_two_names(Fixture& f, PodPtr pod) {
  EXPECT_TRUE(co_await f.manager->prepare(rt::Context::background(), pod));
  const MountedVolumes& mounted = *f.manager->mounted("u1");
  EXPECT_EQ(mounted.size(), 2u);
  if (mounted.size() != 2) co_return;
  EXPECT_EQ(mounted[0].name, "v");
  EXPECT_EQ(mounted[1].name, "w");
  EXPECT_EQ(mounted[0].host_path, mounted[1].host_path);
  EXPECT_EQ(os::mounts_below(f.root_dir)->size(), 1u);
  EXPECT_TRUE(co_await f.manager->tear_down(rt::Context::background(), "u1"));
  EXPECT_TRUE(os::mounts_below(f.root_dir)->empty());
}

// A pod has the same claim under two names, and both are one mount.
TEST_F(ClaimVolumes, UnderTwoNames) {
  ClaimedPod claimed(root_ + "/disk");
  ASSERT_TRUE(os::make_directory(root_ + "/disk", 0755));
  add_volume(claimed.pod, "w").persistent_volume_claim.ensure().claim_name = "data";
  client::testing::FakeServer server;
  server.put(claimed.claim);
  server.put(claimed.persistent);
  run([&](Fixture& f) { return check_two_names(f, share(claimed.pod)); }, &server);
}

core::Pod pod_with_token() {
  core::Pod pod = sample_pod();
  core::ProjectedVolumeSource& projected = add_volume(pod, "kube-api-access").projected.ensure();
  projected.default_mode = 0644;
  core::ServiceAccountTokenProjection& token = projected.sources.emplace_back().service_account_token.ensure();
  token.path = "token";
  token.expiration_seconds = 3607;
  projected.sources.emplace_back().config_map.ensure().name = "kube-root-ca.crt";
  projected.sources.emplace_back().downward_api.ensure().items.emplace_back().path = "namespace";
  projected.sources.back().downward_api->items[0].field_ref.ensure().field_path = "metadata.namespace";
  return pod;
}

rt::Task<void> check_token(Fixture& f) {
  f.objects.put_config_map("kube-root-ca.crt", {{"ca.crt", "CERT"}});
  const auto ready = co_await f.manager->prepare(rt::Context::background(), share(pod_with_token()));
  EXPECT_TRUE(ready) << ready.error().message;
  const std::string directory = f.volume("kubernetes.io~projected", "kube-api-access");
  EXPECT_EQ(text_of(directory + "/token"), "token-1");
  EXPECT_EQ(text_of(directory + "/ca.crt"), "CERT");
  EXPECT_EQ(text_of(directory + "/namespace"), "shop");
  struct stat info {};
  EXPECT_EQ(::stat((directory + "/token").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0644u);
  EXPECT_TRUE(os::is_mount_point(directory).value());
  // Another change does not ask for a new token.
  f.objects.put_config_map("kube-root-ca.crt", {{"ca.crt", "NEW"}});
  co_await until_text(directory + "/ca.crt", directory, "NEW");
  EXPECT_EQ(text_of(directory + "/token"), "token-1");
}

TEST_F(Volumes, ProjectedTokens) {
  TokenServer server;
  run(check_token, &server);
  EXPECT_EQ(server.paths, std::vector<std::string>{"POST /api/v1/namespaces/shop/serviceaccounts/default/token"});
}

rt::Task<void> check_first_life(Fixture& f) {
  core::Pod pod = sample_pod();
  add_volume(pod, "mem").empty_dir.ensure().medium = "Memory";
  EXPECT_TRUE(co_await f.manager->prepare(rt::Context::background(), share(pod)));
  std::ofstream(f.volume("kubernetes.io~empty-dir", "mem") + "/state") << "kept";
}

rt::Task<void> check_second_life(Fixture& f) {
  EXPECT_EQ(f.manager->pods_on_disk(), std::vector<std::string>{"u1"});
  core::Pod pod = sample_pod();
  add_volume(pod, "mem").empty_dir.ensure().medium = "Memory";
  EXPECT_TRUE(co_await f.manager->prepare(rt::Context::background(), share(pod)));
  EXPECT_EQ(text_of(f.volume("kubernetes.io~empty-dir", "mem") + "/state"), "kept");
}

rt::Task<void> check_third_life(Fixture& f) {
  // Nothing is known of the pod but its directory.
  EXPECT_TRUE(co_await f.manager->tear_down(rt::Context::background(), "u1"));
  EXPECT_TRUE(f.manager->pods_on_disk().empty());
}

TEST_F(Volumes, SurviveARestart) {
  run(check_first_life);
  run(check_second_life);
  run(check_third_life);
  EXPECT_TRUE(os::mounts_below(root_)->empty());
}

}  // namespace
}  // namespace pintle::kubelet::volumes
