// Objects of the groups that describe the API itself, and the causes that upstream names for what is wrong with them.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "api/codec.h"
#include "api/defaults.h"
#include "api/gen/apps_v1.h"
#include "api/gen/batch_v1.h"
#include "api/testing/from_yaml.h"
#include "apimachinery/cel/time_zones.h"
#include "apiserver/resources/resource/resource.h"
#include "apiserver/resources/resources.h"
#include "apiserver/types/request_scope.h"
#include "codec/value.h"
#include "codec/yaml.h"

namespace pintle::apiserver::resources {
namespace {

const registry::Strategy& strategy_of(std::string_view group, std::string_view resource) {
  static const Definitions all = builtin_resources({});
  for (const registry::ResourceDefinition& definition : all)
    if (definition.resource.group == group && definition.resource.resource == resource) return *definition.strategy;
  CHECK(false, "no such resource");
}

struct Case {
  std::string_view group;
  std::string_view version;
  std::string_view kind;
  std::string_view resource;
};

// `wanted`: each cause as "type field"; those of the schema are not among them.
void check_causes(const Case& what, std::string_view yaml, std::vector<std::string> wanted) {
  const auto value = codec::parse_yaml(yaml);
  ASSERT_TRUE(value) << yaml;
  const api::KindInfo* info = api::find_kind(what.group, what.version, what.kind);
  ASSERT_NE(info, nullptr);
  api::Object object(*info->type);
  ASSERT_TRUE(api::decode_value(*value, *info->type, object.data())) << yaml;
  const registry::Strategy& strategy = strategy_of(what.group, what.resource);
  const RequestScope scope;
  strategy.set_defaults(object);
  strategy.prepare_for_create(scope, object);
  FieldErrors errors;
  strategy.validate(scope, object, errors);
  std::vector<std::string> got;
  for (const auto& cause : errors.causes()) got.push_back(cause.type.substr(std::string("FieldValue").size()) + " " + cause.field);
  EXPECT_EQ(got, wanted) << yaml;
}

constexpr Case api_service{"apiregistration.k8s.io", "v1", "APIService", "apiservices"};
constexpr Case webhooks{"admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations"};
constexpr Case policies{"admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies"};
constexpr Case definitions{"apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions"};
constexpr Case claims{"resource.k8s.io", "v1", "ResourceClaim", "resourceclaims"};
constexpr Case classes{"resource.k8s.io", "v1", "DeviceClass", "deviceclasses"};
constexpr Case slices{"resource.k8s.io", "v1", "ResourceSlice", "resourceslices"};

TEST(PodValidation, SysctlNames) {
  const auto check = [](std::string name, std::vector<std::string> wanted) {
    check_causes(Case{"", "v1", "Pod", "pods"},
                 "{metadata: {name: p, namespace: d}, spec: {securityContext: {sysctls: [{name: \"" + name +
                     "\", value: \"1\"}]}, restartPolicy: Always, dnsPolicy: ClusterFirst, containers: [{name: c, image: i, "
                     "terminationMessagePolicy: File}]}}",
                 std::move(wanted));
  };
  const std::string field = "spec.securityContext.sysctls[0].name";
  for (const char* good : {"kernel.shmmax", "kernel/shm_rmid_forced", "net.ipv4.conf.eth0-1.x", "a"}) check(good, {});
  for (const char* bad : {"foo-", "bar..", "_a.b", "A.b", "a./b", ".a", "a b"}) check(bad, {"Invalid " + field});
}

TEST(PodValidation, UnmaskedProcNeedsAUserNamespace) {
  const auto check = [](const char* host_users, std::vector<std::string> wanted) {
    const std::string rest = ", image: i, terminationMessagePolicy: File, imagePullPolicy: Always, securityContext: {procMount: Unmasked}}]";
    check_causes(Case{"", "v1", "Pod", "pods"},
                 "{metadata: {name: p, namespace: d}, spec: {" + std::string(host_users) +
                     "restartPolicy: Always, dnsPolicy: ClusterFirst, containers: [{name: a" + rest + ", initContainers: [{name: b" + rest + "}}",
                 std::move(wanted));
  };
  const std::vector<std::string> refused = {"Invalid spec.containers[0].securityContext.procMount",
                                            "Invalid spec.initContainers[0].securityContext.procMount"};
  check("hostUsers: false, ", {});
  check("hostUsers: true, ", refused);
  check("", refused);
}

TEST(JobValidation, SucceededIndexes) {
  const auto check = [](const std::string& indexes, std::vector<std::string> wanted) {
    check_causes(Case{"batch", "v1", "Job", "jobs"},
                 "{metadata: {name: j, namespace: d}, spec: {completionMode: Indexed, completions: 10, parallelism: 1, successPolicy: {rules: "
                 "[{succeededIndexes: \"" +
                     indexes +
                     "\"}]}, template: {spec: {restartPolicy: Never, dnsPolicy: ClusterFirst, containers: [{name: c, image: i, "
                     "terminationMessagePolicy: File}]}}}}",
                 std::move(wanted));
  };
  for (const char* good : {"", "0", "0,2-4,9", "0-9"}) check(good, {});
  for (const char* bad : {"10", "1,1", "2-1", "3-3", "1-", "-1", "1--3", "1-2-3", "99999999999", "0-99999999999", "99999999999-5", "a"})
    check(bad, {"Invalid spec.successPolicy.rules[0].succeededIndexes"});
}

std::string job(std::string_view labels, std::string_view spec, std::string_view status = "") {
  return "{metadata: {name: j, namespace: d, uid: u}, status: {" + std::string(status) + "}, spec: {completions: 1, parallelism: 1, " +
         std::string(spec) + " template: {metadata: {labels: {" + std::string(labels) +
         "}}, spec: {restartPolicy: Never, dnsPolicy: ClusterFirst, containers: [{name: c, image: i, terminationMessagePolicy: File";
}
constexpr std::string_view job_end = "}]}}}}";

TEST(JobValidation, WhatGoesWithAGeneratedSelectorIsTheServers) {
  const auto check = [](std::string_view labels, std::string_view spec, std::vector<std::string> wanted) {
    check_causes(Case{"batch", "v1", "Job", "jobs"}, job(labels, spec).append(job_end), std::move(wanted));
  };
  const std::string labels = "spec.template.metadata.labels";
  check("a: b", "", {});
  check("job-name: j, controller-uid: u", "", {});
  check("job-name: other", "", {"Invalid " + labels + "[job-name]"});
  check("batch.kubernetes.io/controller-uid: other", "", {"Invalid " + labels + "[batch.kubernetes.io/controller-uid]", "Invalid " + labels});
  check("a: b", "selector: {matchLabels: {a: b}},", {"Invalid spec.selector"});
  check("", "selector: {matchLabels: {controller-uid: x}},", {"Invalid spec.selector", "Invalid " + labels});
  check("a: b", "manualSelector: true, selector: {matchLabels: {a: b}},", {});
  check("a: b", "manualSelector: true, selector: {matchLabels: {a: c}},", {"Invalid " + labels});
  check("a: b", "manualSelector: true,", {"Required spec.selector", "Invalid " + labels});
}

// The object of that YAML, with the schema's defaults and the strategy's.
template <class T>
T defaulted(const registry::Strategy& strategy, const std::string& yaml) {
  api::Object object = api::Object::of(api::testing::from_yaml<T>(yaml));
  api::apply_defaults(api::type_of<T>(), object.data());
  strategy.set_defaults(object);
  return std::move(object.as<T>());
}

TEST(StatefulSetDefaults, OnlyAnAbsentStrategyGetsAPartition) {
  const auto check = [](const std::string& strategy, bool rolling) {
    const auto set = defaulted<api::apps_v1::StatefulSet>(strategy_of("apps", "statefulsets"), "{spec: {" + strategy + "}}");
    EXPECT_EQ(set.spec.update_strategy.type, "RollingUpdate") << strategy;
    EXPECT_EQ(static_cast<bool>(set.spec.update_strategy.rolling_update), rolling) << strategy;
    if (rolling) {
      EXPECT_EQ(set.spec.update_strategy.rolling_update->partition, 0) << strategy;
    }
  };
  check("", true);
  check("updateStrategy: {type: RollingUpdate}", false);
}

TEST(ClaimValidation, AnAbsentClassMayBeSetOnce) {
  const auto check = [](const std::string& before, const std::string& after, bool allowed) {
    const registry::Strategy& strategy = strategy_of("", "persistentvolumeclaims");
    const auto claim = [](const std::string& spec) {
      return api::Object::of(api::testing::from_yaml<api::core_v1::PersistentVolumeClaim>("{spec: {" + spec + "}}"));
    };
    FieldErrors errors;
    strategy.validate_update(RequestScope(), claim(after), claim(before), errors);
    EXPECT_EQ(errors.empty(), allowed) << before << " to " << after;
  };
  check("", "storageClassName: a", true);
  check("", "storageClassName: a, accessModes: [ReadWriteOnce]", false);
  check("storageClassName: a", "storageClassName: b", false);
  check("storageClassName: ''", "storageClassName: a", false);
  check("storageClassName: a", "", false);
}

TEST(CronJobValidation, UnknownTimeZonesAreRefused) {
  struct Zurich final : apimachinery::cel::TimeZones {
    TimeZone zone = TimeZone::utc();
    const TimeZone* find(std::string_view name) const override { return name == "Europe/Zurich" ? &zone : nullptr; }
  } zones;
  resources::Deps deps;
  deps.zones = &zones;
  const auto definitions = resources::builtin_resources(deps);
  const auto found = std::ranges::find_if(definitions, [](const auto& one) { return one.resource.resource == "cronjobs"; });
  ASSERT_NE(found, definitions.end());
  const auto cron = [&](const std::string& zone) {
    return api::Object::of(defaulted<api::batch_v1::CronJob>(*found->strategy, "{spec: {schedule: '* * * * *'" + zone + "}}"));
  };
  const auto zone_faults = [](const FieldErrors& errors) {
    return std::ranges::count_if(errors.causes(), [](const auto& cause) { return cause.field == "spec.timeZone"; });
  };
  const auto check = [&](const std::string& zone, bool allowed, bool allowed_before) {
    const RequestScope scope;
    FieldErrors fresh, kept;
    found->strategy->validate(scope, cron(zone), fresh);
    EXPECT_EQ(zone_faults(fresh) == 0, allowed) << zone;
    found->strategy->validate_update(scope, cron(zone), cron(zone), kept);
    EXPECT_EQ(zone_faults(kept) == 0, allowed_before) << zone;
  };
  check("", true, true);
  check(", timeZone: Europe/Zurich", true, true);
  check(", timeZone: Europe/Nowhere", false, true);  // what it has, it may keep
  check(", timeZone: ''", false, true);
  check(", timeZone: Local", false, true);
  check(", timeZone: ../Europe/Zurich", false, true);
}

TEST(JobValidation, TemplateOfASuspendedJobMayMove) {
  const registry::Strategy& strategy = strategy_of("batch", "jobs");
  const auto read = [](const std::string& yaml) {
    const auto value = codec::parse_yaml(yaml);
    CHECK(value, "the test's own YAML");
    api::Object object(*api::find_kind("batch", "v1", "Job")->type);
    CHECK(api::decode_value(*value, *api::find_kind("batch", "v1", "Job")->type, object.data()), "the test's own Job");
    return object;
  };
  const auto check = [&](std::string_view status, std::string_view change, bool allowed) {
    const auto old = read(job("a: b", "suspend: true,", status).append(job_end));
    auto changed = read(job("a: b", "suspend: true,", status).append(change).append(change.contains("}]") ? "}}}}" : job_end));
    FieldErrors errors;
    strategy.validate_update(RequestScope(), changed, old, errors);
    EXPECT_EQ(errors.empty(), allowed) << status << " " << change;
  };
  const std::string_view resources = ", resources: {requests: {cpu: 1}}";
  const std::string_view affinity = "}], affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}}}";
  const std::string_view beside = "}], affinity: {podAffinity: {}}";
  check("", resources, true);
  check("", affinity, true);
  check("", beside, false);
  check("", ", command: [x]", false);
  check("startTime: '2026-01-01T00:00:00Z'", resources, false);
  check("startTime: '2026-01-01T00:00:00Z', conditions: [{type: Suspended, status: 'True'}]", resources, true);
  check("active: 1", resources, false);
}

TEST(ApiServiceValidation, Causes) {
  check_causes(api_service, "{metadata: {name: v1.}, spec: {version: v1, groupPriorityMinimum: 1, versionPriority: 1}}", {});
  check_causes(
      api_service,
      "{metadata: {name: v1.a.b}, spec: {version: v1, groupPriorityMinimum: 1, versionPriority: 1, service: {name: s, namespace: ns, port: 443}}}",
      {"Invalid metadata.name"});
  check_causes(api_service,
               "{metadata: {name: v2.}, spec: {version: v2, groupPriorityMinimum: 0, versionPriority: 2000, service: {name: s, port: 443}}}",
               {"Required spec.group", "Invalid spec.groupPriorityMinimum", "Invalid spec.versionPriority", "Required spec.service.namespace"});
}

std::string webhook(std::string_view change) {
  return "{metadata: {name: w}, webhooks: [{name: a.example.com, sideEffects: None, admissionReviewVersions: [v1], clientConfig: {url: "
         "'https://a.example.com/x'}, " +
         std::string(change) + "}]}";
}

TEST(WebhookValidation, Causes) {
  check_causes(webhooks, webhook("timeoutSeconds: 10"), {});
  check_causes(webhooks, webhook("timeoutSeconds: 31"), {"Invalid webhooks[0].timeoutSeconds"});
  check_causes(webhooks, webhook("rules: [{operations: ['*', CREATE], apiGroups: [''], apiVersions: [''], resources: ['*', pods, pods/x]}]"),
               {"Invalid webhooks[0].rules[0].operations", "Required webhooks[0].rules[0].apiVersions[0]", "Invalid webhooks[0].rules[0].resources"});
  check_causes(webhooks, webhook("matchConditions: [{name: a, expression: 'object.x =='}, {name: a, expression: 'true'}]"),
               {"Invalid webhooks[0].matchConditions[0].expression", "Duplicate webhooks[0].matchConditions[1].name"});
  check_causes(webhooks,
               "{metadata: {name: w}, webhooks: [{name: a, sideEffects: Some, admissionReviewVersions: ['', v9], clientConfig: {service: {name: s, "
               "port: 443}}}]}",
               {"Invalid webhooks[0].name", "NotSupported webhooks[0].sideEffects", "Required webhooks[0].clientConfig.service.name",
                "Invalid webhooks[0].admissionReviewVersions[0]", "Invalid webhooks[0].admissionReviewVersions"});
}

TEST(PolicyValidation, Causes) {
  const std::string rules =
      "matchConstraints: {matchPolicy: Exact, namespaceSelector: {}, objectSelector: {}, resourceRules: [{operations: [CREATE], apiGroups: [a], "
      "apiVersions: [v1], resources: [b]}]}";
  check_causes(policies, "{metadata: {name: p}, spec: {" + rules + ", validations: [{expression: 'object.a < 3', reason: Invalid}]}}", {});
  check_causes(policies, "{metadata: {name: p}, spec: {" + rules + "}}", {"Required spec.validations", "Required spec.auditAnnotations"});
  check_causes(policies,
               "{metadata: {name: p}, spec: {" + rules +
                   ", variables: [{name: 'a-b', expression: '1 +'}], validations: [{expression: params.x, reason: Nope}], auditAnnotations: [{key: "
                   "'a b', valueExpression: \"'v'\"}]}}",
               {"Invalid spec.variables[0].name", "Invalid spec.variables[0].expression", "Invalid spec.validations[0].expression",
                "NotSupported spec.validations[0].reason", "Invalid spec.auditAnnotations[0].key"});
}

std::string definition(std::string_view schema) {
  return "{metadata: {name: ws.a.b}, spec: {group: a.b, scope: Cluster, names: {plural: ws, kind: W}, versions: [{name: v1, served: true, storage: "
         "true, schema: {openAPIV3Schema: " +
         std::string(schema) + "}}]}}";
}

TEST(DefinitionValidation, Causes) {
  const std::string at = "spec.validation.openAPIV3Schema.";
  check_causes(definitions, definition("{type: object, properties: {a: {type: string}}}"), {});
  check_causes(definitions, definition("{properties: {a: {type: array}}}"), {"Required " + at + "properties[a].items", "Required " + at + "type"});
  check_causes(definitions, definition("{type: object, properties: {a: {type: word, x-kubernetes-list-type: set}}}"),
               {"NotSupported " + at + "properties[a].type", "Invalid " + at + "properties[a].type"});
  check_causes(definitions,
               definition("{type: object, properties: {a: {type: object}}, anyOf: [{properties: {a: {properties: {b: {minimum: 1}}}}}]}"),
               {"Required " + at + "properties[a].properties[b]"});
  check_causes(definitions, definition("{type: object, properties: {a: {type: object, anyOf: [{properties: {b: {minimum: 1}}}]}}}"), {});
  check_causes(definitions, definition("{type: object, properties: {a: {type: integer, default: x}}}"),
               {"TypeInvalid " + at + "properties[a].default"});
  check_causes(definitions, definition("{type: object, x-kubernetes-validations: [{rule: 'self.a >'}]}"),
               {"Invalid " + at + "x-kubernetes-validations[0].rule"});
  check_causes(definitions, "{metadata: {name: ws}, spec: {scope: Cluster, names: {plural: ws, kind: W}}}",
               {"Invalid metadata.name", "Required spec.group", "Invalid spec.versions", "Invalid status.storedVersions"});
  check_causes(definitions,
               "{metadata: {name: ws.x.k8s.io}, spec: {group: x.k8s.io, scope: Cluster, names: {plural: ws, kind: W, listKind: W, shortNames: ['']}, "
               "versions: [{name: v1, storage: true, schema: {openAPIV3Schema: {type: object}}}]}}",
               {"Invalid spec.names.shortNames[0]", "Invalid spec.names.listKind", "Required metadata.annotations[api-approved.kubernetes.io]"});
}

TEST(DeviceValidation, Causes) {
  check_causes(claims, "{spec: {devices: {requests: [{name: a, exactly: {deviceClassName: c}}]}}}", {});
  check_causes(claims,
               "{spec: {devices: {requests: [{name: a}, {name: a, exactly: {deviceClassName: c, allocationMode: All, count: 2}}], constraints: "
               "[{requests: [b], matchAttribute: x}]}}}",
               {"Required spec.devices.requests[0]", "Invalid spec.devices.requests[1].exactly.count", "Duplicate spec.devices.requests[1]",
                "Invalid spec.devices.constraints[0].requests[0]", "Invalid spec.devices.constraints[0].matchAttribute"});
  check_causes(classes,
               "{spec: {selectors: [{cel: {expression: 'device.driver == \"x\"'}}, {cel: {}}], config: [{opaque: {driver: d, parameters: [1]}}]}}",
               {"Invalid spec.selectors[1].cel.expression", "Invalid spec.config[0].opaque.parameters"});
  check_causes(slices,
               "{spec: {driver: d, pool: {name: p, resourceSliceCount: 1}, nodeName: n1, devices: [{name: a, attributes: {m: {string: x}}}]}}", {});
  check_causes(slices, "{spec: {driver: d, pool: {name: p}, devices: [{name: a, attributes: {m: {version: x}}}, {name: a, nodeName: n1}]}}",
               {"Invalid spec.pool.resourceSliceCount", "Required spec", "Invalid spec.devices[0].attributes[m].version", "Invalid spec.devices[1]",
                "Duplicate spec.devices[1]"});
}

// What a selector of devices names is known, and so is what it may cost.
TEST(DeviceValidation, SelectorsAreOfDevices) {
  const auto check = [](const std::string& expression, std::vector<std::string> wanted) {
    check_causes(classes, "{metadata: {name: c}, spec: {selectors: [{cel: {expression: \"" + expression + "\"}}]}}", std::move(wanted));
  };
  check("device.attributes['d.example.com'].model == 'a' && device.capacity['d.example.com'].memory.isGreaterThan(quantity('1Gi'))", {});
  check("device.bogus == 'a'", {"Invalid spec.selectors[0].cel.expression"});
  check("device.driver", {"Invalid spec.selectors[0].cel.expression"});
  std::string dear = "true";
  for (int i = 0; i < 7; ++i) dear = "[0,1,2,3,4,5,6,7,8,9].all(x" + std::to_string(i) + ", " + dear + ")";
  check(dear, {"Forbidden spec.selectors[0].cel.expression"});
}

// Who takes an allocation back leaves what drivers said of the devices in the status.
TEST(DeviceValidation, WhatIsSaidOfDevicesGoesWithTheirAllocation) {
  using api::resource_v1::ResourceClaimStatus;
  const std::string devices = "devices: [{driver: d, pool: p, device: a}, {driver: d, pool: p, device: b}]";
  const auto old = api::testing::from_yaml<ResourceClaimStatus>(
      "{allocation: {devices: {results: [{driver: d, pool: p, device: a}, {driver: d, pool: p, device: b}]}}, " + devices + "}");
  auto freed = api::testing::from_yaml<ResourceClaimStatus>("{" + devices + "}");
  device::drop_deallocated(freed, old);
  EXPECT_TRUE(freed.devices.empty());
  auto part = api::testing::from_yaml<ResourceClaimStatus>("{allocation: {devices: {results: [{driver: d, pool: p, device: b}]}}, " + devices + "}");
  device::drop_deallocated(part, old);
  ASSERT_EQ(part.devices.size(), 1u);
  EXPECT_EQ(part.devices[0].device, "b");
  auto wrong = api::testing::from_yaml<ResourceClaimStatus>("{devices: [{driver: d, pool: p, device: c}]}");
  device::drop_deallocated(wrong, old);
  EXPECT_EQ(wrong.devices.size(), 1u) << "it never was allocated: that is for the validation to say";
}

}  // namespace
}  // namespace pintle::apiserver::resources
