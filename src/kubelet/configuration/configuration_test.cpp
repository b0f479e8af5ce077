#include <gtest/gtest.h>

#include <set>

#include "api/codec.h"
#include "codec/yaml.h"
#include "kubelet/configuration/defaults.h"
#include "kubelet/configuration/effects.h"
#include "kubelet/configuration/taints.h"
#include "kubelet/configuration/validation.h"

namespace pintle::kubelet::configuration {
namespace {

using Configuration = api::kubeletconfig_v1beta1::KubeletConfiguration;

Configuration configuration(std::string_view yaml) {
  Configuration out;
  const auto value = codec::parse_yaml(std::string(yaml));
  EXPECT_TRUE(value) << yaml;
  api::DecodeReport report;
  EXPECT_TRUE(api::decode_value(*value, api::type_of<Configuration>(), &out, api::Strictness::Collect, &report)) << yaml;
  EXPECT_TRUE(report.problems.empty()) << yaml << report.problems.front();
  apply_defaults(out);
  return out;
}

void check_accepted(std::string_view yaml) {
  const auto valid = validate(configuration(yaml));
  EXPECT_TRUE(valid) << yaml << ": " << valid.error().message;
}

void check_refused(std::string_view yaml, std::string_view part) {
  const auto valid = validate(configuration(yaml));
  ASSERT_FALSE(valid) << yaml;
  EXPECT_NE(valid.error().message.find(part), std::string::npos) << yaml << ": " << valid.error().message;
  EXPECT_EQ(valid.error().message.find('\n'), std::string::npos) << "one line";
}

TEST(KubeletConfiguration, WhatIsUsualIsValid) {
  check_accepted("{}");
  check_accepted("{cgroupDriver: systemd, clusterDNS: [10.96.0.10], rotateCertificates: true, syncFrequency: 0s, resolvConf: /run/x}");
  check_accepted("{shutdownGracePeriod: 30s, shutdownGracePeriodCriticalPods: 10s}");
  check_accepted("{cpuManagerPolicy: static, cpuManagerPolicyOptions: {full-pcpus-only: 'true'}}");
  check_accepted("{memoryManagerPolicy: Static, reservedMemory: [{numaNode: 0, limits: {memory: 1Gi}}]}");
  check_accepted("{featureGates: {MemoryQoS: true, NodeSwap: true}, memorySwap: {swapBehavior: LimitedSwap}, failSwapOn: false}");
  check_accepted("{registerWithTaints: [{key: a, effect: NoSchedule}, {key: a, effect: NoExecute}]}");
  check_accepted("{cgroupsPerQOS: false, enforceNodeAllocatable: [none]}");
}

TEST(KubeletConfiguration, StaticPodsByUrl) {
  check_accepted("{staticPodURL: 'https://host:8443/pods?of=me', staticPodURLHeader: {X-Token: [a, b]}, httpCheckFrequency: 5s}");
  check_refused("{staticPodURL: '/etc/pods'}", "staticPodURL");
  check_refused("{staticPodURL: 'unix:/run/x.sock:/pods'}", "staticPodURL: is neither http nor https");
  check_refused("{staticPodURL: 'http://me:secret@host/'}", "staticPodURL: credentials in a URL");
  check_refused("{staticPodURL: 'http://h', staticPodURLHeader: {'a b': [x]}}", "a name that no header can have");
  check_refused("{staticPodURL: 'http://h', staticPodURLHeader: {Host: [x]}}", "Host cannot be set");
  check_refused("{staticPodURL: 'http://h', staticPodURLHeader: {X: [\"a\\r\\nY: b\"]}}", "control characters");
  check_refused("{httpCheckFrequency: -1s}", "httpCheckFrequency: is negative");
}

TEST(KubeletConfiguration, GatesAreKnownAndFree) {
  check_refused("{featureGates: {NoSuchGate: true}}", "featureGates: unrecognized feature gate: NoSuchGate");
  check_refused("{featureGates: {NodeSwap: false}}", "NodeSwap");
  EXPECT_FALSE(feature_gates(configuration("{featureGates: {GracefulNodeShutdown: false}}"))->enabled("GracefulNodeShutdown"));
}

TEST(KubeletConfiguration, ValuesAreOfTheirField) {
  for (const auto& [yaml, part] : std::vector<std::pair<const char*, const char*>>{
           {"{cpuManagerPolicy: nonsense}", "cpuManagerPolicy: \"nonsense\" is none of \"none\", \"static\""},
           {"{cpuManagerPolicy: static, cpuManagerPolicyOptions: {no-such: 'true'}}", "no-such"},
           {"{memoryManagerPolicy: nonsense}", "memoryManagerPolicy"},
           {"{topologyManagerPolicy: nonsense}", "topologyManagerPolicy"},
           {"{topologyManagerScope: node}", "topologyManagerScope"},
           {"{hairpinMode: nonsense}", "hairpinMode"},
           {"{cgroupDriver: cgroups}", "cgroupDriver"},
           {"{authorization: {mode: Maybe}}", "authorization.mode"},
           {"{tlsMinVersion: VersionTLS9}", "tlsMinVersion"},
           {"{memorySwap: {swapBehavior: UnlimitedSwap}}", "memorySwap.swapBehavior"},
           {"{configMapAndSecretChangeDetectionStrategy: Poll}", "configMapAndSecretChangeDetectionStrategy"},
           {"{logging: {format: xml}}", "logging.format"},
           {"{registryPullQPS: -5}", "registryPullQPS: -5 is less than 0"},
           {"{maxOpenFiles: -1}", "maxOpenFiles"},
           {"{maxPods: -1}", "maxPods"},
           {"{oomScoreAdj: -1001}", "oomScoreAdj: -1001 is not within -1000 to 1000"},
           {"{port: 65536}", "port"},
           {"{readOnlyPort: -1}", "readOnlyPort"},
           {"{healthzPort: 70000}", "healthzPort"},
           {"{nodeStatusMaxImages: -2}", "nodeStatusMaxImages"},
           {"{iptablesDropBit: 32}", "iptablesDropBit"},
           {"{imageGCHighThresholdPercent: 101}", "imageGCHighThresholdPercent"},
           {"{containerLogMaxSize: big}", "containerLogMaxSize"},
           {"{containerLogMaxFiles: 1}", "containerLogMaxFiles"},
           {"{containerLogMonitorInterval: 1s}", "containerLogMonitorInterval"},
           {"{cpuCFSQuotaPeriod: 2s}", "cpuCFSQuotaPeriod"},
           {"{podLogsDir: logs}", "podLogsDir"},
           {"{crashLoopBackOff: {maxContainerRestartPeriod: 10m}}", "crashLoopBackOff.maxContainerRestartPeriod"},
           {"{userNamespaces: {idsPerPod: 1000}}", "userNamespaces.idsPerPod"},
           {"{enforceNodeAllocatable: [pods, everything]}", "everything"},
           {"{evictionHard: {memory.availabel: 5%}}", "memory.availabel"},
           {"{kubeReserved: {memory: much}}", "much"},
           {"{imagePullCredentialsVerificationPolicy: Sometimes}", "imagePullCredentialsVerificationPolicy"},
           {"{registerWithTaints: [{key: a, effect: Sometimes}]}", "registerWithTaints"},
           {"{registerWithTaints: [{key: a, effect: NoExecute}, {key: a, value: b, effect: NoExecute}]}", "twice"}})
    check_refused(yaml, part);
}

TEST(KubeletConfiguration, FieldsGoTogether) {
  for (const auto& [yaml, part] : std::vector<std::pair<const char*, const char*>>{
           {"{memoryManagerPolicy: Static}", "needs reservedMemory"},
           {"{reservedMemory: [{numaNode: 0, limits: {memory: 1Gi}}]}", "memoryManagerPolicy Static"},
           {"{memoryManagerPolicy: Static, reservedMemory: [{numaNode: 0, limits: {memory: 1}}, {numaNode: 0, limits: {memory: 1}}]}", "twice"},
           {"{cpuManagerPolicyOptions: {full-pcpus-only: 'true'}}", "cpuManagerPolicyOptions"},
           {"{cgroupsPerQOS: false}", "needs cgroupsPerQOS"},
           {"{systemCgroups: /system}", "needs cgroupRoot"},
           {"{reservedSystemCPUs: 0-1, systemReservedCgroup: /s}", "reservedSystemCPUs"},
           {"{enforceNodeAllocatable: [system-reserved]}", "systemReservedCgroup"},
           {"{imageMaximumGCAge: 1m, imageMinimumGCAge: 2m}", "imageMaximumGCAge"},
           {"{imageGCHighThresholdPercent: 70, imageGCLowThresholdPercent: 80}", "imageGCLowThresholdPercent"},
           {"{maxParallelImagePulls: 2, serializeImagePulls: true}", "serializeImagePulls"},
           {"{tlsCertFile: /a}", "tlsPrivateKeyFile"},
           {"{serverTLSBootstrap: true, featureGates: {RotateKubeletServerCertificate: false}}", "RotateKubeletServerCertificate"},
           {"{qosReserved: {memory: 50%}}", "QOSReserved"},
           {"{shutdownGracePeriod: 10s, shutdownGracePeriodCriticalPods: 20s}", "shutdownGracePeriodCriticalPods"},
           {"{shutdownGracePeriod: 500ms}", "shutdownGracePeriod"},
           {"{shutdownGracePeriod: 10s, featureGates: {GracefulNodeShutdown: false}}", "GracefulNodeShutdown"},
           {"{shutdownGracePeriod: 10s, shutdownGracePeriodByPodPriority: [{priority: 0, shutdownGracePeriodSeconds: 1}]}", "does not go with"},
           {"{enableSystemLogQuery: true, enableSystemLogHandler: false}", "enableSystemLogHandler"},
           {"{evictionSoft: {memory.available: 5%}}", "memory.available"}})
    check_refused(yaml, part);
}

TEST(KubeletConfiguration, ProtectionsThatAreNotBuiltAreRefused) {
  check_refused("{protectKernelDefaults: true}", "protectKernelDefaults");
  check_refused("{tlsCurvePreferences: [29]}", "tlsCurvePreferences");
}

TEST(KubeletConfiguration, EveryFaultIsNamed) { check_refused("{port: 0, maxPods: -1}", "maxPods"); }

TEST(KubeletConfiguration, WhatDoesNothingIsNamedWhereItDiffers) {
  EXPECT_TRUE(settings_without_effect(configuration("{}")).empty());
  EXPECT_TRUE(settings_without_effect(configuration("{cpuManagerPolicy: none, maxPods: 50, syncFrequency: 1m0s}")).empty());
  const auto said = settings_without_effect(
      configuration("{maxOpenFiles: 5000, eventRecordQPS: 7, logging: {flushFrequency: 9s}, featureGates: {MemoryQoS: true, EventedPLEG: "
                    "false, GracefulNodeShutdown: false}}"));
  EXPECT_EQ(said, (std::vector<std::string>{"eventRecordQPS", "logging.flushFrequency", "maxOpenFiles", "featureGates.MemoryQoS"}));
}

TEST(KubeletConfiguration, TaintsOfAFlag) {
  const auto full = parse_taint("a/b=c:NoExecute");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->key + "|" + full->value + "|" + full->effect, "a/b|c|NoExecute");
  EXPECT_EQ(parse_taint("d:NoSchedule")->value, "");
  for (const char* wrong : {"", "a", "a=b", ":NoSchedule", "a:Never", "=b:NoExecute"}) EXPECT_FALSE(parse_taint(wrong)) << wrong;
}

}  // namespace
}  // namespace pintle::kubelet::configuration
