// The paths of the API as data: which operations each has, what they take and answer. Both dialects are written from it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/type.h"
#include "apimachinery/discovery/served_resources.h"

namespace pintle::apimachinery::openapi {

struct Parameter {
  std::string name;
  std::string_view type = "string";  // string, boolean, integer
  std::string_view description;
  bool in_path = false;  // else in the query
};

// What an answer or a body holds.
struct Body {
  const api::Type* type = nullptr;  // nullptr with named empty: text
  std::string named = {};           // a definition without a descriptor
  bool none = false;
};

struct Operation {
  std::string_view method;  // "get"
  std::string id;           // "listAppsV1NamespacedDeployment"
  std::string_view action;  // "list"; "": none (discovery)
  std::string description;
  std::string tag;
  api::GroupVersionKind kind;
  std::vector<std::string_view> consumes;
  std::vector<std::string_view> produces;
  Body body = {.none = true};
  bool body_required = false;
  std::vector<Parameter> parameters;
  std::vector<std::pair<std::string_view, Body>> responses;  // {"200", ...}; 401 is added by the writers
};

struct PathItem {
  std::string path;
  std::vector<Parameter> parameters;  // of all operations
  std::vector<Operation> operations;
};

// The discovery document and the resources of a group version, sorted by path.
std::vector<PathItem> paths_of(const ServedGroupVersion& served);
// "/api/", "/apis/", "/apis/<group>/", "/version/" and the OIDC documents: each is a document of its own in version 3,
// under the name without the slashes at its ends.
std::vector<PathItem> meta_paths(std::span<const ServedGroupVersion> served);

// A kind that a definition brought, at one of its versions.
struct CustomPaths {
  std::string_view group, version, kind, plural;
  bool namespaced = false, status = false, scale = false;
  std::string definition, list_definition;  // the names of what its objects and lists are
};
std::vector<PathItem> paths_of(const CustomPaths& custom);

// The types that the paths mention.
void add_mentioned(const std::vector<PathItem>& paths, std::vector<const api::Type*>& types);

}  // namespace pintle::apimachinery::openapi
