#include "apimachinery/openapi/documents.h"

#include <algorithm>

#include "apimachinery/discovery/content_hash.h"
#include "apimachinery/openapi/parameters.h"
#include "apimachinery/openapi/paths.h"
#include "apimachinery/openapi/schemas.h"
#include "apimachinery/openapi/write_v2.h"
#include "apimachinery/openapi/write_v3.h"
#include "codec/json.h"
#include "codec/json_text.h"

namespace pintle::apimachinery::openapi {
namespace {

using codec::Value;

constexpr std::string_view version_3_head = R"({"openapi":"3.0.0","info":{"title":"Kubernetes","version":"1.36"},"paths":{)";
constexpr std::string_view version_2_head = R"({"swagger":"2.0","info":{"title":"Kubernetes","version":"1.36"},"paths":{)";
constexpr std::string_view security =
    R"({"BearerToken":{"type":"apiKey","description":"Bearer Token authentication","name":"authorization","in":"header"}})";

std::string document_name(const ServedGroupVersion& served) {
  return served.group.empty() ? "api/" + std::string(served.version) : "apis/" + std::string(served.group) + "/" + std::string(served.version);
}

// "/apis/apps/" -> "apis/apps".
std::string document_name(const PathItem& item) { return item.path.substr(1, item.path.size() - 2); }

TypeSet types_of(const std::vector<PathItem>& paths) {
  std::vector<const api::Type*> mentioned;
  add_mentioned(paths, mentioned);
  TypeSet types;
  for (const api::Type* type : mentioned) add_reachable(*type, types);
  return types;
}

bool mentions(const std::vector<PathItem>& paths, std::string_view name) {
  for (const PathItem& item : paths)
    for (const Operation& op : item.operations) {
      if (op.body.named == name) return true;
      if (std::ranges::any_of(op.responses, [&](const auto& response) { return response.second.named == name; })) return true;
    }
  return false;
}

// Calls visit(name, definition) in the order of names.
template <class Visit>
void for_each_definition(const std::vector<PathItem>& paths, Dialect dialect, Visit&& visit) {
  struct Extra {
    std::string_view name;
    bool done;
  };
  Extra extras[] = {{patch_name, !mentions(paths, patch_name)}, {version_info_name, !mentions(paths, version_info_name)}};
  const auto write_extras = [&](std::string_view before) {
    for (Extra& extra : extras) {
      if (extra.done || !(before.empty() || extra.name < before)) continue;
      visit(extra.name, extra.name == patch_name ? patch_definition() : version_info_definition(dialect));
      extra.done = true;
    }
  };
  for (const api::Type* type : types_of(paths)) {
    write_extras(type->openapi_name);
    visit(type->openapi_name, definition_of(*type, dialect));
  }
  write_extras({});
}

// Appends `"name":value`, with a comma unless it is the first.
class MemberWriter {
 public:
  explicit MemberWriter(std::string& out) : out_(out) {}
  void add(std::string_view name, const Value& value) {
    if (!first_) out_ += ',';
    first_ = false;
    codec::append_json_string(name, out_);
    out_ += ':';
    codec::append_json(value, out_);
  }

 private:
  std::string& out_;
  bool first_ = true;
};

std::string v3_document(const std::vector<PathItem>& paths) {
  std::string out(version_3_head);
  MemberWriter path_writer(out);
  for (const PathItem& item : paths) path_writer.add(item.path, v3_path(item));
  out += R"(},"components":{"schemas":{)";
  MemberWriter schema_writer(out);
  for_each_definition(paths, Dialect::V3, [&](std::string_view name, const Value& definition) { schema_writer.add(name, definition); });
  out += R"(},"securitySchemes":)";
  out += security;
  out += "}}";
  return out;
}

std::vector<PathItem> all_paths(Served group_versions) {
  std::vector<PathItem> all = meta_paths(group_versions);
  for (const ServedGroupVersion& served : group_versions)
    for (PathItem& item : paths_of(served)) all.push_back(std::move(item));
  std::ranges::sort(all, {}, &PathItem::path);
  return all;
}

// What a group version's document is made of, in short.
std::string fingerprint(const std::vector<PathItem>& paths) {
  std::string text;
  for (const PathItem& item : paths) {
    text += item.path;
    for (const Operation& op : item.operations) text += op.id;
  }
  for (const api::Type* type : types_of(paths)) {
    text += type->openapi_name;
    text += type->doc;
    for (const api::Field& field : type->fields) {
      text += field.name;
      text += field.doc;
      text += field.default_json;
      text += std::to_string(static_cast<int>(field.list_kind)) + (field.openapi_required ? "r" : "o");
    }
  }
  return content_hash(text);
}

}  // namespace

std::string v2_json(Served served) {
  const std::vector<PathItem> paths = all_paths(served);
  std::string out(version_2_head);
  MemberWriter path_writer(out);
  for (const PathItem& item : paths) path_writer.add(item.path, v2_path(item));
  out += R"(},"definitions":{)";
  MemberWriter definition_writer(out);
  for_each_definition(paths, Dialect::V2, [&](std::string_view name, const Value& definition) { definition_writer.add(name, definition); });
  out += R"(},"parameters":{)";
  MemberWriter parameter_writer(out);
  for (const Parameter& parameter : common_parameters()) parameter_writer.add(parameter.name, v2_parameter(parameter));
  out += R"(},"securityDefinitions":)";
  out += security;
  out += R"(,"security":[{"BearerToken":[]}]})";
  return out;
}

std::string v2_proto(Served served) {
  const std::vector<PathItem> paths = all_paths(served);
  ProtoDocument document("Kubernetes", "1.36");
  for (const PathItem& item : paths) document.add_path(item.path, v2_path(item));
  for_each_definition(paths, Dialect::V2, [&](std::string_view name, const Value& definition) { document.add_definition(name, definition); });
  for (const Parameter& parameter : common_parameters()) document.add_parameter(parameter.name, v2_parameter(parameter));
  return std::move(document).finish();
}

std::optional<std::string> v3_json(Served group_versions, std::string_view name) {
  for (const ServedGroupVersion& served : group_versions)
    if (document_name(served) == name) return v3_document(paths_of(served));
  for (PathItem& item : meta_paths(group_versions))
    if (document_name(item) == name) return v3_document({std::move(item)});
  return std::nullopt;
}

std::vector<std::pair<std::string, std::string>> v3_hashes(Served group_versions) {
  std::vector<std::pair<std::string, std::string>> documents;
  for (const ServedGroupVersion& served : group_versions) documents.emplace_back(document_name(served), fingerprint(paths_of(served)));
  for (PathItem& item : meta_paths(group_versions)) {
    std::string name = document_name(item);
    documents.emplace_back(std::move(name), fingerprint({std::move(item)}));
  }
  std::ranges::sort(documents);
  return documents;
}

std::string v3_index(const std::vector<std::pair<std::string, std::string>>& documents) {
  std::string out = R"({"paths":{)";
  MemberWriter writer(out);
  for (const auto& [name, hash] : documents) {
    Value entry;
    entry["serverRelativeURL"] = "/openapi/v3/" + name + "?hash=" + hash;
    writer.add(name, entry);
  }
  return out + "}}";
}

}  // namespace pintle::apimachinery::openapi
