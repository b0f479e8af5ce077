// MutatingPolicy: the expressions of a MutatingAdmissionPolicy, and the patches that they make for one request. No I/O.
#pragma once

#include <optional>
#include <vector>

#include "apiserver/admission/policies/policy.h"
#include "codec/value.h"
#include "rt/task.h"

namespace pintle::apiserver::admission::policies {

// What one mutation wants done to the object.
struct Patch {
  enum class Kind : uint8_t { ApplyConfiguration, JsonPatch } kind = Kind::ApplyConfiguration;
  codec::Value document;  // the object to merge, or the operations of RFC 6902
};

// Immutable, thread-safe.
class MutatingPolicy {
 public:
  explicit MutatingPolicy(const v1::MutatingAdmissionPolicy& policy);

  bool reinvocable() const { return reinvocable_; }
  std::size_t mutations() const { return mutations_.size(); }
  // nullopt, here and below: `decisions` lacks an answer, or `pace` allows no more (begin_again.h). BadRequest: why a condition failed, in
  // upstream's words. Timeout or Cancelled: the request is over. All but the context outlives the task.
  rt::Task<std::optional<Result<bool>>> matches(rt::Context ctx, const expressions::Subject& subject, expressions::AccessDecisions& decisions,
                                                expressions::Pace pace) const;
  rt::Task<std::optional<Result<Patch>>> patch(std::size_t mutation, rt::Context ctx, const expressions::Subject& subject,
                                               expressions::AccessDecisions& decisions, expressions::Pace pace) const;

 private:
  struct Mutation {
    Patch::Kind kind;
    expressions::Expression expression;
  };
  bool reinvocable_;
  Preamble preamble_;
  std::vector<Mutation> mutations_;
};

}  // namespace pintle::apiserver::admission::policies
