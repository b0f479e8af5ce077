#include "apiserver/resources/resources.h"

#include <string_view>

namespace pintle::apiserver::resources {

namespace {

// Groups whose strategies are being written (helper resources-2: replace each line by your add_<group> in the list below).
void add_plain(Definitions& out) {
  const auto add = [&](const char* group, const char* resource, bool has_status) {
    ResourceDefinition definition;
    definition.resource = {group, resource};
    definition.has_status = has_status;
    if (std::string_view(group) == "apiextensions.k8s.io") definition.key_prefix = "apiextensions.k8s.io/customresourcedefinitions";
    out.push_back(std::move(definition));
  };
  add("apiextensions.k8s.io", "customresourcedefinitions", true);
  for (const char* resource : {"deviceclasses", "resourceclaimtemplates", "resourceslices"}) add("resource.k8s.io", resource, false);
  add("resource.k8s.io", "resourceclaims", true);
  add("admissionregistration.k8s.io", "validatingadmissionpolicies", true);
  for (const char* resource : {"mutatingadmissionpolicies", "mutatingadmissionpolicybindings", "mutatingwebhookconfigurations", "validatingadmissionpolicybindings", "validatingwebhookconfigurations"})
    add("admissionregistration.k8s.io", resource, false);
}

}  // namespace

Definitions builtin_resources() {
  Definitions out;
  add_plain(out);
  for (const auto add : {add_core, add_apiregistration, add_apps, add_autoscaling, add_batch, add_networking, add_policy, add_rbac, add_certificates,
                         add_coordination, add_discovery, add_flowcontrol, add_node, add_scheduling, add_storage})
    add(out);
  return out;
}

}  // namespace pintle::apiserver::resources
