// Nobody hands out rights that they do not have: the checks on writes of roles and bindings. The verbs escalate (on a
// role) and bind (on the role a binding names) lift them, as does membership of system:masters.
#pragma once

#include "api/object.h"
#include "apiserver/authorization/authorizer.h"
#include "apiserver/authorization/rbac/index.h"
#include "rt/context.h"
#include "rt/task.h"

namespace pintle::apiserver::authorization::rbac {

struct EscalationCheck {
  const RbacIndex* index = nullptr;
  Authorizer* authorizer = nullptr;
};

// `object` is a Role, ClusterRole, RoleBinding or ClusterRoleBinding about to be written, `old` its stored state or
// nullptr; both outlive the task. Forbidden, or NotFound for a binding to a role that does not exist.
rt::Task<Result<Unit>> check_escalation(rt::Context ctx, EscalationCheck check, UserInfo user, const api::Object* object, const api::Object* old);

}  // namespace pintle::apiserver::authorization::rbac
