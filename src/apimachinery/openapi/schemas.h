// OpenAPI schemas of the API's types, from their descriptors. One definition is built at a time, so that a document of
// megabytes never stands in memory twice.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "api/type.h"
#include "codec/value.h"

namespace pintle::apimachinery::openapi {

enum class Dialect : uint8_t { V2, V3 };

// What every kind says of its type. The first two words are what upstream's own tests look for.
inline constexpr std::string_view api_version_doc =
    "APIVersion defines the version of the schema in which this object is written. Servers convert the versions they know and refuse others.";
inline constexpr std::string_view kind_doc = "The kind of this object, in CamelCase. It follows from the endpoint and cannot be updated.";

// "#/definitions/" or "#/components/schemas/" + name.
std::string reference(Dialect dialect, std::string_view name);

// The definition of a struct or special type that has an openapi_name.
codec::Value definition_of(const api::Type& type, Dialect dialect);

// Adds to the x-kubernetes-group-version-kind of a definition those of `kinds` that it lacks; then all are sorted by group, version and kind. What
// is no kind is left out.
inline constexpr std::string_view kinds_key = "x-kubernetes-group-version-kind";
void add_kinds(codec::Value& definition, const codec::Value::Array& kinds);

struct ByOpenApiName {
  bool operator()(const api::Type* a, const api::Type* b) const { return a->openapi_name < b->openapi_name; }
};
using TypeSet = std::set<const api::Type*, ByOpenApiName>;
// Adds `type` and every named type that it reaches.
void add_reachable(const api::Type& type, TypeSet& types);

// Definitions that no descriptor states: the body of a PATCH, the answer of /version.
inline constexpr std::string_view patch_name = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
inline constexpr std::string_view version_info_name = "io.k8s.apimachinery.pkg.version.Info";
codec::Value patch_definition();
codec::Value version_info_definition(Dialect dialect);

}  // namespace pintle::apimachinery::openapi
