#include "apimachinery/validation/schema_rules.h"

#include <re2/re2.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "api/codec.h"
#include "api/json_encode.h"
#include "apimachinery/validation/formats.h"
#include "codec/json.h"

namespace pintle::apimachinery {
namespace {

using api::Kind;

// True if a value of the type has anything to check, itself or below.
class Worth {
 public:
  static bool visiting(const api::Type& type) {
    thread_local std::unordered_map<const api::Type*, bool> known;
    const auto [it, fresh] = known.try_emplace(&type, false);
    if (fresh) {
      Worth search;
      it->second = search.find(type);
    }
    return it->second;
  }

 private:
  bool find(const api::Type& type) {
    if (!seen_.insert(&type).second) return false;
    if (type.enum_closed) return true;
    if (type.elem != nullptr && find(*type.elem)) return true;
    if (type.kind != Kind::Struct) return false;
    return std::ranges::any_of(type.fields, [&](const api::Field& field) {
      return field.required || field.constraints != nullptr || field.list_kind == api::ListKind::Set || find(*field.type);
    });
  }
  std::unordered_set<const api::Type*> seen_;
};

BadValue shown(const api::Type& type, const void* at) {
  std::string json;
  api::write_json(type, at, json);
  return BadValue::raw(std::move(json));
}

bool matches_pattern(std::string_view text, std::string_view pattern) {
  thread_local std::unordered_map<std::string_view, std::unique_ptr<re2::RE2>> compiled;  // patterns live for ever
  auto& regex = compiled[pattern];
  if (!regex) regex = std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), re2::RE2::Quiet);
  return !regex->ok() || re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *regex);
}

void check_string(const std::string& text, const api::Constraints& rules, const FieldPath& path, FieldErrors& errors) {
  if (rules.max_length >= 0 && text.size() > static_cast<std::size_t>(rules.max_length))
    errors.too_long(path, static_cast<std::size_t>(rules.max_length));
  if (text.empty()) return;
  if (const FormatCheck check = find_format(rules.format)) errors.invalid_all(path, text, check(text));
  if (!rules.pattern.empty() && !matches_pattern(text, rules.pattern)) errors.invalid(path, text, "must match " + std::string(rules.pattern));
}

void check_number(int64_t number, const api::Constraints& rules, const FieldPath& path, FieldErrors& errors) {
  if (rules.minimum != INT64_MIN && rules.maximum != INT64_MAX) {
    errors.invalid_all(path, number, check_in_range(number, rules.minimum, rules.maximum));
  } else if (number < rules.minimum) {
    errors.invalid(path, number, "must be greater than or equal to " + std::to_string(rules.minimum));
  } else if (number > rules.maximum) {
    errors.invalid(path, number, "must be less than or equal to " + std::to_string(rules.maximum));
  }
}

void check_constraints(const api::Type& type, const void* at, const api::Constraints& rules, const FieldPath& path, FieldErrors& errors) {
  switch (type.kind) {
    case Kind::String: check_string(*static_cast<const std::string*>(at), rules, path, errors); return;
    case Kind::Int32: check_number(*static_cast<const int32_t*>(at), rules, path, errors); return;
    case Kind::Int64: check_number(*static_cast<const int64_t*>(at), rules, path, errors); return;
    case Kind::List: {
      const std::size_t n = type.list->size(at);
      if (rules.max_items >= 0 && n > static_cast<std::size_t>(rules.max_items)) errors.too_many(path, n, static_cast<std::size_t>(rules.max_items));
      return;
    }
    case Kind::Map:
      if (rules.max_items >= 0 && type.map->size(at) > static_cast<std::size_t>(rules.max_items))
        errors.too_many(path, type.map->size(at), static_cast<std::size_t>(rules.max_items));
      return;
    default: return;
  }
}

void check_set(const api::Type& type, const void* list, const FieldPath& path, FieldErrors& errors) {
  std::unordered_set<std::string> seen;
  for (std::size_t i = 0; i < type.list->size(list); ++i) {
    const void* item = type.list->at(const_cast<void*>(list), i);
    std::string json;
    api::write_json(*type.elem, item, json);
    if (!seen.insert(json).second) errors.duplicate(path.index(i), BadValue::raw(std::move(json)));
  }
}

void visit(const api::Type& type, const void* at, const FieldPath& path, FieldErrors& errors);

void visit_field(const api::Field& field, const void* object, const FieldPath& path, FieldErrors& errors) {
  const void* at = api::field_address(object, field);
  if (api::is_empty(*field.type, at)) {
    if (field.required) errors.required(path.child(field.name));
    return;
  }
  const api::Type* type = field.type;
  while (type->pointer != nullptr) {
    at = type->pointer->get(const_cast<void*>(at));
    if (at == nullptr) return;
    type = type->elem;
  }
  const bool worth = Worth::visiting(*type);
  if (!worth && field.constraints == nullptr && field.list_kind != api::ListKind::Set) return;
  const FieldPath here = path.child(field.name);
  if (field.constraints != nullptr) check_constraints(*type, at, *field.constraints, here, errors);
  if (field.list_kind == api::ListKind::Set && type->kind == Kind::List) check_set(*type, at, here, errors);
  if (worth) visit(*type, at, here, errors);
}

void visit(const api::Type& type, const void* at, const FieldPath& path, FieldErrors& errors) {
  if (type.pointer != nullptr) {
    const void* target = type.pointer->get(const_cast<void*>(at));
    if (target != nullptr) visit(*type.elem, target, path, errors);
    return;
  }
  switch (type.kind) {
    case Kind::String: {
      const std::string& text = *static_cast<const std::string*>(at);
      if (type.enum_closed && !text.empty() && std::ranges::find(type.enum_values, text) == type.enum_values.end())
        errors.not_supported(path, text, type.enum_values);
      return;
    }
    case Kind::Struct:
      for (const api::Field& field : type.fields) visit_field(field, at, path, errors);
      return;
    case Kind::List:
      for (std::size_t i = 0; i < type.list->size(at); ++i) visit(*type.elem, type.list->at(const_cast<void*>(at), i), path.index(i), errors);
      return;
    case Kind::Map:
      for (std::size_t i = 0; i < type.map->size(at); ++i)
        visit(*type.elem, type.map->value_at(const_cast<void*>(at), i), path.key(type.map->key_at(at, i)), errors);
      return;
    default: return;
  }
}

bool is_root_metadata(const api::Field& field) { return field.name == "metadata" && field.type->name == "meta/v1.ObjectMeta"; }

void visit_update(const api::Type& type, const void* object, const void* old, const FieldPath& path, FieldErrors& errors) {
  for (const api::Field& field : type.fields) {
    if (path.empty() && is_root_metadata(field)) continue;
    const void* at = api::field_address(object, field);
    const void* before = api::field_address(old, field);
    if (field.immutable) {
      if (!api::equal(*field.type, at, before)) errors.invalid(path.child(field.name), shown(*field.type, at), "field is immutable");
      continue;
    }
    const api::Type* inner = field.type;
    while (inner->pointer != nullptr && at != nullptr && before != nullptr) {
      at = inner->pointer->get(const_cast<void*>(at));
      before = inner->pointer->get(const_cast<void*>(before));
      inner = inner->elem;
    }
    if (inner->kind == Kind::Struct && at != nullptr && before != nullptr) visit_update(*inner, at, before, path.child(field.name), errors);
  }
}

}  // namespace

void validate_schema(const api::Type& type, const void* object, FieldErrors& errors) {
  const FieldPath root;
  for (const api::Field& field : type.fields)
    if (!is_root_metadata(field) && field.name != "status") visit_field(field, object, root, errors);
}

void validate_schema_update(const api::Type& type, const void* object, const void* old, FieldErrors& errors) {
  visit_update(type, object, old, FieldPath(), errors);
}

}  // namespace pintle::apimachinery
