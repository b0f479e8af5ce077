// What is wrong with an expression before it is ever evaluated, where all that is known are the names at its root: they are dyn.
// Whoever knows more builds an Environment.
#pragma once

#include <span>
#include <string_view>

#include "base/status.h"

namespace pintle::apimachinery::cel {

enum class ResultType : uint8_t { Any, Bool, String, StringOrNull, Object, List };

struct Scope {
  std::span<const std::string_view> variables;  // names at the root: "object", "request"
  ResultType wanted = ResultType::Any;
};

// BadRequest with all faults, as upstream words them.
Result<Unit> check(std::string_view expression, const Scope& scope);

}  // namespace pintle::apimachinery::cel
