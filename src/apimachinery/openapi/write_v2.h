// OpenAPI 2.0: paths as values, and the whole document in the protobuf form of gnostic's openapi.v2.Document.
#pragma once

#include <string>
#include <string_view>

#include "apimachinery/openapi/paths.h"
#include "codec/value.h"

namespace pintle::apimachinery::openapi {

codec::Value v2_path(const PathItem& item);
codec::Value v2_parameter(const Parameter& parameter);

// Takes the parts of a document one by one and keeps their encodings.
class ProtoDocument {
 public:
  ProtoDocument(std::string_view title, std::string_view version);
  void add_path(std::string_view path, const codec::Value& item);
  void add_definition(std::string_view name, const codec::Value& schema);
  void add_parameter(std::string_view name, const codec::Value& parameter);
  std::string finish() &&;

 private:
  std::string head_;
  std::string paths_;
  std::string definitions_;
  std::string parameters_;
};

}  // namespace pintle::apimachinery::openapi
