// What of another server's version 2 document is merged into ours, and under which names.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "apimachinery/openapi/documents.h"
#include "codec/value.h"

namespace pintle::apiserver::published {

// Of one server's document; further members are not merged.
constexpr std::size_t merged_members_max = 20'000;
// Of one definition.
constexpr std::size_t merged_kinds_max = 4096;

struct Merged {
  codec::Value paths, definitions, parameters;  // objects
  apimachinery::openapi::FurtherKinds kinds;    // of definitions that are the same as what is taken, by its name
};

// What is there already.
struct Taken {
  std::function<bool(std::string_view path)> path;
  // The definition or parameter of a name; Null: there is none.
  std::function<codec::Value(std::string_view name)> definition, parameter;
};

// The paths of `document` that begin with `prefix` and are not taken, with what they reach. A definition or parameter whose name is taken by
// something else gets the first of "_v2", "_v3" ... that is free, or is the same; one that is the same as what is taken is left out, but for its
// kinds. Descriptions and x-kubernetes-group-version-kind do not count. References that lead nowhere stay as they are.
Merged merge_v2(const codec::Value& document, std::string_view prefix, const Taken& taken);

}  // namespace pintle::apiserver::published
