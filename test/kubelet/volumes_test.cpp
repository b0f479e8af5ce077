// Volumes that follow the API: what a pod's files say after its ConfigMap, its Secret, its labels or the clock have moved on.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "apiserver/testing/in_process.h"
#include "client/kubeconfig.h"
#include "codec/base64.h"
#include "component/certificate/keys.h"
#include "kubelet/volumes/testing.h"
#include "kubelet/volumes/volume_manager.h"
#include "rt/sync.h"
#include "rt/testing.h"

namespace pintle::kubelet {
namespace {

namespace core = api::core_v1;

using testing::text_of;

// An API server with a pod on node n1, and the volumes of that node.
class NodeVolumes {
 public:
  static rt::Task<std::unique_ptr<NodeVolumes>> start(std::string root) {
    rt::Runtime& runtime = rt::Executor::current().runtime();
    auto out = std::make_unique<NodeVolumes>();
    apiserver::ApiServerOptions options;
    options.service_account_signing_key_file = "/pki/sa.key";
    options.service_account_issuers = {"https://kubernetes.default.svc"};
    options.api_audiences = {"api"};
    options.enable_admission_plugins = {"NodeRestriction"};
    const auto key = component::PrivateKey::generate_ec_p256();
    CHECK(key, "a key can be made");
    CHECK(runtime.disk().make_directories("/pki") && runtime.disk().write("/pki/sa.key", key->to_pem()), "the simulated disk takes it");
    auto server = co_await apiserver::testing::InProcessServer::start(runtime, std::move(options));
    CHECK(server, server ? "" : server.error().message);
    out->server_ = std::move(*server);
    client::ClientConfig config;
    out->admin = client::connect_in_process(runtime, out->server_->server().handler(), "system:admin", config);
    out->node = client::connect_in_process(runtime, out->server_->server().handler(), "system:node:n1", config);
    out->objects = referenced_objects::make_referenced_objects(*out->node);
    volumes::VolumeManagerDeps deps{runtime, out->node.get(), out->objects.get(), Paths(root), {}, {}, {}};
    NodeVolumes* self = out.get();
    deps.warn = [self](const core::Pod&, std::string_view, const std::string& message) { self->warnings.push_back(message); };
    out->manager = volumes::make_volume_manager(std::move(deps));
    co_return out;
  }
  rt::Task<void> stop() {
    co_await manager->stop();
    co_await objects->stop();
    co_await node->close();
    co_await admin->close();
    co_await server_->stop();
  }
  // Sends JSON; fails the test when it is refused.
  rt::Task<void> send(std::string method, std::string path, std::string json) {
    const std::string type = method == "PATCH" ? "application/merge-patch+json" : "application/json";
    const auto answer = co_await admin->ask_json(rt::Context::background(), method, path, json, type);
    EXPECT_TRUE(answer) << path << ": " << answer.error().message;
  }
  rt::Task<PodPtr> pod() {
    auto got = co_await admin->get<core::Pod>(rt::Context::background(), "default", "web");
    CHECK(got, got ? "" : got.error().message);
    co_return std::make_shared<const core::Pod>(std::move(*got));
  }

  std::unique_ptr<client::Client> admin;
  std::unique_ptr<client::Client> node;
  std::unique_ptr<referenced_objects::ReferencedObjects> objects;
  std::unique_ptr<volumes::VolumeManager> manager;
  std::vector<std::string> warnings;

 private:
  std::unique_ptr<apiserver::testing::InProcessServer> server_;
};

rt::Task<void> pass(rt::Duration time) { (void)co_await rt::sleep_for(rt::Context::background(), time); }

// `volumes`: of each one, its name first; the container mounts them all.
std::string pod_json(std::string volumes) {
  constexpr std::string_view start = R"({"name":")";
  std::string mounts;
  for (std::size_t at = volumes.find(start); at != std::string::npos; at = volumes.find(start, at + 1)) {
    if (at > 0 && volumes[at - 1] != ',') continue;  // a source's
    const std::size_t from = at + start.size();
    const std::string name = volumes.substr(from, volumes.find('"', from) - from);
    mounts += (mounts.empty() ? "" : ",") + (R"({"name":")" + name + R"(","mountPath":"/)" + name + "\"}");
  }
  return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","labels":{"app":"web"}},"spec":{"nodeName":"n1","automountServiceAccountToken":false,)"
         R"("containers":[{"name":"main","image":"x","volumeMounts":[)" +
         mounts + R"(]}],"volumes":[)" + volumes + "]}}";
}

const std::string config_maps = "/api/v1/namespaces/default/configmaps";
const std::string secrets = "/api/v1/namespaces/default/secrets";
const std::string pods = "/api/v1/namespaces/default/pods";
const std::string accounts = "/api/v1/namespaces/default/serviceaccounts";

class ApiVolumes : public testing::TemporaryRoot {
 protected:
  void run(std::function<rt::Task<void>(NodeVolumes&)> body) {
    rt::testing::run_sim([&]() -> rt::Task<void> {
      auto volumes = co_await NodeVolumes::start(root_);
      co_await volumes->send("POST", "/api/v1/nodes", R"({"metadata":{"name":"n1"}})");
      co_await volumes->send("POST", accounts, R"({"metadata":{"name":"default"}})");
      co_await body(*volumes);
      co_await volumes->stop();
    });
  }
  // Where the volume of the pod is.
  static std::string at(NodeVolumes& v, const PodPtr& pod, std::size_t index) {
    const volumes::MountedVolumes* mounted = v.manager->mounted(pod->metadata.uid);
    return mounted && index < mounted->size() ? (*mounted)[index].host_path : std::string("/nowhere");
  }
};

TEST_F(ApiVolumes, FollowObjects) {
  run([](NodeVolumes& v) -> rt::Task<void> {
    co_await v.send("POST", config_maps, R"({"metadata":{"name":"cm"},"data":{"a":"1","b":"1"}})");
    co_await v.send("POST", secrets, R"({"metadata":{"name":"s"},"stringData":{"k":"one"}})");
    co_await v.send(
        "POST", pods,
        pod_json(
            R"({"name":"c","configMap":{"name":"cm","items":[{"key":"a","path":"dir/a"}]}},{"name":"s","secret":{"secretName":"s","defaultMode":256}},)"
            R"({"name":"d","downwardAPI":{"items":[{"path":"labels","fieldRef":{"fieldPath":"metadata.labels"}}]}})"));
    const PodPtr pod = co_await v.pod();
    const auto ready = co_await v.manager->prepare(rt::Context::background(), pod);
    EXPECT_TRUE(ready) << ready.error().message;
    EXPECT_EQ(text_of(at(v, pod, 0) + "/dir/a"), "1");
    EXPECT_EQ(text_of(at(v, pod, 0) + "/b"), "<missing>");
    EXPECT_EQ(text_of(at(v, pod, 1) + "/k"), "one");
    EXPECT_EQ(text_of(at(v, pod, 2) + "/labels"), "app=\"web\"");

    co_await v.send("PATCH", config_maps + "/cm", R"({"data":{"a":"2"}})");
    co_await v.send("PATCH", secrets + "/s", R"({"stringData":{"k":"two"}})");
    co_await v.send("PATCH", pods + "/web", R"({"metadata":{"labels":{"app":"new"}}})");
    v.manager->update(co_await v.pod());
    co_await pass(std::chrono::seconds(1));
    EXPECT_EQ(text_of(at(v, pod, 0) + "/dir/a"), "2");
    EXPECT_EQ(text_of(at(v, pod, 1) + "/k"), "two");
    EXPECT_EQ(text_of(at(v, pod, 2) + "/labels"), "app=\"new\"");
    EXPECT_TRUE(v.warnings.empty());

    // Deleted: the files stay, and the user is told.
    co_await v.send("DELETE", config_maps + "/cm", "");
    co_await pass(std::chrono::seconds(1));
    EXPECT_EQ(text_of(at(v, pod, 0) + "/dir/a"), "2");
    EXPECT_FALSE(v.warnings.empty());
    EXPECT_TRUE(co_await v.manager->tear_down(rt::Context::background(), pod->metadata.uid));
  });
}

TEST_F(ApiVolumes, WaitForAMissingSecret) {
  run([](NodeVolumes& v) -> rt::Task<void> {
    co_await v.send("POST", pods, pod_json(R"({"name":"s","secret":{"secretName":"late"}})"));
    const PodPtr pod = co_await v.pod();
    rt::TaskGroup tasks;
    std::function<rt::Task<void>()> later = [&v]() -> rt::Task<void> {
      co_await pass(std::chrono::seconds(100));
      co_await v.send("POST", secrets, R"({"metadata":{"name":"late"},"stringData":{"k":"v"}})");
    };
    tasks.spawn(later());
    const auto began = rt::Executor::current().runtime().clock().now();
    EXPECT_TRUE(co_await v.manager->prepare(rt::Context::background(), pod));
    const auto took = rt::Executor::current().runtime().clock().now() - began;
    EXPECT_LT(took, std::chrono::seconds(101)) << "the watch tells, not the backoff";
    co_await tasks.join();
    EXPECT_EQ(text_of(at(v, pod, 0) + "/k"), "v");
    EXPECT_FALSE(v.warnings.empty());
    if (!v.warnings.empty()) {
      EXPECT_EQ(v.warnings[0], "MountVolume.SetUp failed for volume \"s\" : secret \"late\" not found");
    }
  });
}

TEST_F(ApiVolumes, ImmutableObjectsAreReadOnce) {
  run([](NodeVolumes& v) -> rt::Task<void> {
    co_await v.send("POST", config_maps, R"({"metadata":{"name":"cm"},"immutable":true,"data":{"a":"1"}})");
    co_await v.send("POST", pods, pod_json(R"({"name":"c","configMap":{"name":"cm"}})"));
    const PodPtr pod = co_await v.pod();
    EXPECT_TRUE(co_await v.manager->prepare(rt::Context::background(), pod));
    EXPECT_EQ(text_of(at(v, pod, 0) + "/a"), "1");
    // Nobody watches any more: even its deletion is not seen.
    co_await v.send("DELETE", config_maps + "/cm", "");
    co_await pass(std::chrono::minutes(5));
    EXPECT_TRUE(v.warnings.empty());
    const auto kept = co_await v.objects->config_map(rt::Context::background(), "default", "cm");
    EXPECT_TRUE(kept);
    EXPECT_TRUE(co_await v.manager->tear_down(rt::Context::background(), pod->metadata.uid));
    const auto asked = co_await v.objects->config_map(rt::Context::background(), "default", "cm");
    EXPECT_FALSE(asked);
  });
}

// The expiry in a token, without checking its signature.
int64_t expiry_of(const std::string& token) {
  const std::size_t first = token.find('.');
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string::npos) return 0;
  const auto text = codec::decode_base64_url(token.substr(first + 1, second - first - 1));
  if (!text) return 0;
  const std::size_t at = text->find("\"exp\":");
  return at == std::string::npos ? 0 : std::stoll(text->substr(at + 6));
}

TEST_F(ApiVolumes, WhatIsForbiddenAtFirstIsAskedForAgainAtOnce) {
  run([](NodeVolumes& v) -> rt::Task<void> {
    std::string unbound = pod_json(R"({"name":"t","projected":{"sources":[{"serviceAccountToken":{"path":"token"}}]}})");
    const std::string node = R"("nodeName":"n1",)";
    unbound.erase(unbound.find(node), node.size());
    co_await v.send("POST", pods, unbound);
    auto seen = std::make_shared<core::Pod>(*co_await v.pod());
    seen->spec.node_name = "n1";
    rt::TaskGroup tasks;
    std::function<rt::Task<void>()> later = [&v]() -> rt::Task<void> {
      co_await pass(std::chrono::milliseconds(120));
      co_await v.send("POST", pods + "/web/binding", R"({"metadata":{"name":"web"},"target":{"kind":"Node","name":"n1"}})");
    };
    tasks.spawn(later());
    const auto began = rt::Executor::current().runtime().clock().now();
    EXPECT_TRUE(co_await v.manager->prepare(rt::Context::background(), seen));
    EXPECT_LT(rt::Executor::current().runtime().clock().now() - began, std::chrono::milliseconds(300));
    co_await tasks.join();
    EXPECT_GT(expiry_of(text_of(at(v, seen, 0) + "/token")), 0);
    EXPECT_TRUE(v.warnings.empty()) << v.warnings[0];
  });
}

TEST_F(ApiVolumes, TokensAreRenewed) {
  run([](NodeVolumes& v) -> rt::Task<void> {
    co_await v.send(
        "POST", pods,
        pod_json(R"({"name":"t","projected":{"sources":[{"serviceAccountToken":{"path":"token","audience":"vault","expirationSeconds":600}}]}})"));
    const PodPtr pod = co_await v.pod();
    const auto ready = co_await v.manager->prepare(rt::Context::background().with_timeout(std::chrono::seconds(5)), pod);
    EXPECT_TRUE(ready) << ready.error().message << (v.warnings.empty() ? std::string() : v.warnings[0]);
    const std::string path = at(v, pod, 0) + "/token";
    const std::string first = text_of(path);
    EXPECT_GT(expiry_of(first), 0);
    co_await pass(std::chrono::seconds(400));
    EXPECT_EQ(text_of(path), first);
    co_await pass(std::chrono::seconds(85));
    const std::string second = text_of(path);
    EXPECT_NE(second, first) << "after four fifths of its life";
    EXPECT_GT(expiry_of(second), expiry_of(first));
    // Hours of it: never an expired token.
    rt::Clock& clock = rt::Executor::current().runtime().clock();
    for (int hour = 0; hour < 24; ++hour) {
      co_await pass(std::chrono::hours(1));
      EXPECT_GT(expiry_of(text_of(path)), std::chrono::duration_cast<std::chrono::seconds>(clock.wall_now().time_since_epoch()).count());
    }
    EXPECT_TRUE(v.warnings.empty());
  });
}

}  // namespace
}  // namespace pintle::kubelet
