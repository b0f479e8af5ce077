#include "rules/pod_references.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"

namespace pintle::rules {
namespace {

const auto pod = api::testing::from_yaml<api::core_v1::Pod>(R"(
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
  EXPECT_EQ(secret_names(pod), (std::vector<std::string>{"all", "azure", "debug", "driver", "files", "key", "part", "pull"}));
  EXPECT_EQ(config_map_names(pod), (std::vector<std::string>{"map", "one", "two"}));
  EXPECT_TRUE(secret_names({}).empty());
}

}  // namespace
}  // namespace pintle::rules
