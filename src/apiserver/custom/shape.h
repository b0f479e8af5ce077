// Shape: what the schema of a definition's version says of its objects.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "api/custom_object.h"
#include "api/gen/apiextensions_v1.h"
#include "apimachinery/schema/columns.h"
#include "apimachinery/schema/rules.h"
#include "apimachinery/schema/scale.h"
#include "apimachinery/schema/structural_schema.h"
#include "apimachinery/schema/structural_view.h"
#include "apiserver/registry/version_shape.h"
#include "apiserver/types/field_errors.h"

namespace pintle::apiserver::custom {

// What the rules of an object may cost, by upstream's counting (some 30 ns each), without being counted as long.
constexpr uint64_t brief_rules_cost_max = 500'000;
// The sizes of objects between which it is looked for how large one may be with brief rules.
constexpr std::size_t brief_object_bytes_min = 256;
constexpr std::size_t brief_object_bytes_max = 128 << 10;

class Shape final : public registry::VersionShape {
 public:
  // Invalid where the schema cannot be compiled. A version without one declares nothing and keeps everything.
  static Result<std::shared_ptr<const Shape>> make(const api::apiextensions_v1::CustomResourceDefinitionVersion& version,
                                                   bool preserve_unknown_fields);

  Result<Unit> settle(api::Object& object, std::vector<std::string>* unknown) const override;
  Result<Unit> settle_applied(api::Object& object) const override;
  Result<Unit> settle_admitted(api::Object& object) const override;
  void prune(api::Object& object) const override;
  Result<Unit> settle_converted(api::Object& object) const override;
  const apimachinery::SchemaView& schema_view() const override { return view_; }
  std::string column_definitions() const override;
  void table_cells(const api::Object& object, registry::TableCells& cells) const override;
  std::span<const std::string> selectable_fields() const override { return selectable_.names(); }
  std::vector<std::string> selectable_values(const api::Object& object) const override;

  const apimachinery::schema::Node& root() const { return schema_->root(); }
  // The same, which keeps the schema.
  std::shared_ptr<const apimachinery::schema::Node> shared_root() const { return {schema_, &schema_->root()}; }
  // Compiled at the first call: definitions of which no object is written cost nothing.
  const apimachinery::schema::Rules& rules() const;
  // By its rules, an object created or (with `old`) updated.
  void judge(const codec::Value& object, const codec::Value* old, const apimachinery::cel::TimeZones* zones, FieldErrors& errors) const;
  // Whether the rules may take long for an object that, with what was there before, is of so many bytes: work for a long executor, as upstream lets
  // them cost ten million. So they may until they are compiled, which is work of its own, and once they took long for any object.
  bool judging_takes_long(std::size_t object_bytes) const { return has_rules_ && object_bytes > brief_object_bytes_.load(std::memory_order_relaxed); }

 private:
  Shape(std::shared_ptr<const apimachinery::schema::StructuralSchema> schema, const api::apiextensions_v1::CustomResourceDefinitionVersion& version,
        bool prune);
  const std::shared_ptr<const apimachinery::schema::StructuralSchema> schema_;
  const apimachinery::schema::StructuralView view_;
  const apimachinery::schema::Columns columns_;
  const apimachinery::schema::SelectableFields selectable_;
  const bool prune_;
  const bool has_rules_;
  mutable std::atomic<std::size_t> brief_object_bytes_ = 0;  // of the largest object whose rules are known to be brief
  mutable std::once_flag rules_compiled_;
  mutable std::unique_ptr<const apimachinery::schema::Rules> rules_;
};

// Of the shape of a served version; nullptr: no custom resource's.
bool judging_takes_long(const registry::VersionShape* shape, std::size_t object_bytes);

// The whole object as a document, as schemas see it. `kind`: what it says it is.
codec::Value document_of(const api::Object& object, const api::GroupVersionKind& kind);

}  // namespace pintle::apiserver::custom
