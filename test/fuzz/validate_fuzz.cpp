// Objects of the kind that the first byte chooses, decoded, defaulted and validated: definitions with their schemas, requests for
// certificates, pods, roles, policies and others that hold lists, patterns and expressions.
#include "api/codec.h"
#include "api/untrusted.h"
#include "apiserver/resources/resources.h"
#include "apiserver/types/request_scope.h"
#include "base/check.h"
#include "driver.h"
#include "samples.h"

namespace pintle::fuzz {
namespace {

struct Kind {
  const char* group;
  const char* version;
  const char* kind;
  const char* resource;
};
constexpr Kind kinds[] = {
    {"apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions"},
    {"certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests"},
    {"", "v1", "Pod", "pods"},
    {"rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles"},
    {"admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies"},
    {"admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations"},
    {"", "v1", "Service", "services"},
    {"networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"},
    {"resource.k8s.io", "v1", "ResourceClaim", "resourceclaims"},
    {"apps", "v1", "Deployment", "deployments"},
    {"batch", "v1", "CronJob", "cronjobs"},
    {"discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"},
};

const apiserver::registry::Strategy& strategy_of(const Kind& kind) {
  static const apiserver::resources::Definitions all = apiserver::resources::builtin_resources({});
  for (const apiserver::registry::ResourceDefinition& definition : all)
    if (definition.resource.group == kind.group && definition.resource.resource == kind.resource) return *definition.strategy;
  CHECK(false, "the resource is there");
}

}  // namespace

void one(std::string_view input) {
  if (input.empty()) return;
  const Kind& kind = kinds[static_cast<unsigned char>(input[0]) % std::size(kinds)];
  const api::KindInfo* info = api::find_kind(kind.group, kind.version, kind.kind);
  CHECK(info != nullptr, "the schema has the kind");
  api::Object object(*info->type);
  api::DecodeReport report;
  if (!api::decode_untrusted_json(input.substr(1), *info->type, object.data(), api::Strictness::Collect, &report)) return;
  const apiserver::registry::Strategy& strategy = strategy_of(kind);
  const apiserver::RequestScope scope;
  strategy.set_defaults(object);
  apiserver::FieldErrors errors;
  strategy.validate(scope, object, errors);
  (void)errors.causes();
}

std::vector<std::string> seeds() {
  const auto of = [](int kind, std::string_view json) { return std::string(1, static_cast<char>(kind)) + std::string(json); };
  return {of(0,
             R"j({"metadata":{"name":"as.b.c"},"spec":{"group":"b.c","names":{"plural":"as","singular":"a","kind":"A","listKind":"AList"},"scope":"Namespaced","versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"a":{"type":"array","items":{"type":"string","pattern":"^a+$"},"x-kubernetes-list-type":"set","maxItems":3},"b":{"type":"object","additionalProperties":{"type":"integer","minimum":0}},"c":{"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string"}]}},"x-kubernetes-validations":[{"rule":"self.a.size() < 3","message":"m"}],"not":{"required":["z"]}}}}]}})j"),
          of(1,
             R"j({"metadata":{"name":"r"},"spec":{"request":"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K","signerName":"kubernetes.io/kubelet-serving","usages":["digital signature","server auth"],"expirationSeconds":600}})j"),
          of(2, test::sample_pod),
          of(3,
             R"j({"metadata":{"name":"r"},"rules":[{"verbs":["get"],"apiGroups":["","apps"],"resources":["pods","deployments/scale"],"resourceNames":["x"]},{"verbs":["*"],"nonResourceURLs":["/x/*"]}],"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"a":"b"}}]}})j"),
          of(4,
             R"j({"metadata":{"name":"p"},"spec":{"matchConstraints":{"resourceRules":[{"apiGroups":["apps"],"apiVersions":["v1"],"operations":["CREATE"],"resources":["deployments"]}]},"variables":[{"name":"a","expression":"object.spec.replicas"}],"validations":[{"expression":"variables.a < 5","messageExpression":"'a' + string(variables.a)"}],"matchConditions":[{"name":"c","expression":"true"}],"auditAnnotations":[{"key":"k","valueExpression":"'v'"}]}})j"),
          of(5,
             R"j({"metadata":{"name":"w"},"webhooks":[{"name":"a.b.c","clientConfig":{"url":"https://h/x"},"rules":[{"apiGroups":["*"],"apiVersions":["*"],"operations":["*"],"resources":["*/*"]}],"sideEffects":"None","admissionReviewVersions":["v1"],"matchConditions":[{"name":"c","expression":"has(object.metadata)"}]}]})j"),
          of(6,
             R"j({"metadata":{"name":"s"},"spec":{"type":"NodePort","clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],"ipFamilies":["IPv4"],"ports":[{"name":"a","port":80,"nodePort":30000,"targetPort":"http"}],"selector":{"a":"b"}}})j"),
          of(7,
             R"j({"metadata":{"name":"n"},"spec":{"podSelector":{},"ingress":[{"from":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.1.0.0/16"]}},{"podSelector":{"matchExpressions":[{"key":"a","operator":"In","values":["b"]}]}}],"ports":[{"port":80,"endPort":90}]}],"policyTypes":["Ingress"]}})j"),
          of(8,
             R"j({"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"d","selectors":[{"cel":{"expression":"device.driver == 'x'"}}],"count":2}}],"constraints":[{"requests":["r"],"matchAttribute":"x/y"}]}}})j"),
          of(9,
             R"j({"metadata":{"name":"d"},"spec":{"replicas":3,"selector":{"matchLabels":{"a":"b"}},"strategy":{"rollingUpdate":{"maxSurge":"25%"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})j"),
          of(10,
             R"j({"metadata":{"name":"j"},"spec":{"schedule":"*/5 * * * *","timeZone":"UTC","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}}})j"),
          of(11,
             R"j({"metadata":{"name":"e"},"addressType":"IPv4","endpoints":[{"addresses":["10.0.0.1"],"conditions":{"ready":true}}],"ports":[{"name":"a","port":80}]})j")};
}

std::vector<std::string> tokens() {
  std::vector<std::string> all = json_tokens();
  for (const char* text : {"{\"type\":\"object\"},", "\"properties\":{\"a\":{\"type\":\"object\",", "\"items\":{", "\"allOf\":[{", "\"not\":{",
                           "{\"name\":\"c\"},", "{\"name\":\"c\",\"image\":\"i\"},", "\"env\":[{\"name\":\"A\"}],", "\"pattern\":\"(a*)*\"", "\"x\",",
                           "\"*\",", "{\"verbs\":[\"*\"]},", "\"rule\":\"self\"", "{\"port\":1},", "\"enum\":[1,1],"})
    all.emplace_back(text);
  return all;
}

}  // namespace pintle::fuzz
