// RuleTypes: what expressions see of a schema's values, with the sizes that their costs are estimated by. Source: upstream's declarations of
// structural schemas; definitions are accepted or refused by these numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apimachinery/cel/type.h"
#include "apimachinery/schema/structural_schema.h"

namespace pintle::apimachinery::schema {

// How CEL names a property; "" for one that it cannot.
std::string escaped_name(std::string_view name);

// Nodes live as long as this; types as long as the shared pool of types().
class RuleTypes {
 public:
  struct Declared {
    cel::TypeRef type = nullptr;  // nullptr: expressions do not see such a value
    int64_t json_bytes_min = 0;   // of its shortest text
  };
  // `root`: it is the root of a custom resource.
  const Declared& of(const Node& node, bool root);
  // Of the shortest text of a value of a type that of() gave, or of a node that it was asked of; at least 1.
  uint64_t json_bytes_min(cel::TypeRef type) const;
  uint64_t json_bytes_min(const Node& node) const;

 private:
  Declared declare(const Node& node, bool root);
  Declared declare_object(const Node& node, bool root);
  Declared declare_text(const Node& node);
  cel::TypeRef sized(cel::TypeRef type, int64_t size_max);

  cel::TypePool types_;
  std::vector<std::unique_ptr<cel::FieldList>> fields_;
  std::unordered_map<const Node*, Declared> known_;
  std::unordered_map<cel::TypeRef, int64_t> bytes_;
};

}  // namespace pintle::apimachinery::schema
