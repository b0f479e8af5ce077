// Two tenants and one private image, against a fake runtime whose registry asks for a password.
#include "kubelet/images/image_access.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "cri/typed_call.h"
#include "kubelet/images/image_puller.h"
#include "kubelet/testing.h"
#include "net/grpc/server.h"
#include "os/path.h"
#include "os/replace_file.h"
#include "rt/testing.h"

namespace pintle::kubelet::images {
namespace {

namespace cri_v1 = api::cri_v1;
using api::kubeletconfig_v1beta1::KubeletConfiguration;

const rt::Context always = rt::Context::background();
constexpr std::string_view image_id = "sha256:1111";

// The registry knows these passwords; the node has the image once it was pulled.
struct Node {
  std::set<std::string> passwords{"good", "other"};
  bool present = false;
  int pulls = 0;
  bool loses_answers = false;
  std::string pulled_name{image_id};
  std::map<std::string, api::core_v1::Secret> secrets;
};

rt::Task<Result<std::string>> image_status(Node& node) {
  cri_v1::ImageStatusResponse answer;
  if (node.present) answer.image.ensure().id = image_id;
  co_return cri::encode(answer);
}
rt::Task<Result<std::string>> pull_image(Node& node, std::string bytes) {
  const auto request = cri::decode<cri_v1::PullImageRequest>(bytes);
  ++node.pulls;
  const std::string password = request->auth ? request->auth->password : "";
  if (!node.passwords.contains(password)) co_return error(Reason::Forbidden, "unauthorized");
  node.present = true;
  if (node.loses_answers) co_return error(Reason::ServiceUnavailable, "the connection broke");
  cri_v1::PullImageResponse answer;
  answer.image_ref = node.pulled_name;
  co_return cri::encode(answer);
}
rt::Task<Result<std::string>> list_images(Node& node) {
  cri_v1::ListImagesResponse answer;
  if (node.present) {
    auto& image = answer.images.emplace_back();
    image.id = image_id;
    image.repo_tags = {"registry.example.com/team/app:1"};
  }
  co_return cri::encode(answer);
}

class Objects : public referenced_objects::ReferencedObjects {
 public:
  explicit Objects(Node& node) : node_(node) {}
  void add_pod(const api::core_v1::Pod&) override {}
  void remove_pod(std::string_view) override {}
  rt::Task<void> stop() override { co_return; }
  rt::Task<Result<referenced_objects::ConfigMapPtr>> config_map(rt::Context, std::string, std::string) override {
    co_return error(Reason::NotFound, "none");
  }
  rt::Task<Result<referenced_objects::SecretPtr>> secret(rt::Context, std::string namespace_name, std::string name) override {
    const auto found = node_.secrets.find(namespace_name + "/" + name);
    if (found == node_.secrets.end()) co_return error(Reason::NotFound, "no such secret");
    co_return std::make_shared<const api::core_v1::Secret>(found->second);
  }
  void on_change(std::function<void(const std::vector<std::string>&)>) override {}

 private:
  Node& node_;
};

struct World {
  Node& node;
  rt::Runtime& runtime;
  cri::RuntimeClient& cri;
  std::string root;
  KubeletConfiguration config;

  void secret(const std::string& namespace_name, const std::string& password, const std::string& uid) {
    api::core_v1::Secret secret;
    secret.metadata.namespace_ = namespace_name;
    secret.metadata.name = "pull";
    secret.metadata.uid = uid;
    secret.type = "kubernetes.io/dockerconfigjson";
    secret.data[".dockerconfigjson"] = R"({"auths":{"registry.example.com":{"username":"u","password":")" + password + R"("}}})";
    node.secrets[namespace_name + "/pull"] = std::move(secret);
  }
  ImagePullerOptions options = {};

  // "ok", or why the container waits. Each time by a kubelet that has just started.
  rt::Task<std::string> start(std::string namespace_name, std::string policy) {
    const std::vector<std::string> one = co_await start_some(std::move(namespace_name), std::move(policy), 1);
    co_return one.front();
  }
  // As many times by one kubelet, one after the other.
  rt::Task<std::vector<std::string>> start_some(std::string namespace_name, std::string policy, int times) {
    auto verification = VerificationPolicy::make(config);
    EXPECT_TRUE(verification);
    ImageAccess access(runtime, cri, *verification, root);
    PodEvents events(nullptr);
    Objects objects(node);
    ImagePullerDeps deps{runtime, cri, events, &objects};
    deps.access = &access;
    ImagePuller puller(std::move(deps), options);
    ImageRequest request;
    auto pod = testing::pod_of("{metadata: {name: p}, spec: {imagePullSecrets: [{name: pull}], containers: [{name: c}]}}");
    pod.metadata.namespace_ = namespace_name;
    request.pod = std::make_shared<const api::core_v1::Pod>(std::move(pod));
    request.container = "c";
    request.image = "registry.example.com/team/app:1";
    request.pull_policy = std::move(policy);
    std::vector<std::string> out;
    for (int i = 0; i < times; ++i) {
      auto got = co_await puller.ensure(always, request);
      out.push_back(got ? "ok" : got.error().reason + ": " + got.error().message);
    }
    co_return out;
  }
};

rt::Task<void> with_world(std::function<rt::Task<void>(World&)> check) {
  auto& runtime = rt::Executor::current().runtime();
  std::string root = ::testing::TempDir() + "pintle-images-XXXXXX";
  EXPECT_NE(::mkdtemp(root.data()), nullptr);
  Node node;
  net::grpc::Server server(runtime);
  server.on("/runtime.v1.ImageService/ImageStatus", [&node](rt::Context, std::string) { return image_status(node); });
  server.on("/runtime.v1.ImageService/PullImage", [&node](rt::Context, std::string bytes) { return pull_image(node, std::move(bytes)); });
  server.on("/runtime.v1.ImageService/ListImages", [&node](rt::Context, std::string) { return list_images(node); });
  EXPECT_TRUE(server.start("/run/fake.sock"));
  cri::RuntimeClientOptions options;
  options.endpoint = "/run/fake.sock";
  auto client = std::move(*cri::RuntimeClient::make(runtime, options));
  World world{node, runtime, *client, root, {}};
  world.secret("a", "good", "uid-a");
  co_await check(world);
  co_await client->close();
  co_await server.stop();
  EXPECT_TRUE(os::remove_tree(root));
}
void run(std::function<rt::Task<void>(World&)> check) {
  rt::testing::run_sim([&] { return with_world(check); }, 1);
}

constexpr std::string_view refused = "ErrImagePull: unauthorized";
constexpr std::string_view never = "ErrImageNeverPull: Container image \"registry.example.com/team/app:1\" is not present with pull policy of Never";

rt::Task<void> expect(World& world, std::string namespace_name, std::string policy, std::string_view want, int pulls) {
  const int before = world.node.pulls;
  const std::string got = co_await world.start(namespace_name, policy);
  EXPECT_TRUE(got.find(want) != std::string::npos) << namespace_name << " " << policy << ": " << got;
  EXPECT_EQ(world.node.pulls - before, pulls) << namespace_name << " " << policy;
}

rt::Task<void> a_private_image_is_its_tenants(World& world) {
  co_await expect(world, "a", "IfNotPresent", "ok", 1);
  co_await expect(world, "a", "IfNotPresent", "ok", 0);
  co_await expect(world, "a", "Never", "ok", 0);
  // No secret, a wrong one, a right one of another name.
  co_await expect(world, "b", "IfNotPresent", "unauthorized", 1);
  co_await expect(world, "b", "Never", never, 0);
  world.secret("b", "wrong", "uid-b");
  co_await expect(world, "b", "IfNotPresent", "unauthorized", 1);
  world.secret("b", "other", "uid-b");
  co_await expect(world, "b", "Never", never, 0);
  co_await expect(world, "b", "IfNotPresent", "ok", 1);
  co_await expect(world, "b", "Never", "ok", 0);
  // The same password under another name shows as much as under its first; what a secret holds may change.
  world.secret("c", "good", "uid-c");
  co_await expect(world, "c", "IfNotPresent", "ok", 0);
  world.secret("a", "changed", "uid-a");
  co_await expect(world, "a", "IfNotPresent", "ok", 0);
  world.secret("a", "changed again", "another uid");
  co_await expect(world, "a", "IfNotPresent", "unauthorized", 1);
}
TEST(ImageAccess, APrivateImageIsItsTenants) { run(a_private_image_is_its_tenants); }

rt::Task<void> a_public_image_is_everyones(World& world) {
  world.node.passwords = {""};
  co_await expect(world, "b", "IfNotPresent", "ok", 1);
  co_await expect(world, "d", "IfNotPresent", "ok", 0);
  co_await expect(world, "d", "Never", "ok", 0);
}
TEST(ImageAccess, APublicImageIsEveryones) { run(a_public_image_is_everyones); }

// registryPullQPS and registryBurst.
rt::Task<void> pulls_have_a_pace(World& world) {
  world.options = {.parallel_pulls_max = 1, .pulls_per_second = 1, .pull_burst = 2};
  const auto got = co_await world.start_some("a", "Always", 4);
  const std::vector<std::string> want = {
      "ok", "ok", "ErrImagePull: pull QPS exceeded",
      "ImagePullBackOff: Back-off pulling image \"registry.example.com/team/app:1\": ErrImagePull: pull QPS exceeded"};
  EXPECT_EQ(got, want);
  EXPECT_EQ(world.node.pulls, 2);
}
TEST(ImageAccess, PullsHaveAPace) { run(pulls_have_a_pace); }

rt::Task<void> policies(World& world) {
  world.node.present = true;  // by other means
  co_await expect(world, "b", "IfNotPresent", "ok", 0);
  world.config.image_pull_credentials_verification_policy = "AlwaysVerify";
  co_await expect(world, "b", "IfNotPresent", "unauthorized", 1);
  co_await expect(world, "a", "IfNotPresent", "ok", 1);
  co_await expect(world, "a", "IfNotPresent", "ok", 0);
  world.config.image_pull_credentials_verification_policy = "NeverVerify";
  co_await expect(world, "b", "IfNotPresent", "ok", 0);
  world.config.image_pull_credentials_verification_policy = "NeverVerifyAllowlistedImages";
  co_await expect(world, "b", "IfNotPresent", "unauthorized", 1);
  world.config.preloaded_images_verification_allowlist = {"registry.example.com/team/*"};
  co_await expect(world, "b", "IfNotPresent", "ok", 0);
  world.config = KubeletConfiguration();
  world.config.feature_gates["KubeletEnsureSecretPulledImages"] = false;
  co_await expect(world, "b", "IfNotPresent", "ok", 0);
}
TEST(ImageAccess, Policies) { run(policies); }

rt::Task<void> what_is_not_known_is_not_granted(World& world) {
  // A kubelet that ended in the middle of a pull: the image is there, and nobody knows whose it is.
  const PullRecords records(world.root);
  EXPECT_TRUE(records.begin("registry.example.com/team/app:1"));
  world.node.present = true;
  co_await expect(world, "b", "IfNotPresent", "unauthorized", 1);
  EXPECT_TRUE(records.begun()->empty());
  EXPECT_TRUE(*records.read(std::string(image_id)));
  co_await expect(world, "b", "Never", never, 0);
  co_await expect(world, "a", "IfNotPresent", "ok", 1);
  // A record that cannot be read.
  EXPECT_TRUE(os::remove_tree(world.root + "/image_manager/pulled"));
  EXPECT_TRUE(os::make_directories(world.root + "/image_manager/pulled", 0700));
  co_await expect(world, "b", "IfNotPresent", "ok", 0);  // none: it came by other means
  auto record = ImagePulledRecord();
  record.image_ref = image_id;
  EXPECT_TRUE(records.write(record));
  const auto files = os::tree_usage(world.root + "/image_manager/pulled");
  EXPECT_EQ(files->inodes, 2u);
  co_await expect(world, "b", "Never", never, 0);
  // The image goes, and what was known of it.
  auto access = ImageAccess(world.runtime, world.cri, *VerificationPolicy::make(world.config), world.root);
  co_await access.removed(std::string(image_id));
  EXPECT_FALSE(*records.read(std::string(image_id)));
}

// The runtime pulled the image, and its answer was lost.
rt::Task<void> a_lost_answer_grants_nothing(World& world) {
  world.node.loses_answers = true;
  co_await expect(world, "a", "IfNotPresent", "ErrImagePull", 1);
  EXPECT_TRUE(world.node.present);
  world.node.loses_answers = false;
  co_await expect(world, "b", "Never", never, 0);
  for (int i = 0; i < 2; ++i) co_await expect(world, "b", "IfNotPresent", "unauthorized", 1);
  co_await expect(world, "b", "Never", never, 0);
  co_await expect(world, "a", "IfNotPresent", "ok", 1);
  EXPECT_TRUE(PullRecords(world.root).begun()->empty());
}
TEST(ImageAccess, ALostAnswerGrantsNothing) { run(a_lost_answer_grants_nothing); }

// The runtime calls the image by its repository's digest when it pulls, and by its id ever after.
rt::Task<void> an_image_has_one_record(World& world) {
  world.node.pulled_name = "registry.example.com/team/app@sha256:2222";
  co_await expect(world, "a", "IfNotPresent", "ok", 1);
  co_await expect(world, "b", "IfNotPresent", "unauthorized", 1);
}
TEST(ImageAccess, AnImageHasOneRecord) { run(an_image_has_one_record); }

TEST(ImageAccess, WhatIsNotKnownIsNotGranted) { run(what_is_not_known_is_not_granted); }

TEST(PullRecords, AreUpstreams) {
  std::string root = ::testing::TempDir() + "pintle-records-XXXXXX";
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  const PullRecords records(root);
  // As upstream's kubelet wrote it; the name is "sha256-" and the digest of "test".
  const std::string folder = root + "/image_manager/pulled";
  ASSERT_TRUE(os::make_directories(folder, 0700));
  const std::string file = folder + "/sha256-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
  ASSERT_TRUE(os::create_file(
      file,
      R"({"kind":"ImagePulledRecord","apiVersion":"kubelet.config.k8s.io/v1alpha1","lastUpdatedTime":"2024-10-21T12:26:40Z","imageRef":"test",)"
      R"("credentialMapping":{"docker.io/testing/test":{"kubernetesSecrets":[{"uid":"u","namespace":"default","name":"pull","credentialHash":"h"}]}}})",
      0600));
  const auto read = records.read("test");
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->credential_mapping.get("docker.io/testing/test")->kubernetes_secrets.at(0).name, "pull");
  EXPECT_EQ(records.all()->size(), 1u);
  ASSERT_TRUE(records.begin("a:1"));
  EXPECT_EQ(*records.begun(), std::vector<std::string>{"a:1"});
  EXPECT_TRUE(*records.is_begun("a:1"));
  ASSERT_TRUE(records.end("a:1"));
  EXPECT_FALSE(*records.is_begun("a:1"));
  ASSERT_TRUE(records.remove("test"));
  ASSERT_TRUE(os::create_file(file, "nonsense", 0600));
  EXPECT_FALSE(records.read("test"));
  EXPECT_TRUE(os::remove_tree(root));
}

TEST(PullRecord, IsBounded) {
  ImagePulledRecord record;
  for (std::size_t i = 0; i < record_secrets_max + 5; ++i) {
    ImagePullCredentials more;
    auto& secret = more.kubernetes_secrets.emplace_back();
    secret.uid = secret.credential_hash = std::to_string(i);
    EXPECT_TRUE(add_credentials(record, "image", more));
    EXPECT_FALSE(add_credentials(record, "image", more));
  }
  EXPECT_EQ(record.credential_mapping.get("image")->kubernetes_secrets.size(), record_secrets_max);
  ImagePullCredentials open;
  open.node_pods_accessible = true;
  EXPECT_TRUE(add_credentials(record, "image", open));
  EXPECT_TRUE(record.credential_mapping.get("image")->kubernetes_secrets.empty());
  for (std::size_t i = 0; i < 3 * record_names_max; ++i) (void)add_credentials(record, std::to_string(i), open);
  EXPECT_LE(record.credential_mapping.size(), record_names_max);
  EXPECT_FALSE(access_of(record, "image", {}).granted) << "what had to go is verified again";
}

TEST(PullRecord, ServiceAccounts) {
  const ImagePullServiceAccount mine{"uid-1", "ns", "a"}, again{"uid-2", "ns", "a"};
  ImagePullCredentials by_account;
  by_account.kubernetes_service_accounts = {mine};
  ImagePulledRecord record;
  EXPECT_FALSE(depends_on_credentials(record, "image"));
  EXPECT_TRUE(add_credentials(record, "image", by_account));
  EXPECT_FALSE(add_credentials(record, "image", by_account));
  EXPECT_TRUE(depends_on_credentials(record, "image"));
  EXPECT_TRUE(access_of(record, "image", {{}, mine}).granted);
  EXPECT_FALSE(access_of(record, "image", {{}, again}).granted) << "another account of that name";
  EXPECT_FALSE(access_of(record, "other", {{}, mine}).granted);
  EXPECT_FALSE(access_of(record, "image", {}).granted);
  ImagePullCredentials open;
  open.node_pods_accessible = true;
  EXPECT_TRUE(add_credentials(record, "image", open));
  EXPECT_FALSE(depends_on_credentials(record, "image"));
  EXPECT_TRUE(access_of(record, "image", {}).granted);
}

TEST(VerificationPolicy, IsChecked) {
  const auto valid = [](std::string policy, std::vector<std::string> list) {
    KubeletConfiguration config;
    config.image_pull_credentials_verification_policy = std::move(policy);
    config.preloaded_images_verification_allowlist = std::move(list);
    return VerificationPolicy::make(config).has_value();
  };
  EXPECT_TRUE(valid("", {}) && valid("NeverVerify", {}) && valid("NeverVerifyPreloadedImages", {}) && valid("AlwaysVerify", {}));
  EXPECT_FALSE(valid("Sometimes", {}));
  EXPECT_FALSE(valid("AlwaysVerify", {"docker.io/library/busybox"}));
  const std::string listed = "NeverVerifyAllowlistedImages";
  EXPECT_TRUE(valid(listed, {"docker.io/library/busybox", "example.com/*", "example.com/a/*"}));
  for (const char* bad : {"busybox", "docker.io/library/busybox:1", "*", "/*", "example.com/*/a", "example.com/a*", "", " example.com/a"})
    EXPECT_FALSE(valid(listed, {bad})) << bad;
}

}  // namespace
}  // namespace pintle::kubelet::images
