// The status of a CustomResourceDefinition as the server keeps it: which of the names that it asks for it has, whether it is served, and how far
// its deletion has come. Pure; upstream's conditions and reasons, as clients match on them.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/apiextensions_v1.h"

namespace pintle::apiserver::custom {

using Definition = api::apiextensions_v1::CustomResourceDefinition;

inline constexpr std::string_view cleanup_finalizer = "customresourcecleanup.apiextensions.k8s.io";

// What other definitions of one group have been given.
struct TakenNames {
  std::set<std::string, std::less<>> resources;  // plural, singular and short names
  std::set<std::string, std::less<>> kinds;      // kinds and kinds of lists
  void add(const api::apiextensions_v1::CustomResourceDefinitionNames& accepted);
};

// The status that follows from the names asked for and those taken: acceptedNames, NamesAccepted, and Established once every name is had for the
// first time (it stays, whatever comes afterwards). A name that is free replaces the one had before; one that is not leaves it.
api::apiextensions_v1::CustomResourceDefinitionStatus with_names(const Definition& definition, const TakenNames& taken, api::Time now);

// NonStructuralSchema: `violations` are the messages of field errors; none: the condition goes.
void set_structural(api::apiextensions_v1::CustomResourceDefinitionStatus& status, const std::vector<std::string>& violations, api::Time now);

// KubernetesAPIApprovalPolicyConformant: of the project's own groups alone.
void set_approval(api::apiextensions_v1::CustomResourceDefinitionStatus& status, const Definition& definition, api::Time now);

enum class Terminating : uint8_t { Begun, Failed, Done };
void set_terminating(api::apiextensions_v1::CustomResourceDefinitionStatus& status, Terminating how, std::string_view why, api::Time now);

}  // namespace pintle::apiserver::custom
