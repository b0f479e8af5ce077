#include "controller/selinux_warning/labels.h"

#include <gtest/gtest.h>

#include "controller/testing/text_objects.h"

namespace pintle::controller::selinux_warning {
namespace {

using api::core_v1::Pod;

TEST(SelinuxLabels, AreInConflict) {
  const auto check = [](const std::string& a, const std::string& b, bool want) {
    EXPECT_EQ(in_conflict(a, b), want) << a << " and " << b;
    EXPECT_EQ(in_conflict(b, a), want) << b << " and " << a;
  };
  check("", "", false);
  check("u:r:t:s0:c1,c2", "u:r:t:s0:c1,c2", false);
  check("u:r:t:s0:c1,c2", "u:r:t:s0:c1,c3", true);
  check("u:r:t:l", "u:r:other:l", true);
  check("u:r:t:l", ":::l", false);  // what is not stated is the node's
  check("u::t:l", ":r:t:l", false);
  check("u:r:t:l", "u:r:t:", true);  // but for the level
  check("", ":::l", true);
  check("", "u:r:t:", false);
}

void check_labels(const std::string& spec, const std::string& want) {
  Pod pod;
  pod.spec = testing::from_yaml<api::core_v1::PodSpec>(spec);
  std::string out;
  for (const auto& [volume, labels] : labels_of_volumes(pod)) {
    out += (out.empty() ? "" : " ") + volume + "=";
    for (const std::string& label : labels) out += "<" + label + ">";
  }
  EXPECT_EQ(out, want) << spec;
}

TEST(SelinuxLabels, OfVolumes) {
  check_labels("{containers: [{name: a, volumeMounts: [{name: v}]}]}", "v=");
  check_labels("{securityContext: {seLinuxOptions: {level: l}}, containers: [{name: a, volumeMounts: [{name: v}]}, {name: b}]}", "v=<:::l>");
  check_labels(
      "{securityContext: {seLinuxOptions: {level: l}}, initContainers: [{name: i, volumeMounts: [{name: v}], securityContext: {seLinuxOptions: "
      "{user: "
      "u}}}], containers: [{name: a, volumeMounts: [{name: v}, {name: w}]}]}",
      "v=<:::l><u:::> w=<:::l>");
  check_labels("{containers: [{name: a, volumeMounts: [{name: v}], securityContext: {seLinuxOptions: {}}}]}", "v=<>");
  check_labels("{containers: [{name: a, volumeDevices: [{name: v}]}]}", "");
}

TEST(SelinuxLabels, HowAPodHasAVolumeLabelled) {
  const auto check = [](const std::string& policy, const std::string& label, bool mountable, const Labelling& want) {
    Pod pod;
    if (!policy.empty()) pod.spec.security_context.ensure().se_linux_change_policy = policy;
    EXPECT_TRUE(labelling_of(pod, label, mountable) == want) << policy << " " << label;
  };
  check("", "u:r:t:l", true, {"u:r:t:l", "MountOption"});
  check("MountOption", "u:r:t:l", true, {"u:r:t:l", "MountOption"});
  check("Recursive", "u:r:t:l", true, {"", "Recursive"});
  check("MountOption", "u:r:t:l", false, {"", "Recursive"});
  check("MountOption", "", true, {"", "Recursive"});
}

TEST(SelinuxLabels, WhatVolumesAreKnownBy) {
  const auto check = [](const std::string& spec, const std::string& want) {
    EXPECT_EQ(identity_of(testing::from_yaml<api::core_v1::PersistentVolumeSpec>(spec)).name, want) << spec;
  };
  check("{csi: {driver: d, volumeHandle: h}}", "kubernetes.io/csi/d^h");
  check("{iscsi: {targetPortal: p, iqn: i, lun: 3}}", "kubernetes.io/iscsi/p:i:3");
  check("{fc: {targetWWNs: [a, b], lun: 0}}", "kubernetes.io/fc/[a b]:0");
  check("{fc: {wwids: [a]}}", "kubernetes.io/fc/[a]");
  check("{nfs: {server: s, path: /p}}", "");
  EXPECT_EQ(identity_of(testing::from_yaml<api::core_v1::Volume>("{name: v, iscsi: {targetPortal: p, iqn: i, lun: 3}}")).name,
            "kubernetes.io/iscsi/p:i:3");
  EXPECT_EQ(identity_of(testing::from_yaml<api::core_v1::Volume>("{name: v, emptyDir: {}}")).name, "");
}

}  // namespace
}  // namespace pintle::controller::selinux_warning
