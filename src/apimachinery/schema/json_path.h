// JSONPath as kubectl and additionalPrinterColumns write it: .spec.ports[0].name, .a['b\.c'], .items[*], .items[-1:], .items[0,2],
// .conditions[?(@.type=="Ready")].status, ..image. Compiled once; immutable.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "codec/value.h"

namespace pintle::apimachinery::schema {

constexpr std::size_t json_path_steps_max = 256;          // of one path; beyond it the path is refused
constexpr std::size_t json_path_results_max = 1'000'000;  // values looked at for one path; beyond it the path yields an error

class JsonPath {
 public:
  // Without the braces around it. BadRequest says what is wrong.
  static Result<JsonPath> compile(std::string_view text);
  JsonPath(JsonPath&&) noexcept;
  JsonPath& operator=(JsonPath&&) noexcept;
  ~JsonPath();

  // Places in `document` (or in the path itself, for a literal) in document order. Missing members yield nothing; an index out of range
  // and a filter on what is no list are errors.
  Result<std::vector<const codec::Value*>> find(const codec::Value& document) const;

  struct Step;

 private:
  friend struct JsonPathAccess;
  JsonPath();
  std::vector<Step> steps_;
};

}  // namespace pintle::apimachinery::schema
