#include "apimachinery/openapi/write_v2.h"

#include "apimachinery/openapi/parameters.h"
#include "apimachinery/openapi/schemas.h"

namespace pintle::apimachinery::openapi {
namespace {

using codec::Value;

Value schema_of(const Body& body) {
  Value schema;
  if (body.type != nullptr) {
    schema["$ref"] = reference(Dialect::V2, body.type->openapi_name);
  } else if (!body.named.empty()) {
    schema["$ref"] = reference(Dialect::V2, body.named);
  } else {
    schema["type"] = "string";
  }
  return schema;
}

Value strings_of(const std::vector<std::string_view>& items) {
  Value::Array list;
  for (const std::string_view item : items) list.push_back(item);
  return list;
}

Value parameter_or_reference(const Parameter& parameter) {
  if (!is_common(parameter)) return v2_parameter(parameter);
  Value out;
  out["$ref"] = "#/parameters/" + parameter.name;
  return out;
}

Value operation_of(const Operation& op) {
  Value out;
  out["tags"] = Value::Array{op.tag};
  out["description"] = op.description;
  out["operationId"] = op.id;
  out["consumes"] = strings_of(op.consumes);
  out["produces"] = strings_of(op.produces);
  out["schemes"] = Value::Array{"https"};
  Value::Array parameters;
  if (!op.body.none) {
    Value body;
    body["name"] = "body";
    body["in"] = "body";
    if (op.body_required) body["required"] = true;
    body["schema"] = schema_of(op.body);
    parameters.push_back(std::move(body));
  }
  for (const Parameter& parameter : op.parameters) parameters.push_back(parameter_or_reference(parameter));
  if (!parameters.empty()) out["parameters"] = std::move(parameters);
  for (const auto& [code, body] : op.responses) {
    out["responses"][code]["description"] = code == "201" ? "Created" : code == "202" ? "Accepted" : "OK";
    out["responses"][code]["schema"] = schema_of(body);
  }
  out["responses"]["401"]["description"] = "Unauthorized";
  if (!op.action.empty()) {
    out["x-kubernetes-action"] = op.action;
    Value& kind = out["x-kubernetes-group-version-kind"];
    kind["group"] = op.kind.group;
    kind["version"] = op.kind.version;
    kind["kind"] = op.kind.kind;
  }
  return out;
}

}  // namespace

Value v2_parameter(const Parameter& parameter) {
  Value out;
  out["name"] = parameter.name;
  out["in"] = parameter.in_path ? "path" : "query";
  if (!parameter.description.empty()) out["description"] = parameter.description;
  if (parameter.in_path) out["required"] = true;
  out["type"] = parameter.type;
  out["uniqueItems"] = true;
  return out;
}

Value v2_path(const PathItem& item) {
  Value out = Value::Object{};
  for (const Operation& op : item.operations) out[op.method] = operation_of(op);
  if (!item.parameters.empty()) {
    Value::Array parameters;
    for (const Parameter& parameter : item.parameters) parameters.push_back(parameter_or_reference(parameter));
    out["parameters"] = std::move(parameters);
  }
  return out;
}

}  // namespace pintle::apimachinery::openapi
