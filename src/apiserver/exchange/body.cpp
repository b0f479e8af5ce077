#include "apiserver/exchange/body.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/codec.h"
#include "api/defaults.h"
#include "api/untrusted.h"
#include "apiserver/types/errors.h"
#include "base/check.h"
#include "codec/bounded_json.h"
#include "codec/json.h"
#include "codec/json_reader.h"
#include "codec/yaml.h"
#include "net/http.h"

namespace pintle::apiserver::exchange {

namespace {

// apiVersion and kind of a JSON object, without reading the rest more than is needed.
Result<TypeMeta> peek_json(std::string_view body) {
  codec::JsonReader reader(body);
  TypeMeta meta;
  if (reader.peek() == codec::JsonReader::Token::Null) return meta;
  if (reader.peek() != codec::JsonReader::Token::Object) {
    if (!reader.ok()) return Unexpected(reader.error());
    return bad_request("couldn't get version/kind; the body is no JSON object");
  }
  reader.enter_object();
  bool first = true;
  std::string_view key;
  int found = 0;
  while (found < 2 && reader.next_key(first, key)) {
    std::string* into = key == "apiVersion" ? &meta.api_version : key == "kind" ? &meta.kind : nullptr;
    if (into == nullptr) {
      if (!reader.skip_value()) break;
      continue;
    }
    if (reader.peek() == codec::JsonReader::Token::Null) {
      reader.read_literal();
      continue;
    }
    if (reader.peek() != codec::JsonReader::Token::String) return bad_request("couldn't get version/kind; " + std::string(key) + " is no string");
    if (!reader.read_string(*into)) break;
    ++found;
  }
  if (!reader.ok()) return Unexpected(reader.error());
  return meta;
}

Result<Unit> check_kind(const TypeMeta& meta, const BodyRules& rules) {
  const api::GroupVersionKind& want = rules.kind.gvk;
  const std::string version = api::api_version(want);
  if (!meta.kind.empty() && meta.kind != want.kind)
    return bad_request(fmt::format("{} in version \"{}\" cannot be handled as a {}: the object provided is of another kind", meta.kind,
                                   meta.api_version, want.kind));
  if (!meta.api_version.empty() && meta.api_version != version && !rules.any_version)
    return bad_request(fmt::format("the API version in the data ({}) does not match the expected API version ({})", meta.api_version, version));
  return Unit{};
}

// What a reader said, as the answer says it.
Unexpected<Status> refused(const BodyRules& rules, const Status& why) {
  if (why.reason == Reason::RequestEntityTooLarge) return Unexpected(why);
  return bad_request(in_context(rules.kind.gvk, why.message));
}

// A YAML body as the JSON that it stands for; the document in between is gone when this returns.
Result<std::string> yaml_to_json(std::string_view body, const BodyRules& rules, std::vector<std::string>* duplicates) {
  auto value = codec::parse_yaml(body, duplicates);
  if (!value) return refused(rules, value.error());
  if (!value->is_object() && !value->is_null()) return bad_request("couldn't get version/kind; the body is no YAML mapping");
  TRY(check_kind({std::string(value->string_at("apiVersion")), std::string(value->string_at("kind"))}, rules));
  return codec::to_json(*value);
}

Result<api::Object> decode_protobuf(std::string_view body, const BodyRules& rules) {
  TRY_ASSIGN(const auto envelope, api::decode_envelope(body));
  TRY(check_kind({envelope.api_version, envelope.kind}, rules));
  api::Object object(*rules.kind.type);
  auto decoded = api::decode_untrusted_proto(envelope.raw, *rules.kind.type, object.data());
  if (!decoded) return refused(rules, decoded.error());
  return object;
}

}  // namespace

rt::Task<Result<Unit>> receive_body(Exchange& exchange, fairness::Budget& budget) {
  const net::Request& request = exchange.request;
  const bool counted = request.in_process_user.empty();  // this process' own components send no more than they hold already
  if (counted) exchange.body_hold = budget.hold(exchange.scope.user.name, rt::to_string(request.remote));
  if (counted && !exchange.body_hold.raise_to(body_bytes_min)) co_return Unexpected(errors::too_many_requests());
  const rt::Context ctx = counted ? exchange.ctx.with_timeout(body_read_timeout) : exchange.ctx;
  Bytes first;
  std::string rest;
  while (true) {
    auto piece = co_await request.body->read(ctx);
    if (!piece && piece.error().reason == Reason::Timeout)
      co_return error(Reason::Timeout, "the request's body did not arrive within the time for it");
    if (!piece) co_return Unexpected(piece.error());
    if (piece->empty()) break;
    const std::size_t size = first.size() + rest.size() + piece->size();
    if (size > request_bytes_max)
      co_return error(Reason::RequestEntityTooLarge, "limit of " + std::to_string(request_bytes_max) + " bytes for a request body is passed");
    if (counted && !exchange.body_hold.raise_to(static_cast<int64_t>(size))) co_return Unexpected(errors::too_many_requests());
    if (size == piece->size()) {
      first = std::move(*piece);  // most bodies come in one piece, which needs no copy
      continue;
    }
    if (rest.empty()) rest = std::string(std::exchange(first, Bytes()).view());
    rest.append(piece->view());
  }
  exchange.body = rest.empty() ? std::move(first) : Bytes(std::move(rest));
  co_return Unit{};
}

const Bytes& received_body(const Exchange& exchange) {
  CHECK(exchange.body, "bodies of resource requests are received before they are served");
  return *exchange.body;
}

std::string in_context(const api::GroupVersionKind& kind, std::string_view what) {
  return fmt::format("{} in version \"{}\" cannot be handled as a {}: {}", kind.kind, kind.version, kind.kind, what);
}

std::string unknown_field(std::string_view path) { return fmt::format("unknown field \"{}\"", path); }

Result<Unit> settle_problems(const std::vector<std::string>& problems, FieldValidation validation, std::vector<std::string>& warnings) {
  if (problems.empty() || validation == FieldValidation::Ignore) return Unit{};
  if (validation == FieldValidation::Strict) return bad_request(fmt::format("strict decoding error: {}", fmt::join(problems, ", ")));
  warnings.insert(warnings.end(), problems.begin(), problems.end());
  return Unit{};
}

Result<api::Object> decode_body(std::string_view body, Media media, const BodyRules& rules, std::vector<std::string>& warnings) {
  if (media == Media::Protobuf) {
    TRY_ASSIGN(api::Object object, decode_protobuf(body, rules));
    if (rules.defaults) api::apply_defaults(object.type(), object.data());
    return object;
  }
  const bool strict = rules.validation != FieldValidation::Ignore;
  const api::Strictness strictness = strict ? api::Strictness::Collect : api::Strictness::Ignore;
  api::DecodeReport report;
  api::Object object(*rules.kind.type);
  if (media == Media::Json) {
    auto meta = peek_json(body);
    if (!meta) return bad_request(in_context(rules.kind.gvk, meta.error().message));
    TRY(check_kind(*meta, rules));
    auto decoded = api::decode_untrusted_json(body, object.type(), object.data(), strictness, &report);
    if (!decoded) return refused(rules, decoded.error());
  } else {
    std::vector<std::string> doubled;
    TRY_ASSIGN(const std::string json, yaml_to_json(body, rules, strict ? &doubled : nullptr));
    if (rules.validation == FieldValidation::Strict && !doubled.empty()) doubled = {codec::yaml_errors(doubled)};
    report.problems = std::move(doubled);
    auto decoded = api::decode_untrusted_json(json, object.type(), object.data(), strictness, &report);
    if (!decoded) return refused(rules, decoded.error());
  }
  if (rules.problems != nullptr) {
    *rules.problems = std::move(report.problems);
  } else {
    auto settled = settle_problems(report.problems, rules.validation, warnings);
    if (!settled) return bad_request(in_context(rules.kind.gvk, settled.error().message));
  }
  if (rules.defaults) api::apply_defaults(object.type(), object.data());
  return object;
}

Result<codec::Value> decode_document(std::string_view body, Media media, std::vector<std::string>* duplicates) {
  return media == Media::Yaml ? codec::parse_yaml(body, duplicates) : codec::parse_json_within(codec::decoded_bytes_max, body, duplicates);
}

}  // namespace pintle::apiserver::exchange
