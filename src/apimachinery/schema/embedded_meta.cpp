#include "apimachinery/schema/embedded_meta.h"

#include <algorithm>

#include "api/codec.h"
#include "api/gen/meta_v1.h"
#include "apimachinery/schema/place.h"
#include "apimachinery/schema/print.h"
#include "apimachinery/schema/validate.h"
#include "apimachinery/validation/object_meta.h"
#include "base/strings.h"

namespace pintle::apimachinery::schema {
namespace {

using api::meta_v1::ObjectMeta;
using codec::Value;

// The schema of a member of an object and whether it is a map's key there.
struct Declared {
  const Node* node = nullptr;
  bool is_key = false;
};
Declared declared_in(const Node& schema, std::string_view name) {
  if (const Node* found = schema.property(name)) return {found, false};
  return {schema.additional, true};
}

class Coercer {
 public:
  Coercer(const CoerceOptions& options, std::vector<std::string>* unknown) : options_(options), unknown_(unknown) {}

  Result<Unit> visit(Value& value, const Node& schema, bool embedded, const Place& place) {
    if (value.is_array()) {
      if (schema.items == nullptr) return Unit{};
      for (std::size_t i = 0; i < value.as_array().size(); ++i)
        TRY(visit(value.as_array()[i], *schema.items, schema.items->embedded_resource, place.item(i)));
      return Unit{};
    }
    if (!value.is_object()) return Unit{};
    if (embedded) TRY(coerce(value, place));
    for (auto& [name, member] : value.as_object()) {
      const Declared declared = declared_in(schema, name);
      if (declared.node) TRY(visit(member, *declared.node, declared.node->embedded_resource, declared.is_key ? place.key(name) : place.child(name)));
    }
    return Unit{};
  }

  Result<Unit> coerce(Value& object, const Place& place) {
    for (const std::string_view name : {"apiVersion", "kind"}) {
      const Value* text = object.find(name);
      if (text == nullptr || text->is_string()) continue;
      if (!options_.drop_invalid) return refuse(place.child(name), *text, "must be a string");
      object.as_object().erase(name);
    }
    Value* metadata = object.find("metadata");
    if (metadata == nullptr) return Unit{};
    ObjectMeta meta;
    api::DecodeReport report;
    const auto strictness = unknown_ ? api::Strictness::Collect : api::Strictness::Ignore;
    if (const auto decoded = api::decode_value(*metadata, api::type_of<ObjectMeta>(), &meta, strictness, &report); !decoded) {
      if (!options_.drop_invalid) return refuse(place.child("metadata"), *metadata, decoded.error().message);
      if (!metadata->is_object()) return Unit{};
      meta = readable_fields(*metadata);
    }
    for (const std::string& problem : report.problems) record(problem, place);
    *metadata = api::to_value(api::type_of<ObjectMeta>(), &meta);
    if (meta.creation_timestamp.zero()) metadata->as_object().erase("creationTimestamp");
    return Unit{};
  }

 private:
  static ObjectMeta readable_fields(const Value& metadata) {
    Value readable = Value::Object{};
    for (const auto& [name, member] : metadata.as_object()) {
      Value alone;
      alone[name] = member;
      ObjectMeta probe;
      if (api::decode_value(alone, api::type_of<ObjectMeta>(), &probe)) readable[name] = member;
    }
    ObjectMeta meta;
    const auto decoded = api::decode_value(readable, api::type_of<ObjectMeta>(), &meta);
    return decoded ? meta : ObjectMeta();
  }

  // `unknown field "labels.x"` becomes a path of the whole object.
  void record(const std::string& problem, const Place& place) {
    if (unknown_ == nullptr || unknown_->size() >= pruned_paths_max) return;
    const std::size_t open = problem.find('"'), close = problem.rfind('"');
    if (open == std::string::npos || close <= open) return;
    unknown_->push_back(place.child("metadata").text() + "." + problem.substr(open + 1, close - open - 1));
  }

  static Unexpected<Status> refuse(const Place& place, const Value& value, const std::string& why) {
    return bad_request(place.text() + ": Invalid value: " + bad_value(value).shown() + ": " + why);
  }

  const CoerceOptions& options_;
  std::vector<std::string>* unknown_;
};

class EmbeddedValidator {
 public:
  EmbeddedValidator(const FieldPath& base, FieldErrors& errors) : base_text_(base.empty() ? "" : base.to_string()), errors_(errors) {}

  void visit(const Node& schema, const Value& value, const Place& place) {
    if (value.is_array()) {
      if (schema.items == nullptr) return;
      for (std::size_t i = 0; i < value.as_array().size(); ++i) visit(*schema.items, value.as_array()[i], place.item(i));
      return;
    }
    if (!value.is_object()) return;
    if (schema.embedded_resource) {
      const std::string text = place.text_under(base_text_);
      check(value, text.empty() ? FieldPath() : FieldPath(text));
    }
    for (const auto& [name, member] : value.as_object()) {
      const Declared declared = declared_in(schema, name);
      if (declared.node) visit(*declared.node, member, declared.is_key ? place.key(name) : place.child(name));
    }
  }

  void check(const Value& object, const FieldPath& path) {
    const Value *version = object.find("apiVersion"), *kind = object.find("kind"), *metadata = object.find("metadata");
    if (version == nullptr) errors_.required(path.child("apiVersion"));
    if (kind == nullptr) errors_.required(path.child("kind"));
    if (version) check_version(*version, path.child("apiVersion"));
    if (kind) check_kind(*kind, path.child("kind"));
    if (metadata) check_metadata(*metadata, path.child("metadata"));
  }

 private:
  void check_version(const Value& version, const FieldPath& path) {
    if (!version.is_string()) return errors_.invalid(path, bad_value(version), "must be a string");
    const std::string& text = version.as_string();
    if (text.empty()) return errors_.invalid(path, text, "must not be empty");
    if (std::ranges::count(text, '/') > 1) errors_.invalid(path, text, "unexpected GroupVersion string: " + text);
  }
  void check_kind(const Value& kind, const FieldPath& path) {
    if (!kind.is_string()) return errors_.invalid(path, bad_value(kind), "must be a string");
    const std::string& text = kind.as_string();
    if (text.empty()) return errors_.invalid(path, text, "must not be empty");
    const Faults faults = check_dns1035_label(to_lower(text));
    if (faults.empty()) return;
    std::string all;
    for (const std::string& fault : faults) all += (all.empty() ? "" : ",") + fault;
    errors_.invalid(path, text, "may have mixed case, but should otherwise match: " + all);
  }
  void check_metadata(const Value& metadata, const FieldPath& path) {
    ObjectMeta meta;
    if (const auto decoded = api::decode_value(metadata, api::type_of<ObjectMeta>(), &meta); !decoded)
      return errors_.invalid(path, bad_value(metadata), decoded.error().message);
    if (meta.name.empty()) meta.name = "unnamed";  // an embedded object need not have a name
    validate_object_meta(meta, !meta.namespace_.empty(), name_is_path_segment, path, errors_);
  }

  const std::string base_text_;
  FieldErrors& errors_;
};

}  // namespace

Result<Unit> coerce_embedded(Value& value, const Node* schema, const CoerceOptions& options, std::vector<std::string>* unknown) {
  static constexpr Node nothing{};
  const Node& declared = schema ? *schema : nothing;
  const std::size_t before = unknown ? unknown->size() : 0;
  TRY(Coercer(options, unknown).visit(value, declared, options.position == Position::Root || declared.embedded_resource, Place()));
  if (unknown) std::sort(unknown->begin() + static_cast<std::ptrdiff_t>(before), unknown->end());
  return Unit{};
}

void validate_embedded(const Node& schema, const Value& value, const FieldPath& path, FieldErrors& errors) {
  EmbeddedValidator(path, errors).visit(schema, value, Place());
}

}  // namespace pintle::apimachinery::schema
