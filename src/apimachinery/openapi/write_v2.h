// OpenAPI 2.0: paths as values, and the whole document in the protobuf form of gnostic's openapi.v2.Document.
#pragma once

#include <string>
#include <string_view>

#include "apimachinery/openapi/paths.h"
#include "codec/value.h"

namespace pintle::apimachinery::openapi {

codec::Value v2_path(const PathItem& item);
codec::Value v2_parameter(const Parameter& parameter);

// Entries of the protobuf document's paths, definitions and parameters.
void append_proto_path(std::string_view path, const codec::Value& item, std::string& out);
void append_proto_definition(std::string_view name, const codec::Value& schema, std::string& out);
void append_proto_parameter(std::string_view name, const codec::Value& parameter, std::string& out);
struct Frame;
// What stands around them, in documents.h's words.
Frame proto_frame(std::string_view title, std::string_view version, std::size_t paths_bytes, std::size_t definitions_bytes,
                  std::string_view parameters);

}  // namespace pintle::apimachinery::openapi
