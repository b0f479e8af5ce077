// From rbac/v1 to the form in which rules and bindings are judged.
#pragma once

#include <vector>

#include "api/gen/rbac_v1.h"
#include "apiserver/authorization/rbac/index.h"

namespace pintle::apiserver::authorization::rbac {

constexpr std::string_view api_group = "rbac.authorization.k8s.io";

std::vector<Rule> to_rules(const std::vector<api::rbac_v1::PolicyRule>& rules);
RoleRef to_role_ref(const api::rbac_v1::RoleRef& ref);
// Without subjects of a kind that RBAC does not know.
std::vector<Subject> to_subjects(const std::vector<api::rbac_v1::Subject>& subjects);

}  // namespace pintle::apiserver::authorization::rbac
