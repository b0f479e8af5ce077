#include "apiserver/endpoints/write_request.h"

#include "apimachinery/apply/managed_fields.h"

namespace pintle::apiserver::endpoints {

namespace {

// The options as the client gave them, for admission. A patch is an update there.
template <class Options>
api::Object options_of(const Query& query) {
  Options out;
  for (const auto value : query.get_all("dryRun")) out.dry_run.emplace_back(value);
  out.field_manager = query.get("fieldManager");
  out.field_validation = query.get("fieldValidation");
  return api::Object::of(std::move(out));
}

}  // namespace

Result<WriteParameters> read_write_parameters(exchange::Exchange& exchange, WriteKind kind) {
  TRY_ASSIGN(WriteParameters parameters, parse_write_parameters(exchange.query, kind));
  exchange.scope.dry_run = parameters.dry_run;
  exchange.scope.operation_options =
      kind == WriteKind::Create ? options_of<api::meta_v1::CreateOptions>(exchange.query) : options_of<api::meta_v1::UpdateOptions>(exchange.query);
  exchange.scope.field_manager = apimachinery::manager_name(parameters.field_manager, exchange.request.headers.get("user-agent"));
  return parameters;
}

namespace {

Result<api::Object> read_body(exchange::Exchange& exchange, const api::KindInfo& kind, FieldValidation validation,
                              std::vector<std::string>* problems) {
  TRY_ASSIGN(const exchange::Media media, exchange::body_media(exchange.request.headers.get("content-type")));
  const exchange::BodyRules rules{.kind = kind, .validation = validation, .defaults = true, .any_version = false, .problems = problems};
  return exchange::decode_body(exchange::received_body(exchange).view(), media, rules, exchange.scope.warnings);
}

}  // namespace

Result<api::Object> read_object(exchange::Exchange& exchange, const api::KindInfo& kind, WriteKind write) {
  TRY_ASSIGN(const WriteParameters parameters, read_write_parameters(exchange, write));
  return read_body(exchange, kind, parameters.validation, nullptr);
}

Result<api::Object> read_object(exchange::Exchange& exchange, const registry::VersionBinding& version, WriteKind write) {
  if (version.shape == nullptr) return read_object(exchange, *version.kind, write);
  TRY_ASSIGN(const WriteParameters parameters, read_write_parameters(exchange, write));
  std::vector<std::string> problems, unknown;
  TRY_ASSIGN(api::Object object, read_body(exchange, *version.kind, parameters.validation, &problems));
  TRY(version.shape->settle(object, parameters.validation == FieldValidation::Ignore ? nullptr : &unknown));
  for (const std::string& path : unknown) problems.push_back(exchange::unknown_field(path));
  const auto settled = exchange::settle_problems(problems, parameters.validation, exchange.scope.warnings);
  if (!settled) return bad_request(exchange::in_context(version.kind->gvk, settled.error().message));
  return object;
}

Result<PatchRequest> read_patch(exchange::Exchange& exchange, bool apply) {
  PatchRequest out;
  TRY_ASSIGN(out.parameters, read_write_parameters(exchange, apply ? WriteKind::ApplyPatch : WriteKind::Patch));
  const FieldValidation validation = out.parameters.validation;
  auto parsed = exchange::decode_document(exchange::received_body(exchange).view(), apply ? exchange::Media::Yaml : exchange::Media::Json,
                                          validation == FieldValidation::Ignore ? nullptr : &out.doubled);
  if (!parsed && parsed.error().reason == Reason::RequestEntityTooLarge) return Unexpected(std::move(parsed.error()));
  if (!parsed) return bad_request("error decoding the patch: " + parsed.error().message);
  // A configuration is refused for what is doubled after it was found to fit its kind.
  if (!apply) {
    TRY(exchange::settle_problems(out.doubled, validation, exchange.scope.warnings));
    out.doubled.clear();
  }
  out.document = std::move(*parsed);
  return out;
}

}  // namespace pintle::apiserver::endpoints
