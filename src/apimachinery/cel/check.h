// What is wrong with an expression before it is ever evaluated: syntax, names that nobody declared, a result that can
// never be of the type asked for. Types of fields are not known here: what they bring is taken to fit.
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

// BadRequest with a sentence on the first fault.
Result<Unit> check(std::string_view expression, const Scope& environment);

}  // namespace pintle::apimachinery::cel
