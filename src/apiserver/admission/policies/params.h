// The parameters that a binding gives its policy, from the watch caches.
#pragma once

#include <vector>

#include "apiserver/admission/policies/policy.h"

namespace pintle::apiserver::admission::policies {

// A binding that selects more of them has its request refused: each is an evaluation of the whole policy.
constexpr std::size_t params_max = 10'000;

// The resource of the policy's paramKind; BadRequest in upstream's words where there is none.
Result<KindServed> find_param_kind(const ResourceReader& reader, const v1::ParamKind& kind);

// One for each evaluation; an empty object: the policy is evaluated without. None at all: parameterNotFoundAction lets it pass. BadRequest in
// upstream's words. `ns`: of the request.
Result<std::vector<api::Object>> collect_params(const ResourceReader& reader, const Policy& policy, const Binding& binding, std::string_view ns);

}  // namespace pintle::apiserver::admission::policies
