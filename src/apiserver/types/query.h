// Query: the parameters of a request's URL, decoded as Go's url.ParseQuery does (a broken escape drops the parameter).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace pintle::apiserver {

class Query {
 public:
  static Query parse(std::string_view text);
  // The first value, or "".
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  std::vector<std::string_view> get_all(std::string_view name) const;

  // Numbers and booleans in the forms that upstream's parameter codec takes. A boolean is false only for "false", "0"
  // (and absence). BadRequest for text that is no integer.
  Result<std::optional<int64_t>> integer(std::string_view name) const;
  bool boolean(std::string_view name) const;
  std::optional<bool> optional_boolean(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

}  // namespace pintle::apiserver
