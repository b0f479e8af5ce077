#include "apimachinery/schema/scale.h"

#include <algorithm>

#include "apimachinery/schema/print.h"
#include "codec/go_type.h"

namespace pintle::apimachinery::schema {
namespace {

using codec::Value;

std::string upstream_path(const SimplePath& path) {
  std::string out;
  for (const std::string& name : path.names()) (out += '.') += name;
  return out;
}

Unexpected<Status> wrong_type(const std::string& at, const Value& value, std::string_view wanted) {
  const std::string shown = value.is_null() ? "<nil>" : print_value(value);
  return error(Reason::Invalid,
               at + " accessor error: " + shown + " is of the type " + std::string(codec::go_type(value)) + ", expected " + std::string(wanted));
}

Result<std::optional<int64_t>> read_replicas(const SimplePath& path, const Value& object) {
  TRY_ASSIGN(const Value* found, path.find(object));
  if (found == nullptr) return std::optional<int64_t>();
  if (!found->is_int()) return wrong_type(upstream_path(path), *found, "int64");
  return std::optional<int64_t>(found->as_int());
}

void validate_replicas(const SimplePath& path, const Value& object, FieldErrors& errors) {
  const FieldPath at(path.text());
  const auto replicas = read_replicas(path, object);
  if (!replicas) return errors.invalid(at, 0, replicas.error().message);
  const int64_t count = replicas->value_or(0);
  if (count < 0) errors.invalid(at, count, "should be a non-negative integer");
  if (count > INT32_MAX) errors.invalid(at, count, "should be less than or equal to " + std::to_string(INT32_MAX));
}

}  // namespace

SimplePath::SimplePath(std::string_view text) : text_(text) {
  if (text.starts_with('.')) text.remove_prefix(1);
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t dot = std::min(text.find('.', begin), text.size());
    names_.emplace_back(text.substr(begin, dot - begin));
    begin = dot + 1;
  }
}

Result<const Value*> SimplePath::find(const Value& object) const {
  const Value* at = &object;
  std::string path;
  for (const std::string& name : names_) {
    if (!at->is_object()) return wrong_type(path, *at, "map[string]interface {}");
    at = at->find(name);
    if (at == nullptr) return at;
    (path += '.') += name;
  }
  return at;
}

Result<Unit> SimplePath::set(Value& object, Value value) const {
  Value* at = &object;
  std::string path;
  for (const std::string& name : names_) {
    if (at->is_null()) *at = Value::Object{};
    if (!at->is_object()) return wrong_type(path, *at, "map[string]interface {}");
    at = &(*at)[name];
    (path += '.') += name;
  }
  *at = std::move(value);
  return Unit{};
}

ScalePaths::ScalePaths(const api::apiextensions_v1::CustomResourceSubresourceScale& scale)
    : spec_replicas_(scale.spec_replicas_path), status_replicas_(scale.status_replicas_path) {
  if (scale.label_selector_path && !scale.label_selector_path->empty()) label_selector_.emplace(*scale.label_selector_path);
}

Result<std::optional<int64_t>> ScalePaths::read_spec_replicas(const Value& object) const { return read_replicas(spec_replicas_, object); }
Result<std::optional<int64_t>> ScalePaths::read_status_replicas(const Value& object) const { return read_replicas(status_replicas_, object); }

Result<std::string> ScalePaths::read_selector(const Value& object) const {
  if (!label_selector_) return std::string();
  TRY_ASSIGN(const Value* found, label_selector_->find(object));
  if (found == nullptr) return std::string();
  if (!found->is_string()) return wrong_type(upstream_path(*label_selector_), *found, "string");
  return found->as_string();
}

void ScalePaths::validate_spec(const Value& object, FieldErrors& errors) const { validate_replicas(spec_replicas_, object, errors); }

void ScalePaths::validate_status(const Value& object, FieldErrors& errors) const {
  validate_replicas(status_replicas_, object, errors);
  if (const auto selector = read_selector(object); !selector) errors.invalid(FieldPath(label_selector_->text()), "", selector.error().message);
}

SelectableFields::SelectableFields(const std::vector<api::apiextensions_v1::SelectableField>& fields) {
  for (const auto& field : fields) {
    const std::string_view path = field.json_path;
    names_.emplace_back(path.starts_with('.') ? path.substr(1) : path);
    paths_.push_back(JsonPath::compile(path));
  }
}

Result<std::vector<std::string>> SelectableFields::values(const Value& object) const {
  std::vector<std::string> texts;
  for (const Result<JsonPath>& path : paths_) {
    if (!path) return internal("unexpected error parsing jsonPath: " + path.error().message);
    const auto found = path->find(object);
    if (!found) return internal("unexpected error finding value with jsonPath: " + found.error().message);
    if (found->size() > 1) return internal("unexpectedly received more than one JSON path result");
    const bool none = found->empty() || found->front()->is_null();
    texts.push_back(none ? std::string() : print_value(*found->front()));
  }
  return texts;
}

}  // namespace pintle::apimachinery::schema
