// additionalPrinterColumns: compiled once, then a row of cells an object.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/gen/apiextensions_v1.h"
#include "api/values.h"
#include "apimachinery/schema/json_path.h"
#include "codec/value.h"

namespace pintle::apimachinery::schema {

struct ColumnDefinition {
  std::string name, type, format, description;
  int32_t priority = 0;
};

class Columns {
 public:
  // Without columns of its own, a definition shows the age. A path that cannot be read ends the list there, as upstream's printer does;
  // whoever creates a definition is to refuse it (JsonPath::compile).
  explicit Columns(const std::vector<api::apiextensions_v1::CustomResourceColumnDefinition>& columns);
  Columns(Columns&&) noexcept = default;

  // "Name" first.
  const std::vector<ColumnDefinition>& definitions() const { return definitions_; }
  // What each definition but the first finds; nullptr: nothing.
  std::vector<const codec::Value*> values(const codec::Value& object) const;
  // One for each definition: the name, then null where there is nothing of the column's type. Dates become ages at `now`.
  std::vector<codec::Value> cells(const codec::Value& object, const api::Time& now) const;

 private:
  std::vector<ColumnDefinition> definitions_;
  std::vector<JsonPath> paths_;  // of definitions_[1...]
};

// What a cell of the type shows for a value.
codec::Value cell_of(std::string_view type, const codec::Value& value, const api::Time& now);

}  // namespace pintle::apimachinery::schema
