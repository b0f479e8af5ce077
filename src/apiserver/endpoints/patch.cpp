// PATCH: JSON patch, merge patch, strategic merge patch, and server-side apply.
#include <fmt/format.h>

#include "api/codec.h"
#include "api/defaults.h"
#include "api/untrusted.h"
#include "apimachinery/apply/managed_fields.h"
#include "apimachinery/apply/metadata_access.h"
#include "apimachinery/apply/typed_check.h"
#include "apimachinery/patch/json_patch.h"
#include "apimachinery/patch/strategic_patch.h"
#include "apiserver/endpoints/field_tracking.h"
#include "apiserver/endpoints/object_answers.h"
#include "apiserver/endpoints/write_request.h"
#include "apiserver/endpoints/writes.h"
#include "apiserver/types/errors.h"
#include "codec/yaml.h"

namespace pintle::apiserver::endpoints {

namespace {

enum class PatchType : uint8_t { Json, Merge, Strategic, Apply };

Result<PatchType> patch_type(std::string_view header) {
  const std::string_view bare = exchange::bare_media_type(header);
  if (bare == "application/json-patch+json") return PatchType::Json;
  if (bare == "application/merge-patch+json") return PatchType::Merge;
  if (bare == "application/strategic-merge-patch+json") return PatchType::Strategic;
  if (bare == "application/apply-patch+yaml") return PatchType::Apply;
  return Unexpected(errors::unsupported_media_type(true));
}

Status invalid_patch(std::string message) {
  return errors::invalid("", "", "", {errors::cause("FieldValueInvalid", "patch", "Invalid value: " + std::move(message))});
}

// The patched document as an object of the version; what does not fit is the patch's fault.
Result<api::Object> decoded_object(const codec::Value& document, const registry::VersionBinding& version, FieldValidation validation,
                                   std::vector<std::string>& warnings) {
  api::Object object(version.type());
  api::DecodeReport report;
  const auto strictness = validation == FieldValidation::Ignore ? api::Strictness::Ignore : api::Strictness::Collect;
  auto decoded = api::decode_untrusted_value(document, object.type(), object.data(), strictness, &report);
  if (!decoded && decoded.error().reason == Reason::RequestEntityTooLarge) return Unexpected(decoded.error());
  if (!decoded) return Unexpected(invalid_patch(decoded.error().message));
  auto settled = exchange::settle_problems(report.problems, validation, warnings);
  if (!settled) return Unexpected(invalid_patch(settled.error().message));
  if (version.shape == nullptr) api::apply_defaults(object.type(), object.data());
  return object;
}

Result<api::Object> to_object(const codec::Value& document, const registry::VersionBinding& version, FieldValidation validation,
                              std::vector<std::string>& warnings) {
  TRY_ASSIGN(api::Object object, decoded_object(document, version, validation, warnings));
  if (version.shape == nullptr) return object;
  std::vector<std::string> unknown;
  TRY(version.shape->settle(object, validation == FieldValidation::Ignore ? nullptr : &unknown));
  for (std::string& path : unknown) path = exchange::unknown_field(path);
  auto settled = exchange::settle_problems(unknown, validation, warnings);
  if (!settled) return Unexpected(invalid_patch(settled.error().message));
  return object;
}

Result<codec::Value> patched(codec::Value live, PatchType patch_type, const codec::Value& patch, const api::Type& type) {
  switch (patch_type) {
    case PatchType::Json: {
      auto out = apimachinery::apply_json_patch(std::move(live), patch);
      if (!out && out.error().reason == Reason::Invalid) out.error().details.shown = true;
      return out;
    }
    case PatchType::Merge: return apimachinery::apply_merge_patch(std::move(live), patch);
    default: return apimachinery::apply_strategic_patch(std::move(live), patch, type);
  }
}

struct PatchTarget {
  const registry::Resource& resource;
  const registry::VersionBinding& version;
  const registry::PartSubresource* part;
  const RequestScope& scope;
  const registry::OtherVersions& others;
  std::string_view name;

  // For messages: "apps/v1, Kind=Deployment", "(default/web; apps/v1, Kind=Deployment)".
  std::string kind_text() const {
    const api::GroupVersionKind& gvk = version.kind->gvk;
    return fmt::format("{}/{}, Kind={}", gvk.group, gvk.version, gvk.kind);
  }
  // The names as the configuration gives them.
  std::string text(const codec::Value& config) const {
    const codec::Value* meta = config.find("metadata");
    return fmt::format("({}/{}; {})", meta ? meta->string_at("namespace") : "", meta ? meta->string_at("name") : "", kind_text());
  }
};

Result<api::Object> patch_object(const PatchTarget& target, PatchType type, const PatchRequest& patch, const api::Object& existing,
                                 std::vector<std::string>& warnings) {
  TRY_ASSIGN(const api::Object shown, target.version.from_storage(existing));
  TRY_ASSIGN(codec::Value live, api::to_document(shown.type(), shown.data(), &target.version.kind->gvk));
  TRY_ASSIGN(const codec::Value changed, patched(std::move(live), type, patch.document, shown.type()));
  if (changed.string_at("kind") != target.version.kind->gvk.kind || changed.string_at("apiVersion") != target.version.api_version)
    return bad_request("a patch cannot change apiVersion or kind");
  TRY_ASSIGN(api::Object object, to_object(changed, target.version, patch.parameters.validation, warnings));
  return to_tracked_storage(target.resource, target.version, target.part, target.scope, std::move(object), &existing, &target.others);
}

Result<api::Object> apply_object(const PatchTarget& target, const PatchRequest& patch, const api::Object* existing,
                                 std::vector<std::string>& warnings) {
  api::Object shown(target.version.type());
  if (existing) {
    TRY_ASSIGN(shown, target.version.from_storage(*existing));
  }
  const apimachinery::TypeSchema typed(target.version.type());
  const apimachinery::SchemaView& schema = target.version.shape ? target.version.shape->schema_view() : typed;
  if (const std::string why = apimachinery::typed_problems(schema, patch.document); !why.empty())
    return error(Reason::Unknown, fmt::format("failed to create typed patch object {}: {}", target.text(patch.document), why));
  if (target.version.shape == nullptr) {
    // What fits may still be no value of its type: a text that is no time, bytes that are not base64.
    api::Object probe(target.version.type());
    auto decoded = api::decode_untrusted_value(patch.document, probe.type(), probe.data(), api::Strictness::Ignore);
    if (!decoded && decoded.error().reason == Reason::RequestEntityTooLarge) return Unexpected(decoded.error());
    if (!decoded)
      return error(Reason::Unknown, fmt::format("failed to convert new object {} to proper version: unable to convert unstructured object to {}: {}",
                                                target.text(patch.document), target.kind_text(), decoded.error().message));
  }
  auto writer = field_writer(target.resource, target.version, target.part, target.scope, &target.others);
  writer.force = patch.parameters.force || target.others.pending;
  TRY_ASSIGN(const codec::Value live, api::to_document(shown.type(), shown.data(), &target.version.kind->gvk));
  TRY_ASSIGN(const auto applied, apimachinery::apply_config(schema, live, patch.document, writer));
  TRY_ASSIGN(api::Object object, decoded_object(applied.object, target.version, FieldValidation::Ignore, warnings));
  if (target.version.shape) TRY(target.version.shape->settle_applied(object));
  if (!patch.doubled.empty() && patch.parameters.validation == FieldValidation::Strict)
    return bad_request("error strict decoding YAML: error converting YAML to JSON: " + codec::yaml_errors(patch.doubled));
  warnings.insert(warnings.end(), patch.doubled.begin(), patch.doubled.end());
  if (existing && !applied.changed) {
    // What has not changed stays to the byte, embedded objects too; only its owners may be others.
    apimachinery::metadata_of(shown).managed_fields = std::move(apimachinery::metadata_of(object).managed_fields);
    object = std::move(shown);
  }
  TRY_ASSIGN(api::Object stored, target.version.to_storage(std::move(object)));
  target.resource.strategy().set_defaults(stored);
  return stored;
}

Result<Unit> check_config(const codec::Value& config, const registry::VersionBinding& version, std::string_view name) {
  if (!config.is_object()) return bad_request("the configuration to apply is no object");
  if (config.string_at("kind").empty() || config.string_at("apiVersion").empty())
    return bad_request("Object 'Kind' is missing: an applied configuration states apiVersion and kind");
  if (config.string_at("kind") != version.kind->gvk.kind || config.string_at("apiVersion") != version.api_version)
    return bad_request("the configuration is a " + std::string(config.string_at("apiVersion")) + " " + std::string(config.string_at("kind")) +
                       ", not a " + version.api_version + " " + std::string(version.kind->gvk.kind));
  const codec::Value* meta = config.find("metadata");
  const std::string_view said = meta ? meta->string_at("name") : std::string_view();
  if (!said.empty() && said != name)
    return bad_request("the name of the object (" + std::string(said) + ") does not match the name on the URL (" + std::string(name) + ")");
  return Unit{};
}

}  // namespace

rt::Task<Result<Unit>> Writes::patch(exchange::Exchange& exchange, registry::InstalledRegistry::Found found, const registry::PartSubresource* part) {
  CO_TRY_ASSIGN(const ObjectForm form, object_form(exchange, found));
  CO_TRY_ASSIGN(const PatchType type, patch_type(exchange.request.headers.get("content-type")));
  if (type == PatchType::Strategic && found.version->shape != nullptr) co_return Unexpected(errors::unsupported_media_type(false));
  const bool apply = type == PatchType::Apply;
  CO_TRY_ASSIGN(const PatchRequest patch, read_patch(exchange, apply));
  if (apply) {
    CO_TRY(check_config(patch.document, *found.version, exchange.info.name));
    const codec::Value* const meta = patch.document.find("metadata");
    const codec::Value* const labels = meta ? meta->find("labels") : nullptr;
    exchange.scope.unlabelled = labels == nullptr || !labels->is_object() || labels->as_object().empty();
  }

  std::vector<std::string> warnings;
  registry::OtherVersions others;
  const PatchTarget target{*found.resource, *found.version, part, exchange.scope, others, exchange.info.name};
  registry::UpdateRequest request;
  request.ns = exchange.scope.ns;
  request.name = exchange.info.name;
  request.part = part;
  request.others = &others;
  if (apply && part == nullptr) request.may_create = [this, &exchange] { return may_create(exchange); };
  request.transform = [&](const api::Object* existing) {
    warnings.clear();
    return apply ? apply_object(target, patch, existing, warnings) : patch_object(target, type, patch, *existing, warnings);
  };
  auto written = co_await found.store->update(exchange.scope, std::move(request));
  exchange.scope.warnings.insert(exchange.scope.warnings.begin(), warnings.begin(), warnings.end());
  if (!written) co_return Unexpected(std::move(written.error()));
  const int status = written->created ? 201 : 200;
  co_return co_await answer_written(exchange, form, status, std::move(*written));
}

}  // namespace pintle::apiserver::endpoints
