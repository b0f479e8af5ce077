// The operations that objects have, whether their kind is built in or a definition brought it: what they take and answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apimachinery/openapi/paths.h"

namespace pintle::apimachinery::openapi {

// What the operations of one group version share.
struct OperationForm {
  std::string tag;  // "apps_v1"
  std::vector<std::string_view> consumes, produces;
};
// What one of them says of itself.
struct OperationWords {
  std::string_view method;  // "get"
  std::string_view action;  // "list"
  std::string id;
  std::string description;
  api::GroupVersionKind kind;
};

// Without parameters, body and answers.
Operation make_operation(const OperationForm& form, OperationWords words);
Operation make_create(const OperationForm& form, OperationWords words, const Body& object);
Operation make_replace(const OperationForm& form, OperationWords words, const Body& object);
// `patches`: the media types that it takes. It answers 200 alone.
Operation make_patch(const OperationForm& form, OperationWords words, const Body& object, std::vector<std::string_view> patches);
Operation make_delete(const OperationForm& form, OperationWords words);

// With the parameters of its path: the name of an object, a namespace.
PathItem make_path(std::string path, std::vector<Operation> operations, bool with_name, bool with_namespace);

std::string capitalised(std::string_view word);

}  // namespace pintle::apimachinery::openapi
