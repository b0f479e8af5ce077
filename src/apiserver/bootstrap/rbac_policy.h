// The roles and bindings that every cluster starts with, read from rbac_policy.inc:
//
//   ClusterRole NAME [label=KEY=VALUE]... [aggregates=LABEL]      Role NAMESPACE/NAME
//     VERBS GROUPS RESOURCES [NAMES]                                a rule; lists are joined by commas, the core group is "core"
//     VERBS url PATHS
//   ClusterRoleBinding NAME role=KIND/NAME                        RoleBinding NAMESPACE/NAME role=KIND/NAME
//     User NAME | Group NAME | ServiceAccount NAMESPACE/NAME
#pragma once

#include <string_view>
#include <vector>

#include "api/gen/rbac_v1.h"
#include "base/status.h"

namespace pintle::apiserver::bootstrap {

struct RbacPolicy {
  std::vector<api::rbac_v1::ClusterRole> cluster_roles;
  std::vector<api::rbac_v1::Role> roles;
  std::vector<api::rbac_v1::ClusterRoleBinding> cluster_role_bindings;
  std::vector<api::rbac_v1::RoleBinding> role_bindings;
};

// BadRequest names the line.
Result<RbacPolicy> parse_rbac_policy(std::string_view text);
// What is compiled in.
RbacPolicy default_rbac_policy();

// Adds to `stored` what `wanted` has and it lacks: labels, annotations, rules not yet covered, subjects. True if anything
// changed. An object whose annotation rbac.authorization.kubernetes.io/autoupdate says false is left as it is.
bool complete(api::rbac_v1::ClusterRole& stored, const api::rbac_v1::ClusterRole& wanted);
bool complete(api::rbac_v1::Role& stored, const api::rbac_v1::Role& wanted);
bool complete(api::rbac_v1::ClusterRoleBinding& stored, const api::rbac_v1::ClusterRoleBinding& wanted);
bool complete(api::rbac_v1::RoleBinding& stored, const api::rbac_v1::RoleBinding& wanted);

}  // namespace pintle::apiserver::bootstrap
