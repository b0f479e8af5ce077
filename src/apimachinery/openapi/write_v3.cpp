#include "apimachinery/openapi/write_v3.h"

#include "apimachinery/openapi/schemas.h"

namespace pintle::apimachinery::openapi {
namespace {

using codec::Value;

Value schema_of(const Body& body) {
  Value schema;
  if (body.type != nullptr) {
    schema["$ref"] = reference(Dialect::V3, body.type->openapi_name);
  } else if (!body.named.empty()) {
    schema["$ref"] = reference(Dialect::V3, body.named);
  } else {
    schema["type"] = "string";
  }
  return schema;
}

Value content_of(const Body& body, const std::vector<std::string_view>& media_types) {
  Value content;
  for (const std::string_view media_type : media_types) content[media_type]["schema"] = schema_of(body);
  return content;
}

Value parameter_of(const Parameter& parameter) {
  Value out;
  out["name"] = parameter.name;
  out["in"] = parameter.in_path ? "path" : "query";
  if (!parameter.description.empty()) out["description"] = parameter.description;
  if (parameter.in_path) out["required"] = true;
  out["schema"]["type"] = parameter.type;
  out["schema"]["uniqueItems"] = true;
  return out;
}

Value parameters_of(const std::vector<Parameter>& parameters) {
  Value::Array list;
  for (const Parameter& parameter : parameters) list.push_back(parameter_of(parameter));
  return list;
}

std::string_view description_of(std::string_view code) {
  if (code == "201") return "Created";
  return code == "202" ? "Accepted" : "OK";
}

Value operation_of(const Operation& op) {
  Value out;
  out["tags"] = Value::Array{op.tag};
  out["description"] = op.description;
  out["operationId"] = op.id;
  if (!op.parameters.empty()) out["parameters"] = parameters_of(op.parameters);
  if (!op.body.none) {
    out["requestBody"]["content"] = content_of(op.body, op.consumes);
    if (op.body_required) out["requestBody"]["required"] = true;
  }
  for (const auto& [code, body] : op.responses) {
    out["responses"][code]["description"] = description_of(code);
    out["responses"][code]["content"] = content_of(body, op.produces);
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

Value v3_path(const PathItem& item) {
  Value out = Value::Object{};
  for (const Operation& op : item.operations) out[op.method] = operation_of(op);
  if (!item.parameters.empty()) out["parameters"] = parameters_of(item.parameters);
  return out;
}

}  // namespace pintle::apimachinery::openapi
