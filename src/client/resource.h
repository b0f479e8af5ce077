// Which endpoint serves a type: group, version, plural name, scope. From the table of served resources for the built-in
// types, or stated by the caller (custom resources, metadata alone).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/type.h"

namespace pintle::client {

struct Resource {
  std::string group;  // "" for the core group
  std::string version;
  std::string name;  // plural: "pods"
  std::string kind;
  bool namespaced = false;

  // "/api/v1/namespaces/default/pods/web/status"; empty parts are left out.
  std::string path(std::string_view namespace_name, std::string_view object_name = {}, std::string_view subresource = {}) const;
  // "pods", "deployments.apps": as messages name it.
  std::string group_resource() const;
  std::string api_version() const;
  bool operator==(const Resource&) const = default;
};

// CHECK: `type` is a kind of the table.
const Resource& resource_of(const api::Type& type);
template <class T>
const Resource& resource_of() {
  static const Resource& resource = resource_of(api::type_of<T>());
  return resource;
}

// Every resource of the table, by group and name.
std::vector<const Resource*> builtin_resources();

}  // namespace pintle::client
