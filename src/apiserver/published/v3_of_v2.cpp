#include "apiserver/published/v3_of_v2.h"

#include <array>
#include <set>
#include <string>
#include <vector>

#include "apiserver/published/merge_v2.h"

namespace pintle::apiserver::published {
namespace {

using codec::Value;

constexpr std::string_view definition_reference = "#/definitions/", schema_reference = "#/components/schemas/", parameter_reference = "#/parameters/";
constexpr std::array<std::string_view, 7> methods{"get", "put", "post", "delete", "options", "head", "patch"};
// Members of a parameter that are not of its schema.
constexpr std::array<std::string_view, 6> own_members{"name", "in", "description", "required", "schema", "collectionFormat"};

template <std::size_t n>
bool among(const std::array<std::string_view, n>& all, std::string_view name) {
  return std::ranges::find(all, name) != all.end();
}

class Converter {
 public:
  explicit Converter(const Value& document) : document_(document) {}

  Value convert(std::string_view root) {
    const Value* paths = document_.find("paths");
    Value out_paths = Value::Object{};
    if (paths != nullptr && paths->is_object())
      for (const auto& [path, item] : paths->as_object())
        if (item.is_object() && lies_below(path, root) && ++members_ <= merged_members_max) out_paths[path] = item_of(item);
    if (out_paths.as_object().empty()) return {};
    Value out = Value::Object{};
    out["openapi"] = "3.0.0";
    const Value* info = document_.find("info");
    out["info"] = info != nullptr ? *info : Value(Value::Object{{"title", "Kubernetes"}, {"version", ""}});
    out["paths"] = std::move(out_paths);
    Value schemas = Value::Object{};
    while (!wanted_.empty()) {
      const std::string name = std::move(wanted_.back());
      wanted_.pop_back();
      if (const Value* definition = named("definitions", name)) schemas[name] = schema_of(*definition);
    }
    out["components"]["schemas"] = std::move(schemas);
    return out;
  }

 private:
  static bool lies_below(std::string_view path, std::string_view root) {
    return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
  }
  const Value* named(std::string_view section, std::string_view name) const {
    const Value* members = document_.find(section);
    return members != nullptr && members->is_object() ? members->find(name) : nullptr;
  }

  // The same, but for where its references lead.
  Value schema_of(const Value& from) {
    if (from.is_array()) {
      Value::Array out;
      for (const Value& one : from.as_array()) out.push_back(schema_of(one));
      return out;
    }
    if (!from.is_object()) return from;
    Value out = Value::Object{};
    for (const auto& [name, member] : from.as_object()) {
      const bool refers = name == "$ref" && member.is_string() && std::string_view(member.as_string()).starts_with(definition_reference);
      if (!refers) {
        out[name] = schema_of(member);
        continue;
      }
      const std::string target = member.as_string().substr(definition_reference.size());
      if (members_ < merged_members_max && seen_.insert(target).second) {
        ++members_;
        wanted_.push_back(target);
      }
      out[name] = std::string(schema_reference) + target;
    }
    return out;
  }

  // A parameter, wherever it stands; nullptr: what it refers to is not there.
  const Value* parameter(const Value& given) const {
    const std::string_view reference = given.is_object() ? given.string_at("$ref") : std::string_view();
    if (reference.empty()) return given.is_object() ? &given : nullptr;
    if (!reference.starts_with(parameter_reference)) return nullptr;
    const Value* found = named("parameters", reference.substr(parameter_reference.size()));
    return found != nullptr && found->is_object() ? found : nullptr;
  }
  Value parameter_of(const Value& given) {
    Value out = Value::Object{}, schema = Value::Object{};
    for (const auto& [name, member] : given.as_object()) {
      const bool own = among(own_members, name) || name.starts_with("x-");
      if (!own)
        schema[name] = schema_of(member);
      else if (name != "schema" && name != "collectionFormat")
        out[name] = member;
    }
    if (!schema.as_object().empty()) out["schema"] = std::move(schema);
    return out;
  }
  // Those of a path or an operation; the body apart.
  Value parameters_of(const Value& holder, const Value** body) {
    Value::Array out;
    const Value* given = holder.find("parameters");
    if (given == nullptr || !given->is_array()) return out;
    for (const Value& one : given->as_array()) {
      const Value* found = parameter(one);
      if (found == nullptr || found->string_at("in") == "formData") continue;
      if (found->string_at("in") == "body")
        *body = found;
      else
        out.push_back(parameter_of(*found));
    }
    return out;
  }

  // The media types that a list of the operation names, or of the document; of nothing: JSON.
  std::vector<std::string> types_of(const Value& operation, std::string_view list) const {
    const Value* given = operation.find(list);
    if (given == nullptr) given = document_.find(list);
    std::vector<std::string> out;
    if (given != nullptr && given->is_array())
      for (const Value& one : given->as_array())
        if (one.is_string()) out.push_back(one.as_string());
    if (out.empty()) out.emplace_back("application/json");
    return out;
  }
  Value content_of(const Value& operation, std::string_view list, const Value& schema) {
    Value out = Value::Object{};
    for (const std::string& type : types_of(operation, list)) out[type]["schema"] = schema_of(schema);
    return out;
  }

  Value responses_of(const Value& operation, const Value& responses) {
    Value out = Value::Object{};
    if (!responses.is_object()) return out;
    for (const auto& [code, response] : responses.as_object()) {
      if (!response.is_object()) continue;
      Value& made = out[code] = Value::Object{};
      made["description"] = response.string_at("description");
      if (const Value* schema = response.find("schema")) made["content"] = content_of(operation, "produces", *schema);
    }
    return out;
  }

  Value operation_of(const Value& operation, const Value* body) {
    Value out = Value::Object{};
    for (const auto& [name, member] : operation.as_object()) {
      const bool same = name == "tags" || name == "summary" || name == "description" || name == "externalDocs" || name == "operationId" ||
                        name == "deprecated" || name.starts_with("x-");
      if (same) out[name] = member;
      if (name == "responses") out[name] = responses_of(operation, member);
    }
    Value parameters = parameters_of(operation, &body);
    if (!parameters.as_array().empty()) out["parameters"] = std::move(parameters);
    if (body == nullptr) return out;
    Value& made = out["requestBody"] = Value::Object{};
    if (const std::string_view description = body->string_at("description"); !description.empty()) made["description"] = description;
    if (const Value* required = body->find("required")) made["required"] = *required;
    const Value* schema = body->find("schema");
    made["content"] = content_of(operation, "consumes", schema != nullptr ? *schema : Value(Value::Object{}));
    return out;
  }

  Value item_of(const Value& item) {
    Value out = Value::Object{};
    const Value* body = nullptr;  // of all its operations
    Value parameters = parameters_of(item, &body);
    for (const auto& [name, member] : item.as_object()) {
      if (among(methods, name) && member.is_object()) out[name] = operation_of(member, body);
      if (name.starts_with("x-")) out[name] = member;
    }
    if (!parameters.as_array().empty()) out["parameters"] = std::move(parameters);
    return out;
  }

  const Value& document_;
  std::size_t members_ = 0;
  std::set<std::string> seen_;
  std::vector<std::string> wanted_;  // schemas that something refers to
};

}  // namespace

Value v3_of_v2(const Value& document, std::string_view root) { return Converter(document).convert(root); }

}  // namespace pintle::apiserver::published
