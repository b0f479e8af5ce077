// Request bodies: read within the limit, decoded into the type that the endpoint expects, unknown and duplicate fields
// treated as fieldValidation says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/object.h"
#include "apiserver/endpoints/exchange.h"
#include "apiserver/endpoints/negotiation.h"
#include "apiserver/endpoints/options.h"
#include "base/bytes.h"
#include "base/status.h"
#include "codec/value.h"
#include "rt/task.h"

namespace pintle::apiserver {

constexpr std::size_t request_bytes_max = 3 << 20;   // then 413; what it is decoded into: codec/limits.h

rt::Task<Result<Bytes>> read_body(Exchange& exchange);

// What a body says it is; "" where it says nothing.
struct TypeMeta {
  std::string api_version;
  std::string kind;
};

// A body of `kind`, schema defaults applied if `defaults`. BadRequest: malformed, of another kind, or (Strict) with
// unknown fields; under Warn those become `warnings`. RequestEntityTooLarge: it would take too much memory.
struct BodyRules {
  const api::KindInfo& kind;
  FieldValidation validation = FieldValidation::Ignore;
  bool defaults = true;
  bool any_version = false;          // DeleteOptions come as v1 or in the version of the group addressed
};
Result<api::Object> decode_body(std::string_view body, Media media, const BodyRules& rules, std::vector<std::string>& warnings);

// The body as a document (patches, apply configurations); JSON or YAML.
Result<codec::Value> decode_document(std::string_view body, Media media, std::vector<std::string>* duplicates);

// Unknown or duplicate fields, by fieldValidation: an error, warnings, or nothing.
Result<Unit> settle_problems(const std::vector<std::string>& problems, FieldValidation validation, std::vector<std::string>& warnings);

}  // namespace pintle::apiserver
