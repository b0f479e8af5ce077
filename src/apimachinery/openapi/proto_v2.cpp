// The protobuf form of a version 2 document. The field numbers are those of gnostic's openapiv2/OpenAPIv2.proto; what
// holds any value (vendor extensions, enums, defaults) is carried as YAML text, of which JSON is a part.
#include <string>

#include "apimachinery/openapi/documents.h"
#include "apimachinery/openapi/proto_fields.h"
#include "apimachinery/openapi/write_v2.h"
#include "codec/json.h"

namespace pintle::apimachinery::openapi {
namespace {

using codec::Value;

std::string any_of(const Value& value) {
  std::string out;
  put_bytes(out, 2, codec::to_json(value) + "\n");
  return out;
}

void put_extensions(std::string& out, uint32_t number, const Value& object) {
  for (const auto& [key, value] : object.as_object())
    if (key.starts_with("x-")) put_named(out, number, key, any_of(value));
}

std::string schema_message(const Value& schema);

void put_restrictions(std::string& out, const Value& schema) {
  put_double(out, 6, schema.find("multipleOf"));
  put_double(out, 7, schema.find("maximum"));
  put_true(out, 8, schema.find("exclusiveMaximum"));
  put_double(out, 9, schema.find("minimum"));
  put_true(out, 10, schema.find("exclusiveMinimum"));
  put_integer(out, 11, schema.find("maxLength"));
  put_integer(out, 12, schema.find("minLength"));
  put_text(out, 13, schema.string_at("pattern"));
  put_integer(out, 14, schema.find("maxItems"));
  put_integer(out, 15, schema.find("minItems"));
  put_true(out, 16, schema.find("uniqueItems"));
  put_integer(out, 17, schema.find("maxProperties"));
  put_integer(out, 18, schema.find("minProperties"));
}

// A schema within a message of its own, whose field 1 it is.
void put_schema_item(std::string& out, uint32_t number, const Value& schema) {
  std::string item;
  put_bytes(item, 1, schema_message(schema));
  put_bytes(out, number, item);
}

void put_additional(std::string& out, const Value* additional) {
  if (additional == nullptr) return;
  if (!additional->is_bool()) return put_schema_item(out, 21, *additional);
  std::string item;
  put_varint(item, 2 << 3);
  item += additional->as_bool() ? '\1' : '\0';
  put_bytes(out, 21, item);
}

std::string schema_message(const Value& schema) {
  std::string out;
  put_text(out, 1, schema.string_at("$ref"));
  put_text(out, 2, schema.string_at("format"));
  put_text(out, 3, schema.string_at("title"));
  put_text(out, 4, schema.string_at("description"));
  if (const Value* value = schema.find("default")) put_bytes(out, 5, any_of(*value));
  put_restrictions(out, schema);
  put_texts(out, 19, schema.find("required"));
  if (const Value* values = schema.find("enum"))
    for (const Value& value : values->as_array()) put_bytes(out, 20, any_of(value));
  put_additional(out, schema.find("additionalProperties"));
  if (const std::string_view type = schema.string_at("type"); !type.empty()) {
    std::string item;
    put_bytes(item, 1, type);
    put_bytes(out, 22, item);
  }
  if (const Value* items = schema.find("items"); items && items->is_object()) put_schema_item(out, 23, *items);
  if (const Value* properties = schema.find("properties")) {
    std::string list;
    for (const auto& [name, property] : properties->as_object()) put_named(list, 1, name, schema_message(property));
    put_bytes(out, 25, list);
  }
  if (const Value* docs = schema.find("externalDocs")) {
    std::string message;
    put_text(message, 1, docs->string_at("description"));
    put_text(message, 2, docs->string_at("url"));
    put_bytes(out, 29, message);
  }
  if (const Value* example = schema.find("example")) put_bytes(out, 30, any_of(*example));
  put_extensions(out, 31, schema);
  return out;
}

std::string parameter_message(const Value& parameter) {
  std::string out;
  const std::string_view in = parameter.string_at("in");
  if (in == "body") {
    std::string body;
    put_text(body, 2, parameter.string_at("name"));
    put_text(body, 3, in);
    put_true(body, 4, parameter.find("required"));
    put_bytes(body, 5, schema_message(*parameter.find("schema")));
    put_bytes(out, 1, body);
    return out;
  }
  const bool path = in == "path";
  std::string sub;
  put_true(sub, 1, parameter.find("required"));
  put_text(sub, 2, in);
  put_text(sub, 3, parameter.string_at("description"));
  put_text(sub, 4, parameter.string_at("name"));
  put_text(sub, path ? 5 : 6, parameter.string_at("type"));
  put_true(sub, path ? 19 : 20, parameter.find("uniqueItems"));
  std::string non_body;
  put_bytes(non_body, path ? 4 : 3, sub);
  put_bytes(out, 2, non_body);
  return out;
}

void put_parameters(std::string& out, uint32_t number, const Value* list) {
  if (list == nullptr) return;
  for (const Value& parameter : list->as_array()) {
    std::string item;
    if (const std::string_view ref = parameter.string_at("$ref"); !ref.empty()) {
      std::string reference;
      put_bytes(reference, 1, ref);
      put_bytes(item, 2, reference);
    } else {
      put_bytes(item, 1, parameter_message(parameter));
    }
    put_bytes(out, number, item);
  }
}

std::string response_message(const Value& response) {
  std::string inner;
  put_text(inner, 1, response.string_at("description"));
  if (const Value* schema = response.find("schema")) {
    std::string item;
    put_bytes(item, 1, schema_message(*schema));
    put_bytes(inner, 2, item);
  }
  std::string value;
  put_bytes(value, 1, inner);
  return value;
}

std::string operation_message(const Value& operation) {
  std::string out;
  put_texts(out, 1, operation.find("tags"));
  put_text(out, 3, operation.string_at("description"));
  put_text(out, 5, operation.string_at("operationId"));
  put_texts(out, 6, operation.find("produces"));
  put_texts(out, 7, operation.find("consumes"));
  put_parameters(out, 8, operation.find("parameters"));
  std::string responses;
  for (const auto& [code, response] : operation.find("responses")->as_object()) put_named(responses, 1, code, response_message(response));
  put_bytes(out, 9, responses);
  put_texts(out, 10, operation.find("schemes"));
  put_extensions(out, 13, operation);
  return out;
}

}  // namespace

void append_proto_path(std::string_view path, const Value& item, std::string& out) {
  struct Method {
    std::string_view name;
    uint32_t number;
  };
  static constexpr Method methods[] = {{"get", 2}, {"put", 3}, {"post", 4}, {"delete", 5}, {"options", 6}, {"head", 7}, {"patch", 8}};
  std::string message;
  for (const Method& method : methods)
    if (const Value* operation = item.find(method.name)) put_bytes(message, method.number, operation_message(*operation));
  put_parameters(message, 9, item.find("parameters"));
  put_named(out, 2, path, message);
}

void append_proto_definition(std::string_view name, const Value& schema, std::string& out) { put_named(out, 1, name, schema_message(schema)); }

void append_proto_parameter(std::string_view name, const Value& parameter, std::string& out) {
  put_named(out, 1, name, parameter_message(parameter));
}

Frame proto_frame(std::string_view title, std::string_view version, std::size_t paths_bytes, std::size_t definitions_bytes,
                  std::string_view parameters) {
  Frame frame;
  put_bytes(frame.head, 1, "2.0");
  std::string info;
  put_bytes(info, 1, title);
  put_bytes(info, 2, version);
  put_bytes(frame.head, 2, info);
  put_varint(frame.head, 8 << 3 | 2);
  put_varint(frame.head, paths_bytes);
  put_varint(frame.between, 9 << 3 | 2);
  put_varint(frame.between, definitions_bytes);
  std::string& out = frame.tail;
  put_bytes(out, 10, parameters);

  std::string names;  // security: [{"BearerToken": []}]
  put_named(names, 1, "BearerToken", {});
  put_bytes(out, 12, names);
  std::string key;
  put_bytes(key, 1, "apiKey");
  put_bytes(key, 2, "authorization");
  put_bytes(key, 3, "header");
  put_bytes(key, 4, "Bearer Token authentication");
  std::string item;
  put_bytes(item, 2, key);
  std::string definitions;
  put_named(definitions, 1, "BearerToken", item);
  put_bytes(out, 13, definitions);
  return frame;
}

}  // namespace pintle::apimachinery::openapi
