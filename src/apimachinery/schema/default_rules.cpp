#include "apimachinery/schema/default_rules.h"

#include <optional>
#include <string_view>
#include <vector>

#include "apimachinery/schema/embedded_meta.h"
#include "apimachinery/schema/print.h"
#include "apimachinery/schema/prune.h"
#include "apimachinery/schema/structural_schema.h"
#include "apimachinery/schema/validate.h"
#include "codec/json.h"

namespace pintle::apimachinery::schema {
namespace {

using codec::Value;
using Props = api::apiextensions_v1::JSONSchemaProps;

// Takes the schema as it was given and as it was compiled side by side: compiling has pruned the defaults.
class DefaultRules {
 public:
  explicit DefaultRules(FieldErrors& errors) : errors_(errors) {}

  void visit(const Props& props, const Node& node, const FieldPath& path, bool is_root) {
    const Frame outer = frame_;
    if (is_root || node.embedded_resource) frame_ = {&node, {}, false};
    if (props.default_ && !props.default_->raw.empty() && node.default_value) check(*props.default_, node, path.child("default"));
    if (props.items && props.items->schema && node.items) enter(std::nullopt, *props.items->schema, *node.items, path.child("items"));
    // Defaults below additionalProperties are never taken, and not looked at.
    for (const auto& [name, property] : props.properties)
      if (const Node* declared = node.property(name)) {
        const bool is_meta = &node == frame_.object && (name == "metadata" || name == "apiVersion" || name == "kind");
        const bool before = frame_.in_meta;
        frame_.in_meta = before || is_meta;
        enter(name, property, *declared, path.child("properties").key(name));
        frame_.in_meta = before;
      }
    frame_ = outer;
  }

 private:
  // The object that a value belongs to: the root, or an embedded resource, and the way from there.
  struct Frame {
    const Node* object = nullptr;
    std::vector<std::optional<std::string_view>> way;  // nullopt: an item
    bool in_meta = false;
  };

  void enter(std::optional<std::string_view> step, const Props& props, const Node& node, const FieldPath& path) {
    frame_.way.push_back(step);
    visit(props, node, path, false);
    frame_.way.pop_back();
  }

  void check(const api::Json& raw, const Node& node, const FieldPath& path) {
    auto parsed = codec::parse_json(raw.raw);
    if (!parsed) return errors_.invalid(path, nullptr, "must be JSON");
    if (frame_.in_meta) return check_in_metadata(*parsed, node, path);
    Value pruned = *parsed;
    prune(pruned, &node, Position::Inside);
    if (pruned != *parsed) errors_.invalid(path, bad_value(*parsed), "must not have unknown fields");
    Value coerced = *parsed;
    if (const auto done = coerce_embedded(coerced, &node, {}); !done) return errors_.invalid(path, bad_value(*parsed), done.error().message);
    const std::size_t before = errors_.size();
    validate_embedded(node, coerced, path, errors_);
    if (errors_.size() == before) validate_value(node, coerced, path, errors_);
  }

  // With an object around it, its metadata must be one.
  void check_in_metadata(const Value& value, const Node& node, const FieldPath& path) {
    Value around = value;
    for (auto step = frame_.way.rbegin(); step != frame_.way.rend(); ++step) {
      Value holder;
      if (*step) {
        holder[**step] = std::move(around);
      } else {
        holder = Value::Array{std::move(around)};
      }
      around = std::move(holder);
    }
    for (const std::string_view name : {"apiVersion", "kind"})
      if (around.find(name) == nullptr) around[name] = name == "kind" ? "Validation" : "validation/v1";
    FieldErrors found;
    if (const auto coerced = coerce_embedded(around, frame_.object, {.position = Position::Root}); !coerced)
      return errors_.invalid(path, bad_value(value), "must result in valid metadata: " + coerced.error().message);
    Node object = *frame_.object;
    object.embedded_resource = true;
    validate_embedded(object, around, FieldPath(), found);
    if (found.empty()) return validate_value(node, value, path, errors_);
    std::string all;
    for (const StatusCause& cause : found.causes()) all += (all.empty() ? "" : ", ") + cause.field + ": " + cause.message;
    errors_.invalid(path, bad_value(value), "must result in valid metadata: " + all);
  }

  FieldErrors& errors_;
  Frame frame_;
};

}  // namespace

Result<Unit> validate_defaults(const Props& schema, const FieldPath& path, FieldErrors& errors) {
  const auto compiled = StructuralSchema::compile(schema);
  if (!compiled) return Unexpected(compiled.error());
  DefaultRules(errors).visit(schema, (*compiled)->root(), path, true);
  return Unit{};
}

}  // namespace pintle::apimachinery::schema
