#include "apimachinery/schema/default_rules.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "apimachinery/schema/embedded_meta.h"
#include "apimachinery/schema/print.h"
#include "apimachinery/schema/prune.h"
#include "apimachinery/schema/rules.h"
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
  DefaultRules(const Node& root, const cel::TimeZones* zones, FieldErrors& errors) : root_(root), zones_(zones), errors_(errors) {}

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
    if (errors_.size() == before) check_value(node, coerced, path);
  }

  // Then by the rules: as a value that was there before, and as one that is new.
  void check_value(const Node& node, const Value& value, const FieldPath& path) {
    const std::size_t before = errors_.size();
    validate_value(node, value, path, errors_);
    if (errors_.size() != before || budget_ == 0) return;
    if (!rules_) rules_.emplace(root_);
    uint64_t again = budget_;
    rules_->validate(value, {.old = &value, .node = &node, .path = path, .zones = zones_, .budget = &budget_}, errors_);
    if (errors_.size() == before) rules_->validate(value, {.node = &node, .path = path, .zones = zones_, .budget = &again}, errors_);
    budget_ = std::min(budget_, again);
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
    if (found.empty()) return check_value(node, value, path);
    std::string all;
    for (const StatusCause& cause : found.causes()) all += (all.empty() ? "" : ", ") + cause.field + ": " + cause.message;
    errors_.invalid(path, bad_value(value), "must result in valid metadata: " + all);
  }

  const Node& root_;
  const cel::TimeZones* const zones_;
  FieldErrors& errors_;
  std::optional<Rules> rules_;  // all of the schema's, compiled at its first default
  Frame frame_;
  uint64_t budget_ = cel::runtime_cost_max;  // of all rules together
};

}  // namespace

void validate_defaults(const Props& schema, const Node& root, const cel::TimeZones* zones, const FieldPath& path, FieldErrors& errors) {
  DefaultRules(root, zones, errors).visit(schema, root, path, true);
}

}  // namespace pintle::apimachinery::schema
