// The OpenAPI documents of the built-in API, and the parts of which documents with more in them are put together. Each is made when asked for
// and kept by nobody; what is costly about them is their size (v2: about two megabytes). `served` is what they describe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apimachinery/discovery/served_resources.h"
#include "apimachinery/openapi/paths.h"
#include "apimachinery/openapi/schemas.h"

namespace pintle::apimachinery::openapi {

using Served = std::span<const ServedGroupVersion>;

// How a document is written. ProtoV2 is the media type application/com.github.proto-openapi.spec.v2@v1.0+protobuf, the only form of
// version 2 that client-go asks for. ProtoV3 is made of a whole document in JSON, never of parts.
enum class Form : uint8_t { JsonV2, ProtoV2, JsonV3, ProtoV3 };
constexpr std::size_t part_form_count = 3;
constexpr Dialect dialect_of(Form form) { return form == Form::JsonV3 || form == Form::ProtoV3 ? Dialect::V3 : Dialect::V2; }

// What one source adds to a document: members of its paths and of its definitions, in JSON with commas between them alone, in protobuf
// repeated fields.
struct Part {
  std::string paths, definitions, parameters;  // the last of version 2 alone
};
// Takes paths and definitions one by one.
class PartWriter {
 public:
  explicit PartWriter(Form form) : form_(form) {}
  void add_path(const PathItem& item);
  void add_path(std::string_view path, const codec::Value& item);
  void add_definition(std::string_view name, const codec::Value& definition);
  // The same of JSON text.
  void add_definition_text(std::string_view name, std::string_view definition);
  void add_parameter(std::string_view name, const codec::Value& parameter);
  Part finish() && { return std::move(part_); }

 private:
  void add_json(std::string_view name, const codec::Value& value, std::string& out);
  Form form_;
  Part part_;
};

// By the name of a definition, the kinds that others add to it.
using FurtherKinds = std::map<std::string, codec::Value::Array, std::less<>>;
// Everything of the built-in API in version 2, and what custom kinds refer to.
Part v2_part(Served served, Form form, const FurtherKinds& further = {});
// What custom kinds refer to in a version 3 document of theirs: metadata, Status, DeleteOptions, Patch, and Scale where one has it.
Part v3_references(bool scale);
// What stands around and between the parts of a document. `paths_bytes` and `definitions_bytes`: of all parts, which protobuf tells ahead.
struct Frame {
  std::string head, between, tail;  // head paths between definitions tail
};
Frame frame_of(Form form, std::size_t paths_bytes, std::size_t definitions_bytes, std::string_view parameters);
// Whether a definition of the built-in API has this name.
bool is_defined(std::string_view name);
// What that definition is. Null if there is none.
codec::Value definition_named(std::string_view name, Dialect dialect);

// The definitions that an add-on brings besides these.
std::vector<std::string> definition_names(const ServedGroupVersion& add_on);

// Both documents whole, of the built-in API alone.
std::string v2_json(Served served);
std::string v2_proto(Served served);

// GET /openapi/v3/<name>: "api/v1", "apis/apps/v1", "apis/apps", "version" ...; nullopt: no such document.
std::optional<std::string> v3_json(Served served, std::string_view name);

// A version 3 document, which this server has made, as ProtoV3.
std::string v3_proto(const codec::Value& document);

// The names and the hashes of the version 3 documents. A hash changes when its document does; it is made without
// making the document.
std::vector<std::pair<std::string, std::string>> v3_hashes(Served served);
// GET /openapi/v3: where each document is, its hash in the query.
std::string v3_index(const std::vector<std::pair<std::string, std::string>>& documents);

}  // namespace pintle::apimachinery::openapi
