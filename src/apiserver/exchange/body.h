// Request bodies: read within the limit, decoded into the type that the endpoint expects, unknown and duplicate fields
// treated as fieldValidation says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/object.h"
#include "apiserver/exchange/exchange.h"
#include "apiserver/exchange/negotiation.h"
#include "apiserver/types/request_parameters.h"
#include "base/bytes.h"
#include "base/status.h"
#include "codec/value.h"
#include "rt/task.h"

namespace pintle::apiserver::exchange {

constexpr std::size_t request_bytes_max = 3 << 20;                    // then 413; what it is decoded into: codec/limits.h
constexpr rt::Duration body_read_timeout = std::chrono::seconds(30);  // from the first byte waited for to the last; then 504

// Bodies being received, and those whose requests are not over, in bytes; past a limit 429. Each counts body_bytes_min
// at least.
constexpr std::size_t body_bytes_min = 8 << 10;
constexpr fairness::BudgetLimits body_limits{.total = 64 << 20, .user = 16 << 20, .connection = 8 << 20, .user_assured = 256 << 10};

// Reads the body into exchange.body, for the account of the request's user and connection.
rt::Task<Result<Unit>> receive_body(Exchange& exchange, fairness::Budget& budget);

// The body that was received. CHECKs that one was: requests that change something have one, be it empty.
const Bytes& received_body(const Exchange& exchange);

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
  bool any_version = false;  // DeleteOptions come as v1 or in the version of the group addressed
  // Where set: the unknown and doubled fields go there, for who settles them together with others.
  std::vector<std::string>* problems = nullptr;
};
Result<api::Object> decode_body(std::string_view body, Media media, const BodyRules& rules, std::vector<std::string>& warnings);

// The body as a document (patches, apply configurations); JSON or YAML. What is doubled is told in the format's own words.
Result<codec::Value> decode_document(std::string_view body, Media media, std::vector<std::string>* duplicates);

// Why a body is refused, in upstream's words: which kind it cannot be handled as.
std::string in_context(const api::GroupVersionKind& kind, std::string_view what);

// How an unknown field is told of, as the decoders tell of it. `path`: "spec.bogus".
std::string unknown_field(std::string_view path);
// Unknown or duplicate fields, by fieldValidation: an error, warnings, or nothing.
Result<Unit> settle_problems(const std::vector<std::string>& problems, FieldValidation validation, std::vector<std::string>& warnings);

}  // namespace pintle::apiserver::exchange
