// StructuralView: how server-side apply sees a structural schema: lists merge by their list type, objects member by member unless they
// are atomic, metadata (of the object and of embedded resources) as ObjectMeta does, and what is not declared as it comes.
#pragma once

#include <memory>

#include "apimachinery/apply/schema_view.h"
#include "apimachinery/schema/structural_schema.h"

namespace pintle::apimachinery::schema {

class StructuralView final : public SchemaView {
 public:
  explicit StructuralView(std::shared_ptr<const StructuralSchema> schema);
  SchemaNode root() const override;
  codec::Value empty_object() const override;
  Shape shape(SchemaNode node) const override;
  Holds holds(SchemaNode node) const override;
  bool open(SchemaNode object) const override;
  SchemaNode member(SchemaNode object, std::string_view name, bool& named) const override;
  SchemaNode element(SchemaNode list) const override;
  std::span<const std::string_view> keys(SchemaNode list) const override;
  codec::Value key_default(SchemaNode list, std::string_view key) const override;

 private:
  std::shared_ptr<const StructuralSchema> schema_;
  TypeSchema metadata_;
};

}  // namespace pintle::apimachinery::schema
