// ValidatingPolicy: the expressions of a ValidatingAdmissionPolicy, and what they make of one request with one set of parameters. No I/O.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apiserver/admission/policies/policy.h"
#include "rt/clock.h"
#include "rt/task.h"

namespace pintle::apiserver::admission::policies {

constexpr std::size_t message_bytes_max = 5 << 10;            // a longer one that messageExpression makes is not used
constexpr std::size_t annotation_value_bytes_max = 10 << 10;  // then it is cut

// Of one validation; or of the policy as a whole, where it could not be evaluated.
struct Decision {
  bool deny = false;
  bool failed = false;  // to be evaluated; failurePolicy has decided
  std::string message;
  std::string reason;  // "": Invalid
  rt::Duration took{};
};

// Of one audit annotation that is to be written down, or whose failure denies the request.
struct Annotation {
  std::string key;
  std::string value;
  std::string error;  // "": none
};

struct Verdict {
  std::vector<Decision> decisions;
  std::vector<Annotation> annotations;
};

// Immutable, thread-safe.
class ValidatingPolicy {
 public:
  explicit ValidatingPolicy(const v1::ValidatingAdmissionPolicy& policy);

  // nullopt: `decisions` lacks an answer, or an expression takes longer than `pace` allows (begin_again.h). Timeout or Cancelled: the request is
  // over. `clock`: nullptr: nobody asks how long it took. Gives way to others after expressions that were dear. All but the context outlives the
  // task.
  rt::Task<std::optional<Result<Verdict>>> judge(rt::Context ctx, const expressions::Subject& subject, expressions::AccessDecisions& decisions,
                                                 expressions::Pace pace, const rt::Clock* clock = nullptr) const;

 private:
  struct Validation {
    expressions::Expression expression;
    std::optional<expressions::Expression> message_expression;
    std::string message, reason;
  };
  struct Judging;

  bool ignore_failure_;
  Preamble preamble_;
  std::vector<Validation> validations_;
  std::vector<expressions::NamedExpression> annotations_;
};

}  // namespace pintle::apiserver::admission::policies
