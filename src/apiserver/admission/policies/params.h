// The parameters that a binding gives its policy, from the watch caches.
#pragma once

#include <vector>

#include "apiserver/admission/policies/policy.h"
#include "rt/task.h"

namespace pintle::apiserver::admission::policies {

// A binding that selects more of them has its request refused: each is an evaluation of the whole policy.
constexpr std::size_t params_max = 10'000;

// The resource of the policy's paramKind; BadRequest in upstream's words where there is none.
Result<KindServed> find_param_kind(const ResourceReader& reader, const v1::ParamKind& kind);

struct ParamsOf {
  const Policy& policy;
  const Binding& binding;
  std::string_view ns;  // of the request
};
// One for each evaluation, in the version that paramKind names; an empty object: the policy is evaluated without. None at all:
// parameterNotFoundAction lets it pass. BadRequest in upstream's words; whatever a conversion fails with. All outlives the task.
rt::Task<Result<std::vector<api::Object>>> collect_params(rt::Context ctx, const AdmissionDeps& deps, ParamsOf of);

}  // namespace pintle::apiserver::admission::policies
