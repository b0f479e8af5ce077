#include "controller/volume_binder/plan.h"

#include <gtest/gtest.h>

#include <map>

#include "controller/testing/text_objects.h"

namespace pintle::controller::volume_binder {
namespace {

using namespace testing;

// A volume "a 5Gi RWO RWX class=fast mode=Block attributes=gold label=k:v claim=NAMESPACE/NAME[/UID] phase=Bound deleted": of phase Available.
PersistentVolume volume_of(const std::string& text) {
  const auto words = split(text, ' ');
  PersistentVolume volume;
  volume.metadata.name = words[0];
  volume.spec.capacity["storage"] = *api::Quantity::parse(words[1]);
  volume.status.phase = "Available";
  for (std::size_t i = 2; i < words.size(); ++i) {
    const std::string key = words[i].substr(0, words[i].find('=')), value = words[i].substr(words[i].find('=') + 1);
    if (key == "RWO") volume.spec.access_modes.push_back("ReadWriteOnce");
    if (key == "RWX") volume.spec.access_modes.push_back("ReadWriteMany");
    if (key == "class") volume.spec.storage_class_name = value;
    if (key == "oldclass") volume.metadata.annotations["volume.beta.kubernetes.io/storage-class"] = value;
    if (key == "mode") volume.spec.volume_mode = value;
    if (key == "attributes") volume.spec.volume_attributes_class_name = value;
    if (key == "label") volume.metadata.labels[value.substr(0, value.find(':'))] = value.substr(value.find(':') + 1);
    if (key == "phase") volume.status.phase = value;
    if (key == "deleted") volume.metadata.deletion_timestamp = ago(0);
    if (key == "claim") {
      const auto parts = split(value, '/');
      auto& ref = volume.spec.claim_ref.ensure();
      ref.namespace_ = parts[0];
      ref.name = parts[1];
      if (parts.size() > 2) ref.uid = parts[2];
    }
  }
  return volume;
}

// The claim default/c, of uid "u": 1Gi, ReadWriteOnce, and what `spec` says beside.
PersistentVolumeClaim claim_of(const std::string& spec) {
  PersistentVolumeClaim claim;
  claim.metadata.name = "c";
  claim.metadata.namespace_ = "default";
  claim.metadata.uid = "u";
  claim.spec = from_yaml<api::core_v1::PersistentVolumeClaimSpec>(spec);
  if (claim.spec.resources.requests.empty()) claim.spec.resources.requests["storage"] = *api::Quantity::parse("1Gi");
  if (claim.spec.access_modes.empty()) claim.spec.access_modes = {"ReadWriteOnce"};
  return claim;
}

void check(const std::string& claim, const std::string& volumes, const std::string& want) {
  std::map<std::string, VolumePtr> all;
  std::vector<VolumePtr> promised;
  FitIndex free;
  for (const std::string& one : split(volumes, ',')) {
    auto volume = std::make_shared<const PersistentVolume>(volume_of(one));
    all[volume->metadata.name] = volume;
    if (volume->spec.claim_ref) promised.push_back(volume);
    if (is_free(*volume)) free.put(volume->metadata.name, fit_of(*volume));
  }
  const VolumePtr chosen = choose_volume(claim_of(claim), promised, free, [&](const std::string& name) { return all.at(name); });
  EXPECT_EQ(chosen ? chosen->metadata.name : "none", want) << claim << " of " << volumes;
}

TEST(VolumeBinderPlan, TheSmallestThatWillDo) {
  check("{}", "", "none");
  check("{}", "a 1Gi RWO", "a");
  check("{}", "a 1023Mi RWO", "none");
  check("{}", "a 5Gi RWO, b 2Gi RWO, c 3Gi RWO", "b");
  check("{}", "a 5Gi RWO, b 2Gi RWX, c 3Gi RWO RWX", "a");  // as upstream: few access modes come before little room
  check("{}", "a 3Gi RWO RWX, b 2Gi RWO RWX, c 2Gi RWX", "b");
  check("{accessModes: [ReadWriteOnce, ReadWriteMany]}", "a 1Gi RWO, b 9Gi RWO RWX", "b");
  check("{resources: {requests: {storage: 4Gi}}}", "a 5Gi RWO, b 2Gi RWO", "a");
}

TEST(VolumeBinderPlan, ClassesModesAndLabels) {
  check("{storageClassName: fast}", "a 1Gi RWO, b 2Gi RWO class=fast", "b");
  check("{}", "a 1Gi RWO class=fast", "none");
  check("{storageClassName: ''}", "a 1Gi RWO class=fast, b 2Gi RWO", "b");
  check("{storageClassName: fast}", "a 1Gi RWO class=slow oldclass=fast", "a");  // the annotation of old goes first
  check("{volumeMode: Block}", "a 1Gi RWO, b 1Gi RWO mode=Block", "b");
  check("{volumeMode: Filesystem}", "a 1Gi RWO mode=Block, b 1Gi RWO", "b");
  check("{selector: {matchLabels: {k: v}}}", "a 1Gi RWO, b 2Gi RWO label=k:v, c 1Gi RWO label=k:w", "b");
  check("{selector: {matchExpressions: [{key: k, operator: DoesNotExist}]}}", "a 1Gi RWO label=k:v, b 2Gi RWO", "b");
}

TEST(VolumeBinderPlan, VolumesThatAreNotFree) {
  check("{}", "a 1Gi RWO phase=Released", "none");
  check("{}", "a 1Gi RWO phase=Bound", "none");
  check("{}", "a 1Gi RWO deleted, b 2Gi RWO", "b");
  check("{}", "a 1Gi RWO claim=default/other", "none");
  check("{}", "a 1Gi RWO claim=elsewhere/c", "none");
}

TEST(VolumeBinderPlan, APromisedVolumeComesFirst) {
  check("{}", "a 1Gi RWO, b 9Gi RWO claim=default/c", "b");
  check("{}", "a 1Gi RWO, b 9Gi RWO claim=default/c/u", "b");
  check("{}", "a 1Gi RWO, b 9Gi RWO claim=default/c/former", "a");      // promised to one of that name that is gone
  check("{}", "a 1Gi RWO, b 9Gi RWO class=fast claim=default/c", "b");  // whatever its class and labels
  check("{selector: {matchLabels: {k: v}}}", "a 1Gi RWO label=k:v, b 9Gi RWO claim=default/c", "b");
  check("{}", "a 1Gi RWO, b 9Gi RWO claim=default/c phase=Pending", "b");
  check("{}", "a 1Gi RWO, b 512Mi RWO claim=default/c", "a");  // but not one that is too small
  check("{}", "a 1Gi RWO, b 512Mi RWO claim=default/c/u", "a");
  check("{}", "a 1Gi RWO, b 9Gi RWX claim=default/c", "a");
  check("{}", "a 1Gi RWO, b 9Gi RWO mode=Block claim=default/c", "a");
  check("{}", "a 1Gi RWO, b 9Gi RWO claim=default/c deleted", "a");
}

TEST(VolumeBinderPlan, AttributesClasses) {
  check("{}", "a 1Gi RWO attributes=gold, b 2Gi RWO", "b");
  check("{volumeAttributesClassName: gold}", "a 1Gi RWO, b 2Gi RWO attributes=gold", "b");
  check("{volumeAttributesClassName: gold}", "a 1Gi RWO attributes=silver", "none");
  check("{}", "a 1Gi RWO attributes=gold claim=default/c", "none");
}

TEST(VolumeBinderPlan, ClassOfAClaim) {
  EXPECT_EQ(class_of(claim_of("{}")), "");
  EXPECT_EQ(class_of(claim_of("{storageClassName: fast}")), "fast");
  auto old = claim_of("{storageClassName: fast}");
  old.metadata.annotations["volume.beta.kubernetes.io/storage-class"] = "old";
  EXPECT_EQ(class_of(old), "old");
}

TEST(VolumeBinderPlan, IsPromised) {
  const auto check_promised = [](const std::string& volume, bool want) { EXPECT_EQ(is_promised(volume_of(volume), claim_of("{}")), want) << volume; };
  check_promised("a 1Gi", false);
  check_promised("a 1Gi claim=default/c", true);
  check_promised("a 1Gi claim=default/c/u", true);
  check_promised("a 1Gi claim=default/c/w", false);
  check_promised("a 1Gi claim=other/c", false);
}

TEST(VolumeBinderPlan, WhyAVolumeThatAClaimNamesCannotBeIts) {
  const auto check_mismatch = [](const std::string& claim, const std::string& volume, const std::string& want) {
    EXPECT_EQ(mismatch(volume_of(volume), claim_of(claim)), want) << claim << " of " << volume;
  };
  check_mismatch("{}", "a 1Gi RWO", "");
  check_mismatch("{selector: {matchLabels: {k: v}}}", "a 1Gi RWO", "");  // it was named, not chosen
  check_mismatch("{}", "a 1Gi RWO deleted", "the volume is marked for deletion \"a\"");
  check_mismatch("{}", "a 1Mi RWO", "requested PV is too small");
  check_mismatch("{}", "a 1Gi RWO class=fast", "storageClassName does not match");
  check_mismatch("{}", "a 1Gi RWO attributes=gold", "volumeAttributesClassName does not match");
  check_mismatch("{volumeAttributesClassName: gold}", "a 1Gi RWO", "volumeAttributesClassName does not match");
  check_mismatch("{}", "a 1Gi RWO mode=Block", "incompatible volumeMode");
  check_mismatch("{}", "a 1Gi RWX", "incompatible accessMode");
}

// The class of a claim of the phase `before`, with the current one `current`, once it is bound to the volume.
void check_current(const std::string& before, const std::string& current, const std::string& volume, const std::string& want) {
  auto claim = claim_of("{}");
  claim.status.phase = before;
  if (!current.empty()) claim.status.current_volume_attributes_class_name = current;
  const auto bound = volume_of(volume);
  const auto status = plan_claim_status(claim, "Bound", &bound);
  EXPECT_EQ(status.current_volume_attributes_class_name.value_or("none"), want) << before << " " << current << " " << volume;
}

TEST(VolumeBinderPlan, TheStatusOfABoundClaim) {
  check_current("Pending", "", "a 1Gi RWO attributes=gold", "gold");
  check_current("Pending", "silver", "a 1Gi RWO attributes=gold", "gold");
  check_current("Pending", "silver", "a 1Gi RWO", "none");
  check_current("Bound", "silver", "a 1Gi RWO attributes=gold", "silver");  // the resizer's
  auto claim = claim_of("{}");
  claim.status.phase = "Bound";
  claim.status.current_volume_attributes_class_name = "gold";
  claim.status.access_modes = {"ReadWriteOnce"};
  claim.status.capacity["storage"] = *api::Quantity::parse("1Gi");
  const auto lost = plan_claim_status(claim, "Lost", nullptr);
  EXPECT_EQ(lost.phase, "Lost");
  EXPECT_FALSE(lost.current_volume_attributes_class_name);
  EXPECT_TRUE(lost.access_modes.empty() && lost.capacity.empty());
}

// A released volume "v": "REASON: MESSAGE" of its phase Failed, "remove", "recycle", or "" where the binder does nothing.
void check_reclaim(const std::string& spec, const std::string& annotations, const std::string& want) {
  const auto volume = from_yaml<PersistentVolume>("{metadata: {name: v, annotations: " + annotations + "}, spec: " + spec + "}");
  const ReclaimPlan plan = plan_reclaim(volume);
  using enum ReclaimPlan::Action;
  const std::string got = plan.action == None      ? ""
                          : plan.action == Remove  ? "remove"
                          : plan.action == Recycle ? "recycle"
                                                   : std::string(plan.reason) + ": " + plan.message;
  EXPECT_EQ(got, want) << spec << annotations;
}

TEST(VolumeBinderPlan, WhatBecomesOfReleasedVolumes) {
  const std::string none = "VolumeFailedDelete: error getting deleter volume plugin for volume \"v\": no deletable volume plugin matched";
  check_reclaim("{persistentVolumeReclaimPolicy: Delete, nfs: {server: s, path: /p}}", "{}", none);
  check_reclaim("{persistentVolumeReclaimPolicy: Delete, local: {path: /p}}", "{}", none);
  check_reclaim("{persistentVolumeReclaimPolicy: Delete, cephfs: {monitors: [a]}}", "{}",
                "VolumeFailedDelete: error getting deleter volume plugin for volume \"v\": no volume plugin matched");
  check_reclaim("{persistentVolumeReclaimPolicy: Retain, nfs: {server: s, path: /p}}", "{}", "");
  check_reclaim("{persistentVolumeReclaimPolicy: Delete, csi: {driver: d, volumeHandle: h}}", "{}", "");
  check_reclaim("{persistentVolumeReclaimPolicy: Delete, nfs: {server: s, path: /p}}", "{pv.kubernetes.io/provisioned-by: example.com/nfs}", "");
  check_reclaim("{persistentVolumeReclaimPolicy: Delete, nfs: {server: s, path: /p}}", "{pv.kubernetes.io/provisioned-by: kubernetes.io/nfs2}",
                "VolumeFailedDelete: no volume plugin matched name: kubernetes.io/nfs2");
  check_reclaim("{persistentVolumeReclaimPolicy: Delete, nfs: {server: s, path: /p}}", "{pv.kubernetes.io/migrated-to: example.com}", "");
  check_reclaim("{persistentVolumeReclaimPolicy: Recycle, nfs: {server: s, path: /p}}", "{}", "recycle");
  check_reclaim("{persistentVolumeReclaimPolicy: Recycle, hostPath: {path: /srv/a}}", "{}", "recycle");
  check_reclaim("{persistentVolumeReclaimPolicy: Recycle, local: {path: /p}}", "{}", "VolumeFailedRecycle: No recycler plugin found for the volume!");
}

TEST(VolumeBinderPlan, DirectoriesThatMayGo) {
  const auto check = [](const std::string& path, bool goes) {
    check_reclaim("{persistentVolumeReclaimPolicy: Delete, hostPath: {path: '" + path + "'}}", "{}",
                  goes ? "remove" : "VolumeFailedDelete: host_path deleter only supports /tmp/.+ but received provided " + path);
  };
  check("/tmp/a", true);
  check("/tmp/a/b/", true);
  check("/tmp//a", true);
  check("/tmp/..a", true);
  for (const char* path :
       {"/srv/a", "/tmp", "/tmp/", "/tmp//", "/tmp/.", "/tmp/..", "/tmp/../etc", "/tmp/a/../../etc", "/var/tmp/a", "tmp/a", "/tmpa", ""})
    check(path, false);
}

TEST(VolumeBinderPlan, AVolumeLosesItsClaim) {
  auto volume = from_yaml<PersistentVolume>("{metadata: {name: v}, spec: {claimRef: {namespace: ns, name: c, uid: u}}}");
  EXPECT_EQ(unbound(volume).spec.claim_ref->name, "c");
  EXPECT_EQ(unbound(volume).spec.claim_ref->uid, "");
  volume.metadata.annotations[bound_by_controller_annotation] = "yes";
  EXPECT_FALSE(unbound(volume).spec.claim_ref);
  EXPECT_TRUE(unbound(volume).metadata.annotations.empty());
  EXPECT_FALSE(is_superfluous(volume));
  volume.metadata.annotations[provisioned_by_annotation] = "example.com/x";
  EXPECT_FALSE(is_superfluous(volume));
  volume.spec.persistent_volume_reclaim_policy = "Delete";
  EXPECT_TRUE(is_superfluous(volume));
}

// Finalizers by their first letters: k: kubernetes.io/pv-controller, e: the external provisioner's, x: another's.
void check_finalizers(const std::string& provisioner, const std::string& policy, const std::string& before, const std::string& after) {
  const std::map<char, std::string> names = {
      {'k', "kubernetes.io/pv-controller"}, {'e', "external-provisioner.volume.kubernetes.io/finalizer"}, {'x', "x.example.com"}};
  PersistentVolume volume;
  if (!provisioner.empty()) volume.metadata.annotations[provisioned_by_annotation] = provisioner;
  volume.spec.persistent_volume_reclaim_policy = policy;
  for (const char c : before) volume.metadata.finalizers.push_back(names.at(c));
  EXPECT_EQ(mark_deletion_finalizers(volume), before != after) << provisioner << policy << before;
  std::string got;
  for (const std::string& name : volume.metadata.finalizers) got += name[0];
  EXPECT_EQ(got, after) << provisioner << policy << before;
}

TEST(VolumeBinderPlan, WhatKeepsAVolumeUntilItsDirectoryIsGone) {
  check_finalizers("", "Delete", "", "");
  check_finalizers("kubernetes.io/host-path", "Delete", "xe", "xk");
  check_finalizers("kubernetes.io/host-path", "Delete", "k", "k");
  check_finalizers("kubernetes.io/host-path", "Retain", "kx", "x");
  check_finalizers("kubernetes.io/aws-ebs", "Delete", "ke", "e");  // a driver's by now
  check_finalizers("example.com/x", "Delete", "ke", "ke");
}

TEST(VolumeBinderPlan, ThePodThatScrubsAVolume) {
  const auto volume = from_yaml<PersistentVolume>("{metadata: {name: v}, spec: {capacity: {storage: 5Gi}, hostPath: {path: /srv/a}}}");
  RecyclerOptions options;
  const auto usual = recycler_pod(volume, options);
  EXPECT_EQ(usual.metadata.namespace_ + "/" + usual.metadata.name, "default/recycler-for-v");
  EXPECT_EQ(usual.spec.active_deadline_seconds, 150);
  EXPECT_EQ(usual.spec.volumes[0].host_path->path, "/srv/a");
  EXPECT_EQ(usual.spec.containers[0].volume_mounts[0].name, usual.spec.volumes[0].name);
  options.minimum_timeout_seconds = 151;
  options.pod_template = std::make_shared<const api::core_v1::Pod>(from_yaml<api::core_v1::Pod>(
      "{metadata: {namespace: ns, generateName: x-}, spec: {containers: [{name: c, image: i}], volumes: [{name: w, emptyDir: {}}, {name: z}]}}"));
  const auto nfs = from_yaml<PersistentVolume>("{metadata: {name: v}, spec: {capacity: {storage: 5Gi}, nfs: {server: s, path: /p}}}");
  const auto own = recycler_pod(nfs, options);
  EXPECT_EQ(own.metadata.namespace_ + "/" + own.metadata.name + own.metadata.generate_name, "ns/recycler-for-v");
  EXPECT_EQ(own.spec.active_deadline_seconds, 151);
  EXPECT_EQ(own.spec.volumes[0].name + own.spec.volumes[0].nfs->server, "ws");
  EXPECT_FALSE(own.spec.volumes[0].empty_dir);
}

// Of the class "s" with those settings; "": a directory is made.
void check_provision(const std::string& claim, const std::string& its, bool enabled, const std::string& want) {
  EXPECT_EQ(provision_fault(claim_of(claim), from_yaml<api::storage_v1::StorageClass>("{metadata: {name: s}, " + its + "}"), enabled), want) << claim;
}

TEST(VolumeBinderPlan, WhoMakesVolumes) {
  using enum ProvisionPlan::Maker;
  EXPECT_EQ(plan_provision("example.com/x").maker, External);
  EXPECT_EQ(plan_provision("kubernetes.io/aws-ebs").maker, External);
  EXPECT_EQ(plan_provision("kubernetes.io/host-path").maker, HostDirectories);
  EXPECT_EQ(plan_provision("kubernetes.io/nfs").message, "no provisionable volume plugin matched");
  EXPECT_EQ(plan_provision("kubernetes.io/no-provisioner").message, "no volume plugin matched name: kubernetes.io/no-provisioner");
  check_provision("{}", "provisioner: p", true, "");
  check_provision("{}", "provisioner: p", false,
                  "Failed to create provisioner: provisioning in volume plugin \"kubernetes.io/host-path\" is disabled");
  check_provision("{volumeMode: Block}", "provisioner: p", true,
                  "Failed to provision volume with StorageClass \"s\": kubernetes.io/host-path does not support block volume provisioning");
  check_provision("{}", "provisioner: p, mountOptions: [ro, hard]", true,
                  "Mount options are not supported by the provisioner but StorageClass \"s\" has mount options [ro hard]");
  check_provision("{dataSource: {kind: PersistentVolumeClaim, name: x}}", "provisioner: p", true,
                  "plugin \"kubernetes.io/host-path\" is not a CSI plugin. Only CSI plugin can provision a claim with a datasource");
}

// Classes "name@age", in seconds; a star: the default one; a plus: by the old annotation.
void check_class(const std::string& claim, const std::string& classes, const std::string& want) {
  std::vector<ClassPtr> all;
  for (std::string word : split(classes, ' ')) {
    api::storage_v1::StorageClass one;
    if (word.ends_with('*')) one.metadata.annotations["storageclass.kubernetes.io/is-default-class"] = "true";
    if (word.ends_with('+')) one.metadata.annotations["storageclass.beta.kubernetes.io/is-default-class"] = "true";
    if (word.ends_with('-')) one.metadata.annotations["storageclass.kubernetes.io/is-default-class"] = "false";
    one.metadata.name = word.substr(0, word.find('@'));
    one.metadata.creation_timestamp = ago(std::stoi(word.substr(word.find('@') + 1)));
    all.push_back(std::make_shared<const api::storage_v1::StorageClass>(std::move(one)));
  }
  EXPECT_EQ(retroactive_class(claim_of(claim), all), want) << claim << " of " << classes;
}

TEST(VolumeBinderPlan, AnAbsentClassBecomesTheDefaultOne) {
  check_class("{}", "", "");
  check_class("{}", "a@9 b@8-", "");
  check_class("{}", "a@9 b@8*", "b");
  check_class("{}", "a@9+", "a");
  check_class("{}", "a@9* b@8* c@10*", "b");  // the newest
  check_class("{}", "b@9* a@9* c@9*", "a");
  check_class("{storageClassName: ''}", "a@9*", "");  // none was asked for
  check_class("{storageClassName: x}", "a@9*", "");
}

// "key=value ..." before and after; `o`: the volume's provisioner, `p` the claim's, `m`: migrated-to.
void check_migrated(const std::string& before, const std::string& after) {
  const std::map<std::string, std::string> keys = {
      {"o", "pv.kubernetes.io/provisioned-by"}, {"p", "volume.kubernetes.io/storage-provisioner"}, {"m", "pv.kubernetes.io/migrated-to"}};
  const auto map_of = [&](const std::string& text) {
    FlatMap<std::string> out;
    for (const std::string& word : split(text, ' ')) out[keys.at(word.substr(0, 1))] = word.substr(2);
    return out;
  };
  FlatMap<std::string> annotations = map_of(before);
  EXPECT_EQ(mark_migrated(annotations), before != after) << before;
  EXPECT_EQ(annotations, map_of(after)) << before;
}

TEST(VolumeBinderPlan, DriversThatHaveTakenOver) {
  EXPECT_EQ(driver_of("kubernetes.io/aws-ebs"), "ebs.csi.aws.com");
  EXPECT_EQ(driver_of("kubernetes.io/portworx-volume"), "pxd.portworx.com");
  EXPECT_EQ(driver_of("kubernetes.io/host-path"), "kubernetes.io/host-path");
  EXPECT_EQ(driver_of("example.com/x"), "example.com/x");
  check_migrated("", "");
  check_migrated("o=example.com/x", "o=example.com/x");
  check_migrated("o=kubernetes.io/aws-ebs", "o=kubernetes.io/aws-ebs m=ebs.csi.aws.com");
  check_migrated("o=kubernetes.io/aws-ebs m=ebs.csi.aws.com", "o=kubernetes.io/aws-ebs m=ebs.csi.aws.com");
  check_migrated("p=kubernetes.io/gce-pd m=old", "p=kubernetes.io/gce-pd m=pd.csi.storage.gke.io");
  check_migrated("p=ebs.csi.aws.com m=ebs.csi.aws.com", "p=ebs.csi.aws.com");  // as upstream: the name says it already
}

}  // namespace
}  // namespace pintle::controller::volume_binder
