#include "apiserver/resources/resources.h"

namespace pintle::apiserver::resources {

Definitions builtin_resources(const Deps& deps) {
  Definitions out;
  for (const auto add : {add_core, add_authentication, add_authorization, add_apiextensions, add_batch}) add(deps, out);
  for (const auto add : {add_admissionregistration, add_apiregistration, add_apps, add_autoscaling, add_networking, add_policy, add_rbac,
                         add_certificates, add_coordination, add_discovery, add_flowcontrol, add_node, add_resource, add_scheduling, add_storage})
    add(out);
  return out;
}

}  // namespace pintle::apiserver::resources
