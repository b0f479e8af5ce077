#include "rules/csi_volume.h"

#include <gtest/gtest.h>

#include "api/testing/from_yaml.h"

namespace pintle::rules {
namespace {

using api::core_v1::PersistentVolume;

// "DRIVER^HANDLE", "*" after it where several nodes may have it; "": no driver attaches it.
std::string source(const std::string& metadata, const std::string& spec) {
  const auto volume = api::testing::from_yaml<PersistentVolume>(R"({"metadata":{"name":"v")" + metadata + R"(},"spec":{)" + spec + "}}");
  const auto csi = csi_volume_of(volume);
  return csi ? csi->driver + "^" + csi->handle + (csi->multi_attach ? "*" : "") : "";
}

TEST(CsiVolume, WhichOneItIs) {
  const std::string once = R"("accessModes":["ReadWriteOnce"],)";
  EXPECT_EQ(source("", once + R"("csi":{"driver":"d.example","volumeHandle":"h"})"), "d.example^h");
  EXPECT_EQ(source("", R"("csi":{"driver":"d.example","volumeHandle":"h"})"), "d.example^h*");
  EXPECT_EQ(source("", R"("accessModes":["ReadOnlyMany","ReadWriteOnce"],"csi":{"driver":"d.example","volumeHandle":"h"})"), "d.example^h*");
  EXPECT_EQ(source("", once + R"("hostPath":{"path":"/x"})"), "");
  EXPECT_EQ(source("", once + R"("nfs":{"server":"s","path":"/x"})"), "");
}

TEST(CsiVolume, WhatDriversHaveTakenOver) {
  const std::string once = R"("accessModes":["ReadWriteOnce"],)";
  EXPECT_EQ(source("", once + R"("awsElasticBlockStore":{"volumeID":"vol-1"})"), "ebs.csi.aws.com^vol-1");
  EXPECT_EQ(source("", once + R"("awsElasticBlockStore":{"volumeID":"aws://eu-1a/vol-1"})"), "ebs.csi.aws.com^vol-1");
  EXPECT_EQ(source("", once + R"("awsElasticBlockStore":{"volumeID":"aws:///vol-1"})"), "ebs.csi.aws.com^vol-1");
  EXPECT_EQ(source("", once + R"("awsElasticBlockStore":{"volumeID":"aws://nothing"})"), "");
  EXPECT_EQ(source("", once + R"("gcePersistentDisk":{"pdName":"d"})"), "pd.csi.storage.gke.io^projects/UNSPECIFIED/zones/UNSPECIFIED/disks/d");
  const auto labelled = [](const std::string& zone) { return R"(,"labels":{"topology.kubernetes.io/zone":")" + zone + "\"}"; };
  EXPECT_EQ(source(labelled("eu-1-a"), once + R"("gcePersistentDisk":{"pdName":"d"})"),
            "pd.csi.storage.gke.io^projects/UNSPECIFIED/zones/eu-1-a/disks/d");
  EXPECT_EQ(source(labelled("eu-1-a__eu-1-b"), once + R"("gcePersistentDisk":{"pdName":"d"})"),
            "pd.csi.storage.gke.io^projects/UNSPECIFIED/regions/eu-1/disks/d");
  EXPECT_EQ(source("", once + R"("azureDisk":{"diskName":"n","diskURI":"/uri"})"), "disk.csi.azure.com^/uri");
  EXPECT_EQ(source("", once + R"("cinder":{"volumeID":"c"})"), "cinder.csi.openstack.org^c");
  EXPECT_EQ(source("", once + R"("vsphereVolume":{"volumePath":"p"})"), "csi.vsphere.vmware.com^p");
  EXPECT_EQ(source("", once + R"("portworxVolume":{"volumeID":"x"})"), "pxd.portworx.com^x");
}

TEST(CsiVolume, Names) {
  const CsiVolume volume{"d.example", "h"};
  EXPECT_EQ(unique_name(volume), "kubernetes.io/csi/d.example^h");
  EXPECT_EQ(plugin_name(volume), "kubernetes.io/csi:d.example");
  EXPECT_EQ(attachment_name(volume, "node-1"), "csi-82aae9bb9778860e26b71ef08a792d76284696319e623aa0eccedac1f5f363e6");
  EXPECT_EQ(parse_unique_name("kubernetes.io/csi/d.example^h"), volume);
  for (const char* bad :
       {"", "kubernetes.io/aws-ebs/vol-1", "kubernetes.io/csi/d.example", "kubernetes.io/csi/^h", "kubernetes.io/csi/d^", "kubernetes.io/csi/d^a^b"})
    EXPECT_FALSE(parse_unique_name(bad)) << bad;
}

}  // namespace
}  // namespace pintle::rules
