// The `authorizer` of expressions: who may do what, asked while an expression runs. Answers may take time, and evaluation never waits: an
// AccessDecisions that has no answer yet says so, the evaluation ends with Failure::Pending, the caller fetches what was asked for and
// evaluates again, with the answer at hand. Expressions have no effects, so running one twice is harmless; at most two checks fit into the
// cost of one call.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "apimachinery/cel/value.h"

namespace pintle::apimachinery::cel {

// What is asked. For the URL of a non-resource request only user, verb and path are set.
struct AccessQuestion {
  std::string_view service_account_namespace, service_account_name;  // ""/"": the user of the request
  std::string_view path;
  std::string_view verb, group, version = "*", resource, subresource, namespace_name, name;
  std::string_view field_selector, label_selector;
};
struct AccessAnswer {
  enum class Kind : uint8_t { Allowed, Denied, NoOpinion } kind = Kind::NoOpinion;
  std::string reason;
  std::string error;  // "" : none
};

class AccessDecisions {
 public:
  // nullopt: not known yet; the implementation notes the question.
  virtual std::optional<AccessAnswer> decide(const AccessQuestion& question) = 0;

 protected:
  ~AccessDecisions() = default;
};

// The value of `authorizer`, of types::authorizer. `decisions` outlives the evaluation.
Value authorizer_value(AccessDecisions& decisions, Arena& arena);
// That of `authorizer.requestResource`, which asks about the request's own resource.
Value resource_check_value(AccessDecisions& decisions, const AccessQuestion& question, Arena& arena);

}  // namespace pintle::apimachinery::cel
