// The simple paths of a definition (.spec.replicas): those of the scale subresource and of selectable fields.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/apiextensions_v1.h"
#include "apimachinery/schema/json_path.h"
#include "apimachinery/validation/field_errors.h"
#include "base/status.h"
#include "codec/value.h"

namespace pintle::apimachinery::schema {

// Names separated by dots, after an optional first dot.
class SimplePath {
 public:
  explicit SimplePath(std::string_view text);
  std::string_view text() const { return text_; }
  const std::vector<std::string>& names() const { return names_; }
  // nullptr where a member is missing; Invalid where something on the way is no object.
  Result<const codec::Value*> find(const codec::Value& object) const;
  // Members on the way are made where missing; Invalid where something on the way is no object.
  Result<Unit> set(codec::Value& object, codec::Value value) const;

 private:
  std::string text_;
  std::vector<std::string> names_;
};

class ScalePaths {
 public:
  explicit ScalePaths(const api::apiextensions_v1::CustomResourceSubresourceScale& scale);
  const SimplePath& spec_replicas() const { return spec_replicas_; }
  const SimplePath& status_replicas() const { return status_replicas_; }
  const std::optional<SimplePath>& label_selector() const { return label_selector_; }

  // What stands at the paths is a number of replicas (0 to 2^31-1) or missing, and text. Invalid: it is something else.
  Result<std::optional<int64_t>> read_spec_replicas(const codec::Value& object) const;
  Result<std::optional<int64_t>> read_status_replicas(const codec::Value& object) const;
  Result<std::string> read_selector(const codec::Value& object) const;

  void validate_spec(const codec::Value& object, FieldErrors& errors) const;
  void validate_status(const codec::Value& object, FieldErrors& errors) const;

 private:
  SimplePath spec_replicas_, status_replicas_;
  std::optional<SimplePath> label_selector_;
};

class SelectableFields {
 public:
  explicit SelectableFields(const std::vector<api::apiextensions_v1::SelectableField>& fields);
  SelectableFields(SelectableFields&&) noexcept = default;
  // As field selectors name them: "spec.color".
  const std::vector<std::string>& names() const { return names_; }
  // The text of each; "" for what is missing or null.
  Result<std::vector<std::string>> values(const codec::Value& object) const;

 private:
  std::vector<std::string> names_;
  std::vector<Result<JsonPath>> paths_;
};

}  // namespace pintle::apimachinery::schema
