#include "apiserver/custom/shape.h"

#include "api/codec.h"
#include "apimachinery/cel/cost.h"
#include "apimachinery/schema/default.h"
#include "apimachinery/schema/embedded_meta.h"
#include "apimachinery/schema/prune.h"
#include "codec/json.h"

namespace pintle::apiserver::custom {

namespace schema = apimachinery::schema;
using api::CustomObject;

namespace {

// The largest object, of those that a step may read at all, whose rules are brief by their estimate; 0: none is.
std::size_t brief_object_bytes(const schema::Rules& rules) {
  for (std::size_t bytes = brief_object_bytes_max; bytes >= brief_object_bytes_min; bytes /= 2)
    if (rules.estimate(bytes) <= brief_rules_cost_max) return bytes;
  return 0;
}

}  // namespace

Shape::Shape(std::shared_ptr<const schema::StructuralSchema> compiled, const api::apiextensions_v1::CustomResourceDefinitionVersion& version,
             bool prune)
    : schema_(compiled),
      view_(compiled),
      columns_(version.additional_printer_columns),
      selectable_(version.selectable_fields),
      prune_(prune),
      has_rules_(schema::Rules::any(compiled->root())) {}

Result<std::shared_ptr<const Shape>> Shape::make(const api::apiextensions_v1::CustomResourceDefinitionVersion& version,
                                                 bool preserve_unknown_fields) {
  static const api::apiextensions_v1::JSONSchemaProps none;
  const bool given = version.schema && version.schema->open_apiv_3_schema;
  TRY_ASSIGN(auto compiled, schema::StructuralSchema::compile(given ? *version.schema->open_apiv_3_schema : none));
  return std::shared_ptr<const Shape>(new Shape(std::move(compiled), version, given && !preserve_unknown_fields));
}

const schema::Rules& Shape::rules() const {
  std::call_once(rules_compiled_, [this] {
    rules_ = std::make_unique<const schema::Rules>(root());
    brief_object_bytes_ = brief_object_bytes(*rules_);
  });
  return *rules_;
}

void Shape::judge(const codec::Value& object, const codec::Value* old, const apimachinery::cel::TimeZones* zones, FieldErrors& errors) const {
  uint64_t left = apimachinery::cel::runtime_cost_max;
  rules().validate(object, {.old = old, .ratcheting = old != nullptr, .zones = zones, .budget = &left}, errors);
  if (apimachinery::cel::runtime_cost_max - left > brief_rules_cost_max) brief_object_bytes_ = 0;
}

bool judging_takes_long(const registry::VersionShape* shape, std::size_t object_bytes) {
  const auto* custom = dynamic_cast<const Shape*>(shape);
  return custom != nullptr && custom->judging_takes_long(object_bytes);
}

Result<Unit> Shape::settle(api::Object& object, std::vector<std::string>* unknown) const {
  codec::Value& members = object.as<CustomObject>().rest.members;
  TRY(schema::coerce_embedded(members, &root(), {.position = schema::Position::Inside, .drop_invalid = unknown == nullptr}, unknown));
  if (prune_) schema::prune(members, &root(), schema::Position::Root, unknown);
  schema::drop_nulls(members, &root());
  return schema::fill_defaults(members, &root());
}

Result<Unit> Shape::settle_applied(api::Object& object) const {
  codec::Value& members = object.as<CustomObject>().rest.members;
  TRY(schema::coerce_embedded(members, &root(), {.position = schema::Position::Inside, .drop_invalid = true}, nullptr));
  if (prune_) schema::prune(members, &root(), schema::Position::Root, nullptr);
  schema::drop_nulls(members, &root(), schema::Nulls::Valid);
  return schema::fill_defaults(members, &root());
}

Result<Unit> Shape::settle_admitted(api::Object& object) const {
  codec::Value& members = object.as<CustomObject>().rest.members;
  TRY(schema::coerce_embedded(members, &root(), {.position = schema::Position::Inside, .drop_invalid = true}, nullptr));
  schema::drop_nulls(members, &root());
  return schema::fill_defaults(members, &root());
}

void Shape::prune(api::Object& object) const {
  if (prune_) schema::prune(object.as<CustomObject>().rest.members, &root(), schema::Position::Root, nullptr);
}

Result<Unit> Shape::settle_converted(api::Object& object) const {
  codec::Value& members = object.as<CustomObject>().rest.members;
  TRY(schema::coerce_embedded(members, &root(), {.position = schema::Position::Inside, .drop_invalid = false}, nullptr));
  if (prune_) schema::prune(members, &root(), schema::Position::Root, nullptr);
  return Unit{};
}

std::vector<std::string> Shape::selectable_values(const api::Object& object) const {
  auto values = selectable_.values(object.as<CustomObject>().rest.members);
  return values ? std::move(*values) : std::vector<std::string>(selectable_.names().size());
}

std::string Shape::column_definitions() const {
  codec::Value::Array out;
  for (const schema::ColumnDefinition& column : columns_.definitions()) {
    codec::Value& made = out.emplace_back();
    made["name"] = column.name;
    made["type"] = column.type;
    made["format"] = column.format;
    made["description"] = column.description;
    made["priority"] = int64_t{column.priority};
  }
  return codec::to_json(codec::Value(std::move(out)));
}

void Shape::table_cells(const api::Object& object, registry::TableCells& cells) const {
  const codec::Value document = api::to_value(object.type(), object.data());
  cells.emplace_back(object.as<CustomObject>().metadata.name);
  const auto values = columns_.values(document);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string& type = columns_.definitions()[i + 1].type;
    if (values[i] == nullptr) {
      cells.emplace_back(codec::Value());
    } else if (const auto time = type == "date" && values[i]->is_string() ? api::parse_time(values[i]->as_string()) : bad_request("no date")) {
      cells.push_back(registry::TableCell::age(*time));
    } else {
      cells.emplace_back(schema::cell_of(type, *values[i], {}));
    }
  }
}

codec::Value document_of(const api::Object& object, const api::GroupVersionKind& kind) { return api::to_value(object.type(), object.data(), &kind); }

}  // namespace pintle::apiserver::custom
