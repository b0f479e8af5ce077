#include "apimachinery/openapi/documents.h"

#include <algorithm>

#include "api/gen/autoscaling_v1.h"
#include "api/gen/meta_v1.h"
#include "apimachinery/discovery/content_hash.h"
#include "apimachinery/openapi/parameters.h"
#include "apimachinery/openapi/paths.h"
#include "apimachinery/openapi/schemas.h"
#include "apimachinery/openapi/write_v2.h"
#include "apimachinery/openapi/write_v3.h"
#include "base/check.h"
#include "codec/json.h"
#include "codec/json_text.h"

namespace pintle::apimachinery::openapi {
namespace {

using codec::Value;

constexpr std::string_view version_3_head = R"({"openapi":"3.0.0","info":{"title":"Kubernetes","version":"1.36"},"paths":{)";
constexpr std::string_view version_3_custom_head = R"({"openapi":"3.0.0","info":{"title":"Kubernetes CRD Swagger","version":"v0.1.0"},"paths":{)";
constexpr std::string_view version_2_head = R"({"swagger":"2.0","info":{"title":"Kubernetes","version":"1.36"},"paths":{)";
constexpr std::string_view security =
    R"({"BearerToken":{"type":"apiKey","description":"Bearer Token authentication","name":"authorization","in":"header"}})";

std::string document_name(const ServedGroupVersion& served) {
  return served.group.empty() ? "api/" + std::string(served.version) : "apis/" + std::string(served.group) + "/" + std::string(served.version);
}

// "/apis/apps/" -> "apis/apps".
std::string document_name(const PathItem& item) { return item.path.substr(1, item.path.size() - 2); }

TypeSet types_of(const std::vector<PathItem>& paths, std::vector<const api::Type*> mentioned = {}) {
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
void for_each_definition(const TypeSet& types, bool patch, bool version_info, Dialect dialect, Visit&& visit) {
  struct Extra {
    std::string_view name;
    bool done;
  };
  Extra extras[] = {{patch_name, !patch}, {version_info_name, !version_info}};
  const auto write_extras = [&](std::string_view before) {
    for (Extra& extra : extras) {
      if (extra.done || !(before.empty() || extra.name < before)) continue;
      visit(extra.name, extra.name == patch_name ? patch_definition() : version_info_definition(dialect));
      extra.done = true;
    }
  };
  for (const api::Type* type : types) {
    write_extras(type->openapi_name);
    visit(type->openapi_name, definition_of(*type, dialect));
  }
  write_extras({});
}

template <class Visit>
void for_each_definition(const std::vector<PathItem>& paths, Dialect dialect, Visit&& visit) {
  for_each_definition(types_of(paths), mentions(paths, patch_name), mentions(paths, version_info_name), dialect, visit);
}

// What every custom kind refers to.
std::vector<const api::Type*> referred_to(bool scale) {
  std::vector<const api::Type*> types = {&api::type_of<api::meta_v1::ObjectMeta>(), &api::type_of<api::meta_v1::ListMeta>(),
                                         &api::type_of<api::meta_v1::Status>(), &api::type_of<api::meta_v1::DeleteOptions>()};
  if (scale) types.push_back(&api::type_of<api::autoscaling_v1::Scale>());
  return types;
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
      text += field.map_atomic ? "a" : field.map_granular ? "g" : "";
    }
  }
  return content_hash(text);
}

}  // namespace

void PartWriter::add_json(std::string_view name, const Value& value, std::string& out) {
  if (!out.empty()) out += ',';
  codec::append_json_string(name, out);
  out += ':';
  codec::append_json(value, out);
}

void PartWriter::add_path(const PathItem& item) { add_path(item.path, form_ == Form::JsonV3 ? v3_path(item) : v2_path(item)); }

void PartWriter::add_path(std::string_view path, const Value& item) {
  if (form_ == Form::ProtoV2)
    append_proto_path(path, item, part_.paths);
  else
    add_json(path, item, part_.paths);
}

void PartWriter::add_definition(std::string_view name, const Value& definition) {
  if (form_ == Form::ProtoV2)
    append_proto_definition(name, definition, part_.definitions);
  else
    add_json(name, definition, part_.definitions);
}

void PartWriter::add_definition_text(std::string_view name, std::string_view definition) {
  if (form_ == Form::ProtoV2) {
    const auto value = codec::parse_json(definition);
    CHECK(value.has_value(), "what was written here is read again");
    return add_definition(name, *value);
  }
  if (!part_.definitions.empty()) part_.definitions += ',';
  codec::append_json_string(name, part_.definitions);
  (part_.definitions += ':') += definition;
}

void PartWriter::add_parameter(std::string_view name, const Value& parameter) {
  if (form_ == Form::ProtoV2)
    append_proto_parameter(name, parameter, part_.parameters);
  else
    add_json(name, parameter, part_.parameters);
}

Part v2_part(Served served, Form form, const FurtherKinds& further) {
  const std::vector<PathItem> paths = all_paths(served);
  PartWriter writer(form);
  for (const PathItem& item : paths) writer.add_path(item);
  for_each_definition(types_of(paths, referred_to(true)), true, mentions(paths, version_info_name), Dialect::V2,
                      [&](std::string_view name, const Value& definition) {
                        const auto more = further.find(name);
                        if (more == further.end()) return writer.add_definition(name, definition);
                        Value added = definition;
                        add_kinds(added, more->second);
                        writer.add_definition(name, added);
                      });
  for (const Parameter& parameter : common_parameters()) writer.add_parameter(parameter.name, v2_parameter(parameter));
  return std::move(writer).finish();
}

Part v3_references(bool scale) {
  PartWriter writer(Form::JsonV3);
  for_each_definition(types_of({}, referred_to(scale)), true, false, Dialect::V3,
                      [&](std::string_view name, const Value& definition) { writer.add_definition(name, definition); });
  return std::move(writer).finish();
}

Frame frame_of(Form form, std::size_t paths_bytes, std::size_t definitions_bytes, std::string_view parameters) {
  if (form == Form::ProtoV2) return proto_frame("Kubernetes", "1.36", paths_bytes, definitions_bytes, parameters);
  if (form == Form::JsonV3) return {std::string(version_3_custom_head), R"(},"components":{"schemas":{)", "}}}"};
  Frame frame{std::string(version_2_head), R"(},"definitions":{)", R"(},"parameters":{)"};
  ((frame.tail += parameters) += R"(},"securityDefinitions":)") += security;
  frame.tail += R"(,"security":[{"BearerToken":[]}]})";
  return frame;
}

namespace {

// By name: what the whole served table reaches.
const TypeSet& all_types() {
  static const TypeSet types = types_of(all_paths(served_group_versions()), referred_to(true));
  return types;
}

const api::Type* find_defined(std::string_view name) {
  if (!name.starts_with("io.k8s.")) return nullptr;
  const auto it = std::ranges::find(all_types(), name, [](const api::Type* type) { return type->openapi_name; });
  return it == all_types().end() ? nullptr : *it;
}

std::string whole(Served served, Form form) {
  const Part part = v2_part(served, form);
  Frame frame = frame_of(form, part.paths.size(), part.definitions.size(), part.parameters);
  std::string out = std::move(frame.head);
  out.reserve(out.size() + part.paths.size() + part.definitions.size() + frame.between.size() + frame.tail.size());
  return ((((out += part.paths) += frame.between) += part.definitions) += frame.tail);
}

}  // namespace

bool is_defined(std::string_view name) { return name == patch_name || name == version_info_name || find_defined(name) != nullptr; }

Value definition_named(std::string_view name, Dialect dialect) {
  if (name == patch_name) return patch_definition();
  if (name == version_info_name) return version_info_definition(dialect);
  const api::Type* type = find_defined(name);
  return type ? definition_of(*type, dialect) : Value();
}

std::vector<std::string> definition_names(const ServedGroupVersion& add_on) {
  std::vector<std::string> out;
  for (const api::Type* type : types_of(paths_of(add_on)))
    if (!is_defined(type->openapi_name)) out.emplace_back(type->openapi_name);
  return out;
}

std::string v2_json(Served served) { return whole(served, Form::JsonV2); }
std::string v2_proto(Served served) { return whole(served, Form::ProtoV2); }

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
