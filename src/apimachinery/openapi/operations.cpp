#include "apimachinery/openapi/operations.h"

#include "api/gen/meta_v1.h"
#include "apimachinery/openapi/parameters.h"
#include "apimachinery/openapi/schemas.h"

namespace pintle::apimachinery::openapi {

Operation make_operation(const OperationForm& form, OperationWords words) {
  Operation op;
  op.method = words.method;
  op.action = words.action;
  op.id = std::move(words.id);
  op.description = std::move(words.description);
  op.tag = form.tag;
  op.kind = words.kind;
  op.consumes = form.consumes;
  op.produces = form.produces;
  return op;
}

Operation make_create(const OperationForm& form, OperationWords words, const Body& object) {
  Operation op = make_operation(form, std::move(words));
  op.body = object;
  op.body_required = true;
  op.parameters = write_parameters();
  op.responses = {{"200", object}, {"201", object}, {"202", object}};
  return op;
}

Operation make_replace(const OperationForm& form, OperationWords words, const Body& object) {
  Operation op = make_create(form, std::move(words), object);
  op.responses.pop_back();  // it is done when it is answered
  return op;
}

Operation make_patch(const OperationForm& form, OperationWords words, const Body& object, std::vector<std::string_view> patches) {
  Operation op = make_operation(form, std::move(words));
  op.consumes = std::move(patches);
  op.body = {nullptr, std::string(patch_name), false};
  op.body_required = true;
  op.parameters = patch_parameters();
  op.responses = {{"200", object}};
  return op;
}

Operation make_delete(const OperationForm& form, OperationWords words) {
  Operation op = make_operation(form, std::move(words));
  op.body = {&api::type_of<api::meta_v1::DeleteOptions>()};
  op.parameters = delete_parameters();
  const Body status{&api::type_of<api::meta_v1::Status>()};
  op.responses = {{"200", status}, {"202", status}};
  return op;
}

PathItem make_path(std::string path, std::vector<Operation> operations, bool with_name, bool with_namespace) {
  PathItem item;
  item.path = std::move(path);
  if (with_name) item.parameters.push_back({"name", "string", "The name of the object.", true});
  if (with_namespace) item.parameters.push_back(namespace_parameter());
  item.parameters.push_back(pretty_parameter());
  item.operations = std::move(operations);
  return item;
}

std::string capitalised(std::string_view word) {
  std::string out(word);
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 32);
  return out;
}

}  // namespace pintle::apimachinery::openapi
