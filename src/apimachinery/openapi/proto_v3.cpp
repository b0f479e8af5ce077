// The protobuf form of a version 3 document. The field numbers are those of gnostic's openapiv3/OpenAPIv3.proto; what holds any value (vendor
// extensions, enums, examples) is carried as YAML text, as upstream's.
#include <string>

#include "apimachinery/openapi/documents.h"
#include "apimachinery/openapi/proto_fields.h"
#include "codec/yaml.h"

namespace pintle::apimachinery::openapi {
namespace {

using codec::Value;

std::string any_of(const Value& value) {
  std::string out;
  put_bytes(out, 2, codec::to_yaml(value));
  return out;
}

void put_extensions(std::string& out, uint32_t number, const Value& object) {
  for (const auto& [key, value] : object.as_object())
    if (key.starts_with("x-")) put_named(out, number, key, any_of(value));
}

// A list of names and what write() gives for the value of each: field `number` of a message of its own.
template <class Write>
std::string named_list(const Value& members, uint32_t number, Write write) {
  std::string out;
  for (const auto& [name, value] : members.as_object()) put_named(out, number, name, write(value));
  return out;
}

// Field 1 of the message that is one of several forms.
std::string first_form(std::string_view message) {
  std::string out;
  put_bytes(out, 1, message);
  return out;
}

void put_flag(std::string& out, uint32_t number, bool flag) {
  put_varint(out, number << 3);
  out += flag ? '\1' : '\0';
}

std::string schema_message(const Value& schema);

std::string schema_or_reference(const Value& schema) {
  const std::string_view ref = schema.string_at("$ref");
  if (ref.empty()) return first_form(schema_message(schema));
  std::string reference, out;
  put_bytes(reference, 1, ref);
  put_text(reference, 3, schema.string_at("description"));
  put_bytes(out, 2, reference);
  return out;
}

// Scalars alone: of others there is a default, no more.
std::string default_message(const Value& value) {
  std::string out;
  if (value.is_bool()) put_flag(out, 2, value.as_bool());
  if (value.is_string()) put_bytes(out, 3, value.as_string());
  if (!value.is_number()) return out;
  if (value.as_double() != 0) {
    put_double(out, 1, &value);
  } else {
    put_varint(out, 1 << 3 | 1);
    out.append(8, '\0');
  }
  return out;
}

void put_restrictions(std::string& out, const Value& schema) {
  put_double(out, 10, schema.find("multipleOf"));
  put_double(out, 11, schema.find("maximum"));
  put_true(out, 12, schema.find("exclusiveMaximum"));
  put_double(out, 13, schema.find("minimum"));
  put_true(out, 14, schema.find("exclusiveMinimum"));
  put_integer(out, 15, schema.find("maxLength"));
  put_integer(out, 16, schema.find("minLength"));
  put_text(out, 17, schema.string_at("pattern"));
  put_integer(out, 18, schema.find("maxItems"));
  put_integer(out, 19, schema.find("minItems"));
  put_true(out, 20, schema.find("uniqueItems"));
  put_integer(out, 21, schema.find("maxProperties"));
  put_integer(out, 22, schema.find("minProperties"));
  put_texts(out, 23, schema.find("required"));
  if (const Value* values = schema.find("enum"))
    for (const Value& value : values->as_array()) put_bytes(out, 24, any_of(value));
}

void put_alternatives(std::string& out, uint32_t number, const Value* schemas) {
  if (schemas == nullptr) return;
  for (const Value& schema : schemas->as_array()) put_bytes(out, number, schema_or_reference(schema));
}

void put_structure(std::string& out, const Value& schema) {
  put_text(out, 25, schema.string_at("type"));
  put_alternatives(out, 26, schema.find("allOf"));
  put_alternatives(out, 27, schema.find("oneOf"));
  put_alternatives(out, 28, schema.find("anyOf"));
  if (const Value* excluded = schema.find("not")) put_bytes(out, 29, schema_message(*excluded));
  if (const Value* items = schema.find("items"); items && items->is_object()) put_bytes(out, 30, first_form(schema_or_reference(*items)));
  if (const Value* properties = schema.find("properties")) put_bytes(out, 31, named_list(*properties, 1, schema_or_reference));
  const Value* const additional = schema.find("additionalProperties");
  if (additional == nullptr) return;
  std::string item;
  if (additional->is_bool())
    put_flag(item, 2, additional->as_bool());
  else
    item = first_form(schema_or_reference(*additional));
  put_bytes(out, 32, item);
}

std::string schema_message(const Value& schema) {
  std::string out;
  put_true(out, 1, schema.find("nullable"));
  if (const Value* docs = schema.find("externalDocs")) {
    std::string message;
    put_text(message, 1, docs->string_at("description"));
    put_text(message, 2, docs->string_at("url"));
    put_bytes(out, 6, message);
  }
  if (const Value* example = schema.find("example")) put_bytes(out, 7, any_of(*example));
  put_text(out, 9, schema.string_at("title"));
  put_restrictions(out, schema);
  put_structure(out, schema);
  if (const Value* value = schema.find("default")) put_bytes(out, 33, default_message(*value));
  put_text(out, 34, schema.string_at("description"));
  put_text(out, 35, schema.string_at("format"));
  put_extensions(out, 36, schema);
  return out;
}

std::string media_type_message(const Value& media_type) {
  const Value* const schema = media_type.find("schema");
  return schema ? first_form(schema_or_reference(*schema)) : std::string();
}

void put_content(std::string& out, uint32_t number, const Value& holder) {
  if (const Value* content = holder.find("content")) put_bytes(out, number, named_list(*content, 1, media_type_message));
}

void put_parameters(std::string& out, uint32_t number, const Value* list) {
  if (list == nullptr) return;
  for (const Value& parameter : list->as_array()) {
    std::string message;
    put_text(message, 1, parameter.string_at("name"));
    put_text(message, 2, parameter.string_at("in"));
    put_text(message, 3, parameter.string_at("description"));
    put_true(message, 4, parameter.find("required"));
    if (const Value* schema = parameter.find("schema")) put_bytes(message, 10, schema_or_reference(*schema));
    put_bytes(out, number, first_form(message));
  }
}

std::string response_message(const Value& response) {
  std::string message;
  put_text(message, 1, response.string_at("description"));
  put_content(message, 3, response);
  return first_form(message);
}

std::string operation_message(const Value& operation) {
  std::string out;
  put_texts(out, 1, operation.find("tags"));
  put_text(out, 3, operation.string_at("description"));
  put_text(out, 5, operation.string_at("operationId"));
  put_parameters(out, 6, operation.find("parameters"));
  if (const Value* body = operation.find("requestBody")) {
    std::string message;
    put_content(message, 2, *body);
    put_true(message, 3, body->find("required"));
    put_bytes(out, 7, first_form(message));
  }
  if (const Value* responses = operation.find("responses")) put_bytes(out, 8, named_list(*responses, 2, response_message));
  put_true(out, 10, operation.find("deprecated"));
  put_extensions(out, 13, operation);
  return out;
}

std::string path_message(const Value& item) {
  struct Method {
    std::string_view name;
    uint32_t number;
  };
  static constexpr Method methods[] = {{"get", 4}, {"put", 5}, {"post", 6}, {"delete", 7}, {"options", 8}, {"head", 9}, {"patch", 10}};
  std::string out;
  for (const Method& method : methods)
    if (const Value* operation = item.find(method.name)) put_bytes(out, method.number, operation_message(*operation));
  put_parameters(out, 13, item.find("parameters"));
  return out;
}

std::string scheme_message(const Value& scheme) {
  std::string message;
  put_text(message, 1, scheme.string_at("type"));
  put_text(message, 2, scheme.string_at("description"));
  put_text(message, 3, scheme.string_at("name"));
  put_text(message, 4, scheme.string_at("in"));
  return first_form(message);
}

std::string names_message(const Value& names) {
  std::string out;
  put_texts(out, 1, &names);
  return out;
}

}  // namespace

std::string v3_proto(const Value& document) {
  std::string out, info;
  put_text(out, 1, document.string_at("openapi"));
  if (const Value* said = document.find("info")) {
    put_text(info, 1, said->string_at("title"));
    put_text(info, 6, said->string_at("version"));
  }
  put_bytes(out, 2, info);
  if (const Value* paths = document.find("paths")) put_bytes(out, 4, named_list(*paths, 1, path_message));
  if (const Value* components = document.find("components")) {
    std::string message;
    if (const Value* schemas = components->find("schemas")) put_bytes(message, 1, named_list(*schemas, 1, schema_or_reference));
    if (const Value* schemes = components->find("securitySchemes")) put_bytes(message, 7, named_list(*schemes, 1, scheme_message));
    put_bytes(out, 5, message);
  }
  if (const Value* security = document.find("security"))
    for (const Value& requirement : security->as_array()) put_bytes(out, 6, named_list(requirement, 1, names_message));
  return out;
}

}  // namespace pintle::apimachinery::openapi
