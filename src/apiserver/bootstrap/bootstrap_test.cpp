#include "apiserver/bootstrap/bootstrap.h"

#include "api/gen/apiregistration_v1.h"
#include "api/gen/core_v1.h"
#include "api/gen/flowcontrol_v1.h"
#include "apiserver/authentication/testing/fake_reader.h"
#include "apiserver/bootstrap/rbac_policy.h"
#include "component/certificate/certificate.h"
#include "rt/testing.h"

#include <gtest/gtest.h>

namespace pintle::apiserver::bootstrap {
namespace {

using namespace api::rbac_v1;

// Keeps what bootstrap writes, by "resource ns/name".
class MemoryWriter : public Writer, public ResourceReader {
 public:
  rt::Task<Result<Unit>> create(rt::Context, GroupResource resource, std::string ns, api::Object object) override {
    const std::string name = name_of(object);
    ++writes;
    if (fail_on == name) co_return internal("disk is full");
    objects.insert_or_assign(key(resource, ns, name), std::move(object));
    co_return Unit{};
  }
  rt::Task<Result<Unit>> update(rt::Context, GroupResource resource, std::string ns, std::string name, std::string,
                                std::function<Result<Unit>(api::Object&)> mutation) override {
    ++writes;
    co_return mutation(objects.at(key(resource, ns, name)));
  }
  Result<api::Object> get(const GroupResource& resource, std::string_view ns, std::string_view name) const override {
    const auto it = objects.find(key(resource, std::string(ns), std::string(name)));
    if (it == objects.end()) return Unexpected(errors::not_found(resource, name));
    return it->second;
  }
  std::vector<storage::CachedObjectPtr> list(const GroupResource&, std::string_view) const override { return {}; }
  Result<api::Object> decode(const GroupResource&, const storage::CachedObject&) const override { return internal("not here"); }
  void subscribe(const GroupResource&, std::function<void(const storage::CacheEvent&)>) override {}

  static std::string key(const GroupResource& resource, const std::string& ns, const std::string& name) {
    return resource.resource + " " + ns + "/" + name;
  }
  static std::string name_of(const api::Object& object) {
    const auto* kind = api::kind_of(object.type());
    return reinterpret_cast<const api::meta_v1::ObjectMeta*>(static_cast<const char*>(object.data()) + kind->metadata_offset)->name;
  }
  template <class T>
  T& at(const std::string& text) {
    return objects.at(text).as<T>();
  }
  std::map<std::string, api::Object> objects;
  std::string fail_on;
  int writes = 0;
};

// A certificate that its own key has signed, PEM.
std::string certificate_pem(const std::string& name, int64_t not_after) {
  const auto key = component::PrivateKey::generate_ec_p256();
  component::CertificateSpec spec;
  spec.common_name = name;
  spec.authority = true;
  spec.not_after = not_after;
  return *component::issue_certificate(spec, key->public_key(), *key, "");
}

constexpr int64_t now_seconds = 1800000000;

const std::string& authority_pem() {
  static const std::string pem = certificate_pem("authority", now_seconds + 1000);
  return pem;
}

Config config() {
  Config out;
  out.service_cidrs = {"10.96.0.0/16"};
  out.kubernetes_service_ip = "10.96.0.1";
  out.advertise_address = "192.168.1.2";
  out.trust.client_ca_pem = authority_pem();
  out.group_versions = {{"", "v1"}, {"apps", "v1"}, {"autoscaling", "v2"}};
  out.now_seconds = now_seconds;
  return out;
}
Result<Unit> run(MemoryWriter& memory) {
  return rt::testing::run_task([&] { return ensure(rt::Context::background(), memory, memory, config()); });
}

TEST(ClusterTrust, IsToldTogetherWithWhatOtherServersTell) {
  const std::string proxies = certificate_pem("proxies", now_seconds + 1000), others = certificate_pem("others", now_seconds + 1000);
  const std::string expired = certificate_pem("expired", now_seconds - 301), nearly = certificate_pem("nearly", now_seconds - 299);
  const ClusterTrust trust{authority_pem(), proxies, {"X-Remote-User"}, {"X-Remote-Uid"}, {"X-Remote-Group"}, {"X-Remote-Extra-"}, {"front-proxy"}};
  api::core_v1::ConfigMap map;
  EXPECT_TRUE(complete(map, trust, now_seconds));
  EXPECT_EQ(map.data["client-ca-file"], authority_pem());
  EXPECT_EQ(map.data["requestheader-client-ca-file"], proxies);
  EXPECT_EQ(map.data["requestheader-username-headers"], "[\"X-Remote-User\"]");
  EXPECT_EQ(map.data["requestheader-uid-headers"], "[\"X-Remote-Uid\"]");
  EXPECT_EQ(map.data["requestheader-group-headers"], "[\"X-Remote-Group\"]");
  EXPECT_EQ(map.data["requestheader-extra-headers-prefix"], "[\"X-Remote-Extra-\"]");
  EXPECT_EQ(map.data["requestheader-allowed-names"], "[\"front-proxy\"]");
  EXPECT_FALSE(complete(map, trust, now_seconds));

  map.data["client-ca-file"] = expired + others + nearly;
  map.data["requestheader-username-headers"] = "[\"X-Other\",\"X-Remote-User\"]";
  map.data["requestheader-allowed-names"] = "no list";
  map.data["made-up"] = "x";
  EXPECT_TRUE(complete(map, trust, now_seconds));
  EXPECT_EQ(map.data["client-ca-file"], others + nearly + authority_pem());
  EXPECT_EQ(map.data["requestheader-username-headers"], "[\"X-Other\",\"X-Remote-User\"]");
  EXPECT_EQ(map.data["requestheader-allowed-names"], "[\"front-proxy\"]");
  EXPECT_FALSE(map.data.contains("made-up"));

  api::core_v1::ConfigMap bare;
  EXPECT_TRUE(complete(bare, {.client_ca_pem = authority_pem(), .allowed_names = {"x"}}, now_seconds));
  EXPECT_EQ(bare.data.size(), 1U) << "of front proxies nothing is told where none is known";
}

TEST(RbacPolicyText, HasEveryRoleAndBinding) {
  const RbacPolicy policy = default_rbac_policy();
  EXPECT_EQ(policy.cluster_roles.size(), 69u);
  EXPECT_EQ(policy.cluster_role_bindings.size(), 50u);
  EXPECT_EQ(policy.roles.size(), 7u);
  EXPECT_EQ(policy.role_bindings.size(), 7u);
  const auto find = [&](std::string_view name) {
    return *std::find_if(policy.cluster_roles.begin(), policy.cluster_roles.end(), [&](const auto& r) { return r.metadata.name == name; });
  };
  const ClusterRole admin = find("cluster-admin");
  ASSERT_EQ(admin.rules.size(), 2u);
  EXPECT_EQ(admin.rules[0].api_groups, std::vector<std::string>{"*"});
  EXPECT_EQ(admin.rules[1].non_resource_urls, std::vector<std::string>{"*"});
  const ClusterRole view = find("view");
  EXPECT_TRUE(view.rules.empty());
  ASSERT_TRUE(view.aggregation_rule.has_value());
  EXPECT_EQ(*view.aggregation_rule->cluster_role_selectors[0].match_labels.get("rbac.authorization.k8s.io/aggregate-to-view"), "true");
  EXPECT_EQ(*view.metadata.labels.get("rbac.authorization.k8s.io/aggregate-to-edit"), "true");
  EXPECT_EQ(find("system:aggregate-to-edit").rules[0].api_groups, std::vector<std::string>{""});
}

TEST(RbacPolicyText, BadLines) {
  for (const char* text :
       {"Nonsense x\n", "ClusterRole\n", "ClusterRole x label=y\n", "Role x aggregates=y\n", "ClusterRole x\n  get\n", "  get core pods\n",
        "ClusterRoleBinding x\n", "ClusterRoleBinding x role=y\n", "ClusterRoleBinding x role=ClusterRole/y\n  Robot z\n"})
    EXPECT_FALSE(parse_rbac_policy(text)) << text;
}

TEST(Bootstrap, MakesEverythingOnce) {
  MemoryWriter memory;
  ASSERT_TRUE(run(memory));
  EXPECT_EQ(memory.objects.size(), 4u + 69 + 50 + 7 + 7 + 8 + 11 + 2 + 3 + 2 + 1 + 3);
  EXPECT_TRUE(memory.objects.contains("namespaces /kube-node-lease"));
  EXPECT_EQ(memory.at<api::core_v1::Service>("services default/kubernetes").spec.cluster_ip, "10.96.0.1");
  EXPECT_EQ(memory.at<api::apiregistration_v1::APIService>("apiservices /v1.").status.conditions.size(), 1u);
  EXPECT_EQ(memory.at<api::apiregistration_v1::APIService>("apiservices /v2.autoscaling").spec.version_priority, 30);
  EXPECT_EQ(*memory.at<api::core_v1::ConfigMap>("configmaps kube-system/kube-apiserver-legacy-service-account-token-tracking").data.get("since"),
            "2027-01-15");
  const int writes = memory.writes;
  ASSERT_TRUE(run(memory));
  EXPECT_EQ(memory.writes, writes);
}

TEST(Bootstrap, CompletesAndNeverRemoves) {
  MemoryWriter memory;
  ASSERT_TRUE(run(memory));
  auto& role = memory.at<ClusterRole>("clusterroles /system:basic-user");
  const std::size_t rules = role.rules.size();
  role.rules.pop_back();
  role.rules.push_back({.verbs = {"get"}, .api_groups = {"mine"}, .resources = {"things"}, .resource_names = {}, .non_resource_urls = {}});
  role.metadata.labels.clear();
  auto& frozen = memory.at<ClusterRole>("clusterroles /system:discovery");
  frozen.rules.clear();
  frozen.metadata.annotations["rbac.authorization.kubernetes.io/autoupdate"] = "false";
  auto& binding = memory.at<ClusterRoleBinding>("clusterrolebindings /system:basic-user");
  binding.subjects.clear();
  auto& schema = memory.at<api::flowcontrol_v1::FlowSchema>("flowschemas /probes");
  schema.spec.matching_precedence = 77;
  auto& endpoints = memory.at<api::core_v1::Endpoints>("endpoints default/kubernetes");
  endpoints.subsets[0].addresses[0].ip = "192.168.1.1";
  using api::apiregistration_v1::APIService;
  auto& changed = memory.at<APIService>("apiservices /v1.apps");
  changed.spec.version_priority = 1;
  auto& given_away = memory.at<APIService>("apiservices /v2.autoscaling");
  given_away.spec.version_priority = 1;
  given_away.metadata.labels.clear();
  memory.objects.erase("namespaces /default");
  ASSERT_TRUE(run(memory));
  EXPECT_EQ(role.rules.size(), rules + 1);
  EXPECT_EQ(*role.metadata.labels.get("kubernetes.io/bootstrapping"), "rbac-defaults");
  EXPECT_EQ(changed.spec.version_priority, 15);
  EXPECT_EQ(given_away.spec.version_priority, 1);
  EXPECT_TRUE(frozen.rules.empty());
  EXPECT_EQ(binding.subjects.size(), 1u);
  EXPECT_EQ(schema.spec.matching_precedence, 2);
  EXPECT_EQ(endpoints.subsets[0].addresses[0].ip, "192.168.1.2");
  EXPECT_TRUE(memory.objects.contains("namespaces /default"));
}

TEST(Bootstrap, TellsWhatFailed) {
  MemoryWriter memory;
  memory.fail_on = "kube-system";
  const auto result = run(memory);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("kube-system"), std::string::npos);
}

}  // namespace
}  // namespace pintle::apiserver::bootstrap
