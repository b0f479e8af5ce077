#include "apimachinery/openapi/parameters.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace pintle::apimachinery::openapi {
namespace {

const std::array<Parameter, 20>& table() {
  static const std::array<Parameter, 20> parameters = {{
      {"allowWatchBookmarks", "boolean", "Asks for BOOKMARK events in a watch, which carry a resource version and no change."},
      {"continue", "string", "The continue token of the previous page of a list; the other parameters stay the same."},
      {"dryRun", "string", "With All, the request runs through every stage but is not stored."},
      {"fieldManager", "string", "The name under which the changed fields are owned; at most 128 printable characters. Required for apply."},
      {"fieldSelector", "string", "Restricts the answer to objects whose fields match."},
      {"fieldValidation", "string", "What happens to unknown and duplicate fields: Ignore, Warn (the default) or Strict."},
      {"force", "boolean", "Takes over fields that other managers own; for apply only."},
      {"gracePeriodSeconds", "integer", "Seconds before the object is removed; 0 removes it at once, absent takes the kind's default."},
      {"ignoreStoreReadErrorWithClusterBreakingPotential", "boolean",
       "Removes an object that cannot be read from the store, with none of the usual checks."},
      {"labelSelector", "string", "Restricts the answer to objects whose labels match."},
      {"limit", "integer", "The most items to answer at once; a continue token leads to the rest."},
      {"orphanDependents", "boolean", "Deprecated in favour of propagationPolicy: whether dependents lose this owner and stay."},
      {"propagationPolicy", "string", "What becomes of dependents: Orphan, Background or Foreground."},
      {"resourceVersion", "string", "The version at which, or from which, objects are read."},
      {"resourceVersionMatch", "string", "How resourceVersion is meant in a list: Exact or NotOlderThan."},
      {"sendInitialEvents", "boolean", "Begins a watch with the present state, followed by a bookmark that marks its end."},
      {"shardSelector", "string", "Restricts the answer to a range of hashes, given as an expression."},
      {"timeoutSeconds", "integer", "Seconds after which a list or watch ends."},
      {"watch", "boolean", "Streams changes instead of answering a list."},
      {"pretty", "string", "With true, JSON is indented."},
  }};
  return parameters;
}

const Parameter& named(std::string_view name) {
  const auto it = std::ranges::find(table(), name, &Parameter::name);
  CHECK(it != table().end(), "the parameter is in the table");
  return *it;
}

std::vector<Parameter> pick(std::initializer_list<std::string_view> names) {
  std::vector<Parameter> parameters;
  for (const std::string_view name : names) parameters.push_back(named(name));
  return parameters;
}

std::string_view json_type(const api::Type& type) {
  const api::Type* at = &type;
  while (at->elem != nullptr) at = at->elem;  // a list is given by repeating the parameter
  switch (at->kind) {
    case api::Kind::Bool: return "boolean";
    case api::Kind::Int32:
    case api::Kind::Int64: return "integer";
    default: return "string";
  }
}

}  // namespace

std::span<const Parameter> common_parameters() { return table(); }

bool is_common(const Parameter& parameter) {
  const auto it = std::ranges::find(table(), parameter.name, &Parameter::name);
  return !parameter.in_path && it != table().end() && it->description == parameter.description;
}

std::vector<Parameter> list_parameters(bool watch) {
  auto parameters = pick({"allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion", "resourceVersionMatch",
                          "sendInitialEvents", "shardSelector", "timeoutSeconds"});
  if (watch) parameters.push_back(named("watch"));
  return parameters;
}

std::vector<Parameter> read_parameters() { return pick({"resourceVersion"}); }
std::vector<Parameter> write_parameters() { return pick({"dryRun", "fieldManager", "fieldValidation"}); }
std::vector<Parameter> patch_parameters() { return pick({"dryRun", "fieldManager", "fieldValidation", "force"}); }

std::vector<Parameter> delete_parameters() {
  return pick({"dryRun", "gracePeriodSeconds", "ignoreStoreReadErrorWithClusterBreakingPotential", "orphanDependents", "propagationPolicy"});
}

std::vector<Parameter> delete_collection_parameters() {
  return pick({"continue", "dryRun", "fieldSelector", "gracePeriodSeconds", "ignoreStoreReadErrorWithClusterBreakingPotential", "labelSelector",
               "limit", "orphanDependents", "propagationPolicy", "resourceVersion", "resourceVersionMatch", "sendInitialEvents", "shardSelector",
               "timeoutSeconds"});
}

std::vector<Parameter> option_parameters(const api::Type& options) {
  std::vector<Parameter> parameters;
  for (const api::Field& field : options.fields) parameters.push_back({std::string(field.name), json_type(*field.type), field.doc});
  std::ranges::sort(parameters, {}, &Parameter::name);
  return parameters;
}

Parameter namespace_parameter() { return {"namespace", "string", "The namespace of the object.", true}; }
Parameter pretty_parameter() { return named("pretty"); }

}  // namespace pintle::apimachinery::openapi
