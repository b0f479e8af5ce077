#include "apiserver/admission/plugins.h"

#include "api/gen/core_v1.h"
#include "api/gen/networking_v1.h"
#include "api/gen/node_v1.h"
#include "api/gen/scheduling_v1.h"
#include "api/gen/storage_v1.h"
#include "apiserver/admission/sequence.h"
#include "apiserver/admission/settings.h"
#include "apiserver/authentication/testing/fake_reader.h"
#include "apiserver/authorization/authorizer.h"
#include "rt/sync.h"
#include "rt/testing.h"

#include <gtest/gtest.h>

namespace pintle::apiserver::admission {
namespace {

using namespace api::core_v1;

api::Quantity quantity(const char* text) { return *api::Quantity::parse(text); }

class AdmissionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Namespace ns;
    ns.metadata.name = "wire";
    reader_.put({"", "namespaces"}, ns);
    ServiceAccount account;
    account.metadata.name = "default";
    account.metadata.namespace_ = "wire";
    account.image_pull_secrets.resize(1);
    account.image_pull_secrets[0].name = "pull";
    reader_.put({"", "serviceaccounts"}, account);
    use({});
  }
  void use(AdmissionConfig config) { plugins_ = AdmissionSequence(make_admission_plugins(config, {reader_, nullptr, &random_})); }
  static Pod pod() {
    Pod out;
    out.metadata.name = "p";
    out.metadata.namespace_ = "wire";
    out.spec.containers.resize(1);
    out.spec.containers[0].name = "c";
    return out;
  }
  // Both phases; the status code and, if it is refused, the message.
  template <class T>
  std::string run(GroupResource resource, T& object, const T* old = nullptr, const std::string& subresource = "") {
    AdmissionAttributes a;
    a.operation = old ? Operation::Update : Operation::Create;
    a.resource = std::move(resource);
    a.subresource = subresource;
    a.ns = object.metadata.namespace_;
    a.name = object.metadata.name;
    a.user = &user_;
    a.warnings = &warnings_;
    api::Object held = api::Object::of<T>(object);
    api::Object held_old = old ? api::Object::of<T>(*old) : api::Object();
    a.object = &held;
    if (old) a.old_object = &held_old;
    auto result = testing::now(plugins_.admit(rt::Context::background(), a));
    if (result) result = testing::now(plugins_.validate(rt::Context::background(), a));
    object = held.as<T>();
    return result ? "ok" : std::to_string(result.error().http()) + " " + result.error().message;
  }
  std::string create(Pod& pod) { return run({"", "pods"}, pod); }

  testing::FakeReader reader_;
  testing::FakeRandom random_;
  UserInfo user_;
  std::vector<std::string> warnings_;
  AdmissionSequence plugins_;
};

TEST(AdmissionConfigTest, NamesAndOrder) {
  EXPECT_TRUE(check_admission_config({}, {}));
  EXPECT_FALSE(check_admission_config({.enable = {"Magic"}, .disable = {}}, {}));
  EXPECT_FALSE(check_admission_config({.enable = {"NodeRestriction"}, .disable = {"NodeRestriction"}}, {}));
  testing::FakeReader reader;
  testing::FakeRandom random;
  const AdmissionConfig config{.enable = {"NodeRestriction", "AlwaysAdmit"}, .disable = {"Priority"}};
  const AdmissionSequence plugins(make_admission_plugins(config, {reader, nullptr, &random}));
  const auto names = plugins.names();
  const std::vector<std::string_view> want = {"NamespaceLifecycle",
                                              "LimitRanger",
                                              "ServiceAccount",
                                              "NodeRestriction",
                                              "TaintNodesByCondition",
                                              "PodSecurity",
                                              "DefaultTolerationSeconds",
                                              "DefaultStorageClass",
                                              "StorageObjectInUseProtection",
                                              "PersistentVolumeClaimResize",
                                              "RuntimeClass",
                                              "CertificateApproval",
                                              "CertificateSigning",
                                              "CertificateSubjectRestriction",
                                              "DefaultIngressClass",
                                              "PodTopologyLabels",
                                              "NodeDeclaredFeatureValidator",
                                              "PodResizeValidator",
                                              "MutatingAdmissionPolicy",
                                              "MutatingAdmissionWebhook",
                                              "ValidatingAdmissionPolicy",
                                              "ValidatingAdmissionWebhook",
                                              "ResourceQuota"};
  EXPECT_EQ(names, want);
  EXPECT_FALSE(check_admission_config({.enable = {"ImagePolicyWebhook"}, .disable = {}}, {})) << "it has no webhook";
  EXPECT_FALSE(check_admission_config({.enable = {"EventRateLimit"}, .disable = {}}, {})) << "it has no limits";
  PluginSettings limited;
  limited.event_limits.emplace();
  EXPECT_TRUE(check_admission_config({.enable = {"EventRateLimit"}, .disable = {}}, limited));
}

TEST_F(AdmissionTest, APodGetsItsDefaults) {
  Pod p = pod();
  ASSERT_EQ(create(p), "ok");
  EXPECT_EQ(p.spec.service_account_name, "default");
  EXPECT_EQ(p.spec.priority, 0);
  EXPECT_EQ(p.spec.preemption_policy, "PreemptLowerPriority");
  ASSERT_EQ(p.spec.tolerations.size(), 2u);
  EXPECT_EQ(p.spec.tolerations[0].key, "node.kubernetes.io/not-ready");
  EXPECT_EQ(p.spec.tolerations[1].toleration_seconds, 300);
  EXPECT_EQ(p.spec.image_pull_secrets[0].name, "pull");
  ASSERT_EQ(p.spec.volumes.size(), 1u);
  EXPECT_TRUE(p.spec.volumes[0].name.starts_with("kube-api-access-"));
  EXPECT_EQ(p.spec.volumes[0].name.size(), 21u);
  EXPECT_EQ(p.spec.volumes[0].projected->sources.size(), 3u);
  ASSERT_EQ(p.spec.containers[0].volume_mounts.size(), 1u);
  EXPECT_EQ(p.spec.containers[0].volume_mounts[0].mount_path, "/var/run/secrets/kubernetes.io/serviceaccount");
  EXPECT_TRUE(p.spec.containers[0].volume_mounts[0].read_only);
  // What is there stays.
  Pod again = p;
  ASSERT_EQ(create(again), "ok");
  EXPECT_EQ(again.spec.volumes.size(), 1u);
  EXPECT_EQ(again.spec.tolerations.size(), 2u);
}

TEST_F(AdmissionTest, AlwaysPullImagesLeavesUpdatesWithoutANewImageAlone) {
  use({.enable = {"AlwaysPullImages"}, .disable = {}});
  Pod old = pod();
  old.spec.containers[0].image = "a";
  old.spec.containers[0].image_pull_policy = "IfNotPresent";
  const std::pair<const char*, const char*> cases[] = {{"a", "IfNotPresent"}, {"b", "Always"}};
  for (const auto& [image, want] : cases) {
    Pod now = old;
    now.metadata.labels["x"] = "y";
    now.spec.containers[0].image = image;
    EXPECT_EQ(run({"", "pods"}, now, &old), "ok");
    EXPECT_EQ(now.spec.containers[0].image_pull_policy, want) << image;
  }
  Pod made = old;
  made.spec.init_containers = made.spec.containers;
  made.spec.volumes.resize(1);
  made.spec.volumes[0].image.emplace().pull_policy = "Never";
  EXPECT_EQ(create(made), "ok");
  EXPECT_EQ(made.spec.containers[0].image_pull_policy, "Always");
  EXPECT_EQ(made.spec.init_containers[0].image_pull_policy, "Always");
  EXPECT_EQ(made.spec.volumes[0].image->pull_policy, "Always");
}

TEST_F(AdmissionTest, ServiceAccounts) {
  Pod p = pod();
  p.spec.automount_service_account_token = false;
  ASSERT_EQ(create(p), "ok");
  EXPECT_TRUE(p.spec.volumes.empty());
  p = pod();
  p.spec.service_account_name = "nope";
  EXPECT_EQ(create(p), "403 pods \"p\" is forbidden: error looking up service account wire/nope: serviceaccount \"nope\" not found");
  p = pod();
  p.metadata.annotations["kubernetes.io/config.mirror"] = "x";
  ASSERT_EQ(create(p), "ok");
  EXPECT_EQ(p.spec.service_account_name, "");
  p.spec.service_account_name = "default";
  EXPECT_TRUE(create(p).starts_with("403"));
  ServiceAccount strict;
  strict.metadata.name = "strict";
  strict.metadata.namespace_ = "wire";
  strict.metadata.annotations["kubernetes.io/enforce-mountable-secrets"] = "true";
  strict.secrets.resize(1);
  strict.secrets[0].name = "mine";
  reader_.put({"", "serviceaccounts"}, strict);
  p = pod();
  p.spec.service_account_name = "strict";
  p.spec.volumes.resize(1);
  p.spec.volumes[0].secret.emplace().secret_name = "mine";
  EXPECT_EQ(create(p), "ok");
  p.spec.volumes[0].secret->secret_name = "yours";
  EXPECT_TRUE(create(p).starts_with("403"));
}

// What plugins hold against each other has as many entries as a body has room for.
TEST_F(AdmissionTest, ListsThatMultiply) {
  ServiceAccount strict;
  strict.metadata.name = "strict";
  strict.metadata.namespace_ = "wire";
  strict.metadata.annotations["kubernetes.io/enforce-mountable-secrets"] = "true";
  strict.secrets.resize(50'000);
  for (std::size_t i = 0; i < strict.secrets.size(); ++i) strict.secrets[i].name = "s" + std::to_string(i);
  reader_.put({"", "serviceaccounts"}, strict);
  Pod p = pod();
  p.spec.service_account_name = "strict";
  p.spec.containers[0].env_from.resize(50'000);
  for (std::size_t i = 0; i < p.spec.containers[0].env_from.size(); ++i)
    p.spec.containers[0].env_from[i].secret_ref.emplace().name = strict.secrets[strict.secrets.size() - 1 - i].name;
  p.spec.tolerations.resize(5'000);
  for (std::size_t i = 0; i < p.spec.tolerations.size(); ++i) {
    p.spec.tolerations[i].key = "a.b/r" + std::to_string(p.spec.tolerations.size() - i);
    p.spec.tolerations[i].operator_ = "Exists";
    p.spec.containers[0].resources.requests["a.b/r" + std::to_string(i + 1)] = quantity("1");
  }
  EXPECT_EQ(create(p), "ok");
  EXPECT_EQ(p.spec.tolerations.size(), 5'000u + 2);  // of DefaultTolerationSeconds

  LimitRange wide;
  wide.metadata.name = "wide";
  wide.metadata.namespace_ = "wire";
  wide.spec.limits.resize(1);
  wide.spec.limits[0].type = "Container";
  for (int i = 0; i < 500; ++i) wide.spec.limits[0].default_["a.b/d" + std::to_string(i)] = quantity("1");
  reader_.put({"", "limitranges"}, wide);
  Pod many = pod();
  many.spec.containers.resize(20'000, many.spec.containers[0]);
  EXPECT_EQ(create(many), "413 limit range wide sets too much for a pod of so many containers");
  wide.spec.limits[0].max = std::exchange(wide.spec.limits[0].default_, {});
  reader_.put({"", "limitranges"}, wide);
  many = pod();
  many.spec.containers.resize(20'000, many.spec.containers[0]);
  EXPECT_EQ(create(many), "413 limit range wide compares too much for a pod of so many containers");
  many.spec.containers.resize(300);
  const std::string told = create(many);
  EXPECT_TRUE(told.starts_with("403 ")) << told.substr(0, 200);
  EXPECT_LT(told.size(), 20'000u);
  for (int i = 0; i < 20'000; ++i) wide.spec.limits[0].max["a.b/more" + std::to_string(i)] = quantity("1");
  reader_.put({"", "limitranges"}, wide);
  p = pod();
  EXPECT_EQ(create(p), "403 pods \"p\" is forbidden: the limit ranges of namespace wire have more than 262144 bytes in all");
}

TEST_F(AdmissionTest, Namespaces) {
  Namespace going;
  going.metadata.name = "going";
  going.status.phase = "Terminating";
  reader_.put({"", "namespaces"}, going);
  ConfigMap map;
  map.metadata.name = "m";
  map.metadata.namespace_ = "wire";
  EXPECT_EQ(run({"", "configmaps"}, map), "ok");
  map.metadata.namespace_ = "going";
  EXPECT_EQ(run({"", "configmaps"}, map),
            "403 configmaps \"m\" is forbidden: unable to create new content in namespace going because it is being terminated");
  EXPECT_EQ(run({"", "configmaps"}, map, &map), "ok");
  map.metadata.namespace_ = "none";
  EXPECT_TRUE(run({"", "configmaps"}, map, &map).starts_with("404"));
  for (const auto& [name, want] : {std::pair("default", 403), std::pair("kube-system", 403), std::pair("wire", 200)}) {
    AdmissionAttributes a;
    a.operation = Operation::Delete;
    a.resource = {"", "namespaces"};
    a.name = name;
    const auto result = testing::now(plugins_.admit(rt::Context::background(), a));
    EXPECT_EQ(result ? 200 : result.error().http(), want) << name;
  }
}

// A namespace or an account that comes a moment late is waited for.
TEST_F(AdmissionTest, WaitsALittleForWhatIsBeingMade) {
  Pod p = pod();
  p.metadata.namespace_ = "late";
  api::Object held = api::Object::of<Pod>(p);
  AdmissionAttributes a;
  a.resource = {"", "pods"};
  a.ns = "late";
  a.object = &held;
  a.user = &user_;
  const auto admit = [&] { return rt::testing::run_sim([&] { return plugins_.admit(rt::Context::background(), a); }); };
  auto result = admit();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().http(), 404);
  Namespace ns;
  ns.metadata.name = "late";
  reader_.put({"", "namespaces"}, ns);
  result = admit();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().http(), 403);
  // The account appears while the request waits.
  const auto make_account = [](testing::FakeReader* reader) -> rt::Task<void> {
    (void)co_await rt::sleep_for(rt::Context::background(), std::chrono::milliseconds(400));
    ServiceAccount account;
    account.metadata.name = "default";
    account.metadata.namespace_ = "late";
    reader->put({"", "serviceaccounts"}, account);
  };
  const auto both = [&]() -> rt::Task<Result<Unit>> {
    rt::TaskGroup tasks;
    tasks.spawn(make_account(&reader_));
    auto answer = co_await plugins_.admit(rt::Context::background(), a);
    co_await tasks.join();
    co_return answer;
  };
  EXPECT_TRUE(rt::testing::run_sim(both));
}

TEST_F(AdmissionTest, Priorities) {
  const GroupResource classes{"scheduling.k8s.io", "priorityclasses"};
  api::scheduling_v1::PriorityClass high;
  high.metadata.name = "high";
  high.value = 1000;
  high.preemption_policy = "Never";
  reader_.put(classes, high);
  Pod p = pod();
  p.spec.priority_class_name = "high";
  ASSERT_EQ(create(p), "ok");
  EXPECT_EQ(p.spec.priority, 1000);
  EXPECT_EQ(p.spec.preemption_policy, "Never");
  p.spec.priority = 5;
  EXPECT_TRUE(create(p).starts_with("403"));
  p = pod();
  p.spec.priority_class_name = "nope";
  EXPECT_EQ(create(p), "403 pods \"p\" is forbidden: no PriorityClass with name nope was found");
  api::scheduling_v1::PriorityClass fallback;
  fallback.metadata.name = "usual";
  fallback.value = 7;
  fallback.global_default = true;
  EXPECT_EQ(run(classes, fallback), "ok");
  reader_.put(classes, fallback);
  p = pod();
  ASSERT_EQ(create(p), "ok");
  EXPECT_EQ(p.spec.priority_class_name, "usual");
  EXPECT_EQ(p.spec.priority, 7);
  Pod old = p;
  p.spec.priority.reset();
  ASSERT_EQ(run({"", "pods"}, p, &old), "ok");
  EXPECT_EQ(p.spec.priority, 7);
  EXPECT_EQ(run(classes, fallback, &fallback), "ok");
  fallback.metadata.name = "second";
  EXPECT_TRUE(run(classes, fallback).starts_with("403"));
}

TEST_F(AdmissionTest, NewNodesAreTainted) {
  Node node;
  node.metadata.name = "n1";
  ASSERT_EQ(run({"", "nodes"}, node), "ok");
  ASSERT_EQ(node.spec.taints.size(), 1u);
  EXPECT_EQ(node.spec.taints[0].key, "node.kubernetes.io/not-ready");
  ASSERT_EQ(run({"", "nodes"}, node), "ok");
  EXPECT_EQ(node.spec.taints.size(), 1u);
}

TEST_F(AdmissionTest, StorageAndClasses) {
  api::storage_v1::StorageClass fast;
  fast.metadata.name = "fast";
  fast.metadata.annotations["storageclass.kubernetes.io/is-default-class"] = "true";
  fast.metadata.creation_timestamp = api::Time{10, 0};
  fast.allow_volume_expansion = true;
  reader_.put({"storage.k8s.io", "storageclasses"}, fast);
  fast.metadata.name = "old";
  fast.metadata.creation_timestamp = api::Time{5, 0};
  reader_.put({"storage.k8s.io", "storageclasses"}, fast);
  PersistentVolumeClaim claim;
  claim.metadata.name = "c";
  claim.metadata.namespace_ = "wire";
  claim.spec.resources.requests["storage"] = quantity("1Gi");
  ASSERT_EQ(run({"", "persistentvolumeclaims"}, claim), "ok");
  EXPECT_EQ(claim.spec.storage_class_name, "fast");
  EXPECT_EQ(claim.metadata.finalizers, std::vector<std::string>{"kubernetes.io/pvc-protection"});
  PersistentVolumeClaim bigger = claim;
  bigger.spec.resources.requests["storage"] = quantity("2Gi");
  EXPECT_TRUE(run({"", "persistentvolumeclaims"}, bigger, &claim).starts_with("403"));
  claim.status.phase = "Bound";
  EXPECT_EQ(run({"", "persistentvolumeclaims"}, bigger, &claim), "ok");
  claim.spec.storage_class_name = bigger.spec.storage_class_name = "none";
  EXPECT_TRUE(run({"", "persistentvolumeclaims"}, bigger, &claim).starts_with("403"));

  api::networking_v1::IngressClass nginx;
  nginx.metadata.name = "nginx";
  nginx.metadata.annotations["ingressclass.kubernetes.io/is-default-class"] = "true";
  reader_.put({"networking.k8s.io", "ingressclasses"}, nginx);
  api::networking_v1::Ingress ingress;
  ingress.metadata.name = "i";
  ingress.metadata.namespace_ = "wire";
  ASSERT_EQ(run({"networking.k8s.io", "ingresses"}, ingress), "ok");
  EXPECT_EQ(ingress.spec.ingress_class_name, "nginx");
}

TEST_F(AdmissionTest, RuntimeClasses) {
  api::node_v1::RuntimeClass kata;
  kata.metadata.name = "kata";
  kata.overhead.emplace().pod_fixed["cpu"] = quantity("100m");
  kata.scheduling.emplace().node_selector["kata"] = "yes";
  kata.scheduling->tolerations.resize(1);
  kata.scheduling->tolerations[0].key = "kata";
  reader_.put({"node.k8s.io", "runtimeclasses"}, kata);
  Pod p = pod();
  p.spec.runtime_class_name = "kata";
  ASSERT_EQ(create(p), "ok");
  EXPECT_EQ(p.spec.overhead.get("cpu")->text(), "100m");
  EXPECT_EQ(*p.spec.node_selector.get("kata"), "yes");
  EXPECT_EQ(p.spec.tolerations.size(), 3u);
  p.spec.node_selector["kata"] = "no";
  EXPECT_TRUE(create(p).starts_with("403"));
  p = pod();
  p.spec.overhead["cpu"] = quantity("1");
  EXPECT_TRUE(create(p).starts_with("403"));
  p = pod();
  p.spec.runtime_class_name = "nope";
  EXPECT_EQ(create(p), "403 pods \"p\" is forbidden: pod rejected: RuntimeClass \"nope\" not found");
}

TEST_F(AdmissionTest, LimitRanges) {
  LimitRange range;
  range.metadata.name = "lr";
  range.metadata.namespace_ = "wire";
  range.spec.limits.resize(3);
  range.spec.limits[0].type = "Container";
  range.spec.limits[0].default_["cpu"] = quantity("500m");
  range.spec.limits[0].default_request["cpu"] = quantity("100m");
  range.spec.limits[0].min["cpu"] = quantity("50m");
  range.spec.limits[0].max["cpu"] = quantity("1");
  range.spec.limits[0].max_limit_request_ratio["cpu"] = quantity("10");
  range.spec.limits[1].type = "Pod";
  range.spec.limits[1].max["cpu"] = quantity("1500m");
  range.spec.limits[2].type = "PersistentVolumeClaim";
  range.spec.limits[2].max["storage"] = quantity("10Gi");
  reader_.put({"", "limitranges"}, range);
  Pod p = pod();
  ASSERT_EQ(create(p), "ok");
  EXPECT_EQ(p.spec.containers[0].resources.limits.get("cpu")->text(), "500m");
  EXPECT_EQ(*p.metadata.annotations.get("kubernetes.io/limit-ranger"),
            "LimitRanger plugin set: cpu request for container c; cpu limit for container c");
  struct Case {
    const char* request;
    const char* limit;
    const char* want;
  };
  const Case cases[] = {
      {"100m", "1", "ok"},
      {"10m", "50m", "minimum cpu usage per Container is 50m, but request is 10m"},
      {"1", "2", "maximum cpu usage per Container is 1, but limit is 2"},
      {"50m", "1", "cpu max limit to request ratio per Container is 10, but provided ratio is 20.000000"},
  };
  for (const auto& c : cases) {
    p = pod();
    p.spec.containers[0].resources.requests["cpu"] = quantity(c.request);
    p.spec.containers[0].resources.limits["cpu"] = quantity(c.limit);
    const std::string got = create(p);
    EXPECT_TRUE(got.find(c.want) != std::string::npos) << got;
  }
  p = pod();
  p.spec.containers.resize(2);
  for (auto& container : p.spec.containers) {
    container.resources.requests["cpu"] = quantity("200m");
    container.resources.limits["cpu"] = quantity("1");
  }
  EXPECT_NE(create(p).find("maximum cpu usage per Pod is 1500m, but limit is 2"), std::string::npos);
  PersistentVolumeClaim claim;
  claim.metadata.namespace_ = "wire";
  claim.metadata.name = "c";
  claim.spec.resources.requests["storage"] = quantity("20Gi");
  EXPECT_TRUE(run({"", "persistentvolumeclaims"}, claim).starts_with("403"));
}

TEST_F(AdmissionTest, ResourceQuotas) {
  ResourceQuota quota;
  quota.metadata.name = "rq";
  quota.metadata.namespace_ = "wire";
  quota.status.hard["pods"] = quantity("2");
  quota.status.hard["requests.cpu"] = quantity("1");
  quota.status.hard["count/deployments.apps"] = quantity("1");
  reader_.put({"", "resourcequotas"}, quota);
  Pod p = pod();
  p.spec.containers[0].resources.requests["cpu"] = quantity("600m");
  EXPECT_EQ(create(p), "403 pods \"p\" is forbidden: status unknown for quota: rq, resources: pods,requests.cpu");
  for (const char* name : {"pods", "requests.cpu", "count/deployments.apps"}) quota.status.used[name] = quantity("0");
  reader_.put({"", "resourcequotas"}, quota);
  EXPECT_EQ(create(p), "ok");
  Pod bare = pod();
  EXPECT_EQ(create(bare), "403 pods \"p\" is forbidden: failed quota: rq: must specify requests.cpu for: c");
  quota.status.used["requests.cpu"] = quantity("600m");
  reader_.put({"", "resourcequotas"}, quota);
  EXPECT_EQ(create(p),
            "403 pods \"p\" is forbidden: exceeded quota: rq, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1");
  ConfigMap map;
  map.metadata.name = "m";
  map.metadata.namespace_ = "wire";
  EXPECT_EQ(run({"", "configmaps"}, map), "ok");
  quota.spec.scopes = {"BestEffort"};
  reader_.put({"", "resourcequotas"}, quota);
  EXPECT_EQ(create(p), "ok");
}

TEST_F(AdmissionTest, PodTolerationRestrictionComparesSoManyTolerations) {
  use({.enable = {"PodTolerationRestriction"}, .disable = {}});
  Pod p = pod();
  for (int i = 0; i < 2000; ++i) {
    auto& toleration = p.spec.tolerations.emplace_back();
    toleration.key = "k" + std::to_string(i);
    toleration.operator_ = "Exists";
  }
  EXPECT_EQ(create(p), "403 pods \"p\" is forbidden: there are too many tolerations to be compared");
  p.spec.tolerations.resize(900);
  EXPECT_EQ(create(p), "ok");
}

TEST_F(AdmissionTest, LimitPodHardAntiAffinityTopology) {
  use({.enable = {"LimitPodHardAntiAffinityTopology"}, .disable = {}});
  const auto with_keys = [&](std::initializer_list<const char*> keys) {
    Pod p = pod();
    auto& terms = p.spec.affinity.ensure().pod_anti_affinity.ensure().required_during_scheduling_ignored_during_execution;
    for (const char* key : keys) terms.emplace_back().topology_key = key;
    return create(p);
  };
  EXPECT_EQ(with_keys({"kubernetes.io/hostname"}), "ok");
  const std::string refused = with_keys({"kubernetes.io/hostname", "zone"});
  EXPECT_TRUE(refused.starts_with("403 pods \"p\" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey zone")) << refused;
}

TEST_F(AdmissionTest, NamespaceExists) {
  use({.enable = {"NamespaceExists"}, .disable = {"NamespaceLifecycle", "ServiceAccount", "LimitRanger", "PodSecurity"}});
  Pod p = pod();
  p.metadata.namespace_ = "absent";
  EXPECT_EQ(create(p), "404 namespaces \"absent\" not found");
}

}  // namespace
}  // namespace pintle::apiserver::admission
