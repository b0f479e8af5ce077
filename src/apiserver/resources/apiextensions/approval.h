// Approval: groups of the Kubernetes project's own need its consent, which an annotation of the definition tells of. Pure.
#pragma once

#include <string>

#include "api/gen/apiextensions_v1.h"

namespace pintle::apiserver::resources::apiextensions {

inline constexpr std::string_view approval_annotation = "api-approved.kubernetes.io";

struct Approval {
  enum class State : uint8_t { NotNeeded, Approved, Bypassed, Missing, Invalid } state = State::NotNeeded;
  std::string message;  // upstream's, as the condition KubernetesAPIApprovalPolicyConformant has it
};
// Approved: the annotation is a URL. Bypassed: it begins with "unapproved".
Approval approval_of(const api::apiextensions_v1::CustomResourceDefinition& definition);

}  // namespace pintle::apiserver::resources::apiextensions
