// OpenAPI of a custom resource: its paths, and the definitions of its kind and of the kind of its lists, as text that a document embeds. Version 3
// keeps most of the schema; version 2 loses what kubectl's readers of it do not understand. Descriptions stay, so that `kubectl explain` has them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apimachinery/openapi/documents.h"
#include "apimachinery/openapi/schemas.h"
#include "apimachinery/schema/structural_schema.h"

namespace pintle::apimachinery::schema {

struct CustomKind {
  std::string_view group, version, kind, list_kind, plural;
  std::vector<std::string_view> selectable_fields;  // JSON paths, ".spec.color"
  bool preserve_unknown_fields = false;             // of the definition as a whole: an old one
  bool namespaced = false, status = false, scale = false;
};

// com.example.stable.v1.CronTab for kind CronTab of stable.example.com/v1.
std::string definition_name(std::string_view group, std::string_view version, std::string_view kind);
// The same, with "_v2" where a built-in definition has that name.
std::string published_name(std::string_view group, std::string_view version, std::string_view kind);

// `root`: nullptr where the version has no schema, or one that is not structural.
std::string kind_definition(const Node* root, const CustomKind& kind, openapi::Dialect dialect);
std::string list_definition(const CustomKind& kind, openapi::Dialect dialect);

// What a kind adds to a document: its paths and these two.
openapi::Part part_of(const Node* root, const CustomKind& kind, openapi::Form form);

// One schema alone, without what belongs to a kind.
void append_schema(const Node& node, openapi::Dialect dialect, std::string& out);

}  // namespace pintle::apimachinery::schema
