// For tests of strategies: objects from YAML through the hooks of a write, and what comes of it as text.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "api/testing/from_yaml.h"
#include "apiserver/resources/resources.h"
#include "apiserver/types/request_scope.h"
#include "base/check.h"
#include "codec/value.h"
#include "codec/yaml.h"

namespace pintle::apiserver::resources::testing {

template <class T>
api::Object object_of(std::string_view yaml) {
  return api::Object::of(api::testing::from_yaml<T>(yaml));
}

inline const registry::ResourceDefinition& definition_of(std::string_view group, std::string_view resource) {
  static const Definitions all = builtin_resources({});
  for (const registry::ResourceDefinition& definition : all)
    if (definition.resource.group == group && definition.resource.resource == resource) return definition;
  CHECK(false, "no such resource");
}
// The strategy of the resource, or of its part ("status").
inline const registry::Strategy& strategy_of(std::string_view group, std::string_view resource, std::string_view part = "") {
  const registry::ResourceDefinition& definition = definition_of(group, resource);
  if (part.empty()) return *definition.strategy;
  for (const registry::PartSubresource& one : definition.parts)
    if (one.name == part) return *one.strategy;
  CHECK(false, "no such part");
}

// "Invalid spec.a; Forbidden spec.b": the causes, by type and field.
inline std::string text_of(const FieldErrors& errors) {
  std::string out;
  for (const auto& cause : errors.causes()) {
    constexpr std::string_view prefix = "FieldValue";
    const std::string type = cause.type.starts_with(prefix) ? cause.type.substr(prefix.size()) : cause.type;
    out += (out.empty() ? "" : "; ") + type + " " + cause.field;
  }
  return out;
}

// The object as a create leaves it before validation, and the causes of validation.
template <class T>
T created(const registry::Strategy& strategy, std::string_view yaml, std::string* causes = nullptr) {
  api::Object object = object_of<T>(yaml);
  const RequestScope scope;
  strategy.set_defaults(object);
  strategy.prepare_for_create(scope, object);
  FieldErrors errors;
  strategy.validate(scope, object, errors);
  if (causes != nullptr) *causes = text_of(errors);
  return object.as<T>();
}
// The same for an update of an object that was `before`.
template <class T>
T updated(const registry::Strategy& strategy, std::string_view before, std::string_view after, std::string* causes = nullptr) {
  api::Object old = object_of<T>(before), object = object_of<T>(after);
  const RequestScope scope;
  strategy.set_defaults(old);
  strategy.set_defaults(object);
  strategy.prepare_for_update(scope, object, old);
  FieldErrors errors;
  if (strategy.validate_update_includes_validate()) strategy.validate(scope, object, errors);
  strategy.validate_update(scope, object, old, errors);
  if (causes != nullptr) *causes = text_of(errors);
  return object.as<T>();
}

// "a | b": the cells of the row; an age is "<age>".
template <class T>
std::string row_of(const registry::Strategy& strategy, std::string_view yaml) {
  registry::TableCells cells;
  strategy.table_cells(object_of<T>(yaml), cells);
  std::string out;
  for (const registry::TableCell& cell : cells) {
    std::string text;
    if (cell.is_age) {
      text = cell.before_age + "<age>" + cell.after_age;
    } else {
      text = codec::to_yaml(cell.value);
      while (text.ends_with('\n')) text.pop_back();
    }
    out += (out.empty() ? "" : " | ") + text;
  }
  return out;
}

}  // namespace pintle::apiserver::resources::testing
