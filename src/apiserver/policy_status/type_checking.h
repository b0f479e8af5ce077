// Type checking: the expressions of a validating policy against the schemas of the kinds that it matches, as status.typeChecking tells them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/gen/admissionregistration_v1.h"
#include "apiserver/policy_status/kind_types.h"

namespace pintle::apiserver::policy_status {

namespace v1 = api::admissionregistration_v1;

// A kind and what is known of it.
struct KnownKind {
  std::string group, version, kind;
  const api::Type* type = nullptr;                     // of a built-in one
  const apimachinery::schema::Node* schema = nullptr;  // of a custom one
  std::shared_ptr<const void> held;                    // keeps the schema
};

class KnownKinds {
 public:
  virtual ~KnownKinds() = default;
  // By the plural name of a resource. Upstream's mapper takes the group "" for any.
  virtual std::vector<KnownKind> of_resource(std::string_view group, std::string_view version, std::string_view resource) const = 0;
  virtual std::vector<KnownKind> of_kind(std::string_view group, std::string_view version, std::string_view kind) const = 0;
};

constexpr std::size_t kinds_checked_max = 10;  // of one rule; as upstream

// What upstream's controller writes to status.typeChecking.expressionWarnings, in its words.
std::vector<v1::ExpressionWarning> check_types(const v1::ValidatingAdmissionPolicy& policy, const KnownKinds& kinds);

}  // namespace pintle::apiserver::policy_status
