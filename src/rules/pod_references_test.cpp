#include "rules/pod_references.h"

#include <gtest/gtest.h>

#include "api/codec.h"
#include "api/testing/from_yaml.h"

namespace pintle::rules {
namespace {

void check(std::string_view spec, std::string_view kind_and_field) {
  api::core_v1::Pod pod;
  const auto decoded = api::decode_json(R"({"spec":)" + std::string(spec) + "}", api::type_of<api::core_v1::Pod>(), &pod);
  ASSERT_TRUE(decoded) << spec << ": " << decoded.error().message;
  const auto found = api_reference(pod);
  EXPECT_EQ(found ? found->kind + ": " + found->field : "", kind_and_field) << spec;
}

TEST(ApiReferences, TheOneThatIsToldOf) {
  check(R"({"containers":[{"name":"a","env":[{"name":"X","value":"x"}]}],"volumes":[{"name":"v","hostPath":{"path":"/etc"}}]})", "");
  constexpr const char* secret = R"({"name":"s","secret":{"secretName":"x"}})";
  constexpr const char* map = R"({"name":"c","projected":{"sources":[{"downwardAPI":{}},{"configMap":{"name":"c"}}]}})";
  constexpr const char* claim = R"({"name":"p","persistentVolumeClaim":{"claimName":"x"}})";
  const auto volumes = [](std::string_view all, std::string_view more = "") {
    return R"({"volumes":[)" + std::string(all) + "]" + std::string(more) + "}";
  };
  const std::string comma = ",";
  check(volumes(claim), "persistentvolumeclaims: spec.volumes[0].persistentVolumeClaim");
  check(volumes(claim + comma + map), "configmaps: spec.volumes[1].projected.sources[1].configMap");
  check(volumes(claim + comma + map + comma + secret), "secrets: spec.volumes[2].secret");
  check(volumes(secret, R"(,"serviceAccountName":"a")"), "serviceaccounts: spec.serviceAccountName");
  check(volumes(claim, R"(,"resourceClaims":[{"name":"r"}])"), "resourceclaims: spec.resourceClaims");
  check(volumes(map, R"(,"initContainers":[{"name":"i","envFrom":[{"secretRef":{"name":"s"}}]}])"),
        "secrets: spec.initContainers[0].envFrom[0].secretRef");
  check(volumes(R"({"name":"v","azureFile":{"shareName":"x"}})"), "secrets (via azureFile volumes): spec.volumes[0].azureFile");
  check(volumes(R"({"name":"v","csi":{"driver":"d"}})"), "csidrivers (via CSI volumes): spec.volumes[0].csi");
  check(volumes(R"({"name":"v","csi":{"driver":"d","nodePublishSecretRef":{"name":"s"}}})"), "secrets: spec.volumes[0].csi.nodePublishSecretRef");
}

TEST(EachStoredReference, NamesSecretsAndConfigMapsInTheOrderOfTheFields) {
  api::core_v1::Pod pod;
  const std::string text = R"({"spec":{"imagePullSecrets":[{"name":"pull"},{}],
    "initContainers":[{"name":"i","envFrom":[{"configMapRef":{"name":"from"}}]}],
    "containers":[{"name":"a","env":[{"name":"X","value":"x"},{"name":"Y","valueFrom":{"secretKeyRef":{"name":"key","key":"k"}}}]}],
    "ephemeralContainers":[{"name":"e","env":[{"name":"Z","valueFrom":{"configMapKeyRef":{"name":"late","key":"k"}}}]}],
    "volumes":[{"name":"v","rbd":{"image":"i","secretRef":{"name":"rbd"}}},{"name":"f","azureFile":{"shareName":"s","secretName":"azure"}},
      {"name":"p","projected":{"sources":[{"secret":{"name":"inner"}}]}},{"name":"c","configMap":{"name":"map"}},{"name":"n","emptyDir":{}}]}})";
  ASSERT_TRUE(api::decode_json(text, api::type_of<api::core_v1::Pod>(), &pod));
  std::string told;
  each_stored_reference(pod.spec, [&told](StoredKind kind, const std::string& name, const PodField& field) {
    told += (kind == StoredKind::Secret ? "secret " : "map ") + name + " " + field.text() + "\n";
  });
  EXPECT_EQ(told,
            "secret pull spec.imagePullSecrets\n"
            "secret  spec.imagePullSecrets\n"
            "map from spec.initContainers[0].envFrom[0].configMapRef\n"
            "secret key spec.containers[0].env[1].valueFrom.secretKeyRef\n"
            "map late spec.ephemeralContainers[0].env[0].valueFrom.configMapKeyRef\n"
            "secret rbd spec.volumes[0].rbd.secretRef\n"
            "secret azure spec.volumes[1].azureFile\n"
            "secret inner spec.volumes[2].projected.sources[0].secret\n"
            "map map spec.volumes[3].configMap\n");
}

const auto naming = api::testing::from_yaml<api::core_v1::Pod>(R"(
spec:
  imagePullSecrets: [{name: pull}]
  initContainers: [{name: i, envFrom: [{secretRef: {name: all}}, {configMapRef: {name: map}}]}]
  containers: [{name: c, env: [{name: A, valueFrom: {secretKeyRef: {name: key, key: k}}}, {name: B, valueFrom: {configMapKeyRef: {name: one, key: k}}}]}]
  ephemeralContainers: [{name: e, env: [{name: A, valueFrom: {secretKeyRef: {name: debug, key: k}}}]}]
  volumes:
    - {name: a, secret: {secretName: files}}
    - {name: b, projected: {sources: [{secret: {name: part}}, {configMap: {name: two}}]}}
    - {name: c, csi: {driver: d, nodePublishSecretRef: {name: driver}}}
    - {name: d, azureFile: {secretName: azure, shareName: s}}
    - {name: e, configMap: {name: map}}
)");

TEST(PodReferences, WhatASpecNames) {
  EXPECT_EQ(secret_names(naming), (std::vector<std::string>{"all", "azure", "debug", "driver", "files", "key", "part", "pull"}));
  EXPECT_EQ(config_map_names(naming), (std::vector<std::string>{"map", "one", "two"}));
  EXPECT_TRUE(secret_names({}).empty());
}

}  // namespace
}  // namespace pintle::rules
