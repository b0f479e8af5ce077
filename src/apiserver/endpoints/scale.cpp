#include "apiserver/endpoints/scale.h"

#include <algorithm>

#include "api/codec.h"
#include "api/gen/autoscaling_v1.h"
#include "apimachinery/patch/json_patch.h"
#include "apiserver/endpoints/field_tracking.h"
#include "apiserver/endpoints/write_request.h"
#include "apiserver/exchange/responses.h"
#include "apiserver/types/errors.h"
#include "base/check.h"

namespace pintle::apiserver::endpoints {

namespace {

using api::autoscaling_v1::Scale;
constexpr api::GroupVersionKind scale_kind{"autoscaling", "v1", "Scale"};

Scale scale_of(const api::Object& object, const registry::Replicas& replicas) {
  const auto& meta = registry::object_meta(object);
  Scale scale;
  scale.metadata.name = meta.name;
  scale.metadata.namespace_ = meta.namespace_;
  scale.metadata.uid = meta.uid;
  scale.metadata.resource_version = meta.resource_version;
  scale.metadata.creation_timestamp = meta.creation_timestamp;
  scale.spec.replicas = replicas.wanted.value_or(0);
  scale.status.replicas = replicas.present;
  scale.status.selector = replicas.selector;
  return scale;
}

// `fields` outlives it. Admission sees what could be read, and what it makes of it can be written.
registry::AdmissionView scale_view(const registry::ScaleFields& fields) {
  registry::AdmissionView view;
  view.kind = scale_kind;
  view.show = [&fields](const api::Object& object) {
    const auto replicas = fields.read(object);
    return api::Object::of<Scale>(scale_of(object, replicas ? *replicas : registry::Replicas{}));
  };
  view.take = [&fields](api::Object& object, const api::Object& shown) {
    const auto written = fields.write(object, shown.as<Scale>().spec.replicas);
    CHECK(written.has_value(), "what was asked for could be written");
  };
  return view;
}

// It is the scale of the object that the path names.
Result<Unit> check_address(const Scale& scale, const RequestScope& scope) {
  if (scale.metadata.name != scope.name)
    return bad_request("the name of the object (" + scale.metadata.name + ") does not match the name on the URL (" + scope.name + ")");
  if (!scale.metadata.namespace_.empty() && scale.metadata.namespace_ != scope.ns)
    return bad_request("the namespace of the object (" + scale.metadata.namespace_ + ") does not match the namespace on the URL (" + scope.ns + ")");
  return Unit{};
}

// Ownership that comes by way of the scale has no time, and stands before the updates that have one.
void untime_scale_entries(api::meta_v1::ObjectMeta& meta) {
  for (auto& entry : meta.managed_fields)
    if (entry.subresource == "scale" && entry.operation == "Update") entry.time.reset();
  std::stable_sort(meta.managed_fields.begin(), meta.managed_fields.end(),
                   [](const auto& a, const auto& b) { return a.operation == "Update" && b.operation == "Update" && !a.time && b.time; });
}

Result<Unit> check_scale(const Scale& scale, std::string_view name) {
  FieldErrors problems;
  if (scale.spec.replicas < 0) problems.invalid(FieldPath("spec", "replicas"), int64_t{scale.spec.replicas}, "must be greater than or equal to 0");
  return problems.result("autoscaling", "Scale", name);
}

// What a PUT or PATCH of a scale asks for.
struct ScaleChange {
  std::optional<api::Object> whole;  // PUT
  std::string media_type;            // of the patch
  codec::Value patch;
};

Result<ScaleChange> read_scale_change(exchange::Exchange& exchange) {
  ScaleChange change;
  if (exchange.authorized->verb == "update") {
    TRY_ASSIGN(change.whole, read_object(exchange, *api::find_kind("autoscaling", "v1", "Scale"), WriteKind::Update));
    return change;
  }
  change.media_type = exchange::bare_media_type(exchange.request.headers.get("content-type"));
  if (change.media_type != "application/merge-patch+json" && change.media_type != "application/json-patch+json" &&
      change.media_type != "application/strategic-merge-patch+json" && change.media_type != "application/apply-patch+yaml")
    return Unexpected(errors::unsupported_media_type(true));
  TRY_ASSIGN(PatchRequest read, read_patch(exchange, change.media_type == "application/apply-patch+yaml"));
  change.patch = std::move(read.document);
  return change;
}

// The scale as asked for; `present` is what a patch is applied to.
Result<Scale> changed(const Scale& present, const ScaleChange& change) {
  if (change.whole) return change.whole->as<Scale>();
  codec::Value live = api::to_value(api::type_of<Scale>(), &present, &scale_kind);
  TRY_ASSIGN(const codec::Value document, change.media_type == "application/json-patch+json"
                                              ? apimachinery::apply_json_patch(std::move(live), change.patch)
                                              : apimachinery::apply_merge_patch(std::move(live), change.patch));
  Scale out;
  auto read = api::decode_value(document, api::type_of<Scale>(), &out);
  if (!read) return Unexpected(errors::invalid("", "", "", {errors::cause("FieldValueInvalid", "patch", "Invalid value: " + read.error().message)}));
  return out;
}

rt::Task<void> answer_scale(exchange::Exchange& exchange, exchange::Media media, Scale scale) {
  co_await exchange::answer(exchange, 200, exchange::content_type(media), exchange::encode_answer(media, api::type_of<Scale>(), &scale, scale_kind));
}

}  // namespace

const registry::ScaleFields* scale_fields(const registry::InstalledRegistry::Found& found) {
  for (const auto& scale : found.resource->definition().scale)
    if (scale.version.empty() || scale.version == found.version->kind->gvk.version) return scale.fields.get();
  return nullptr;
}

rt::Task<Result<Unit>> get_scale(exchange::Exchange& exchange, registry::InstalledRegistry::Found found) {
  CO_TRY_ASSIGN(const exchange::OutputForm form, exchange::negotiate(exchange.request.headers.get("accept"), exchange::Offer{}));
  CO_TRY_ASSIGN(auto cached, co_await found.store->get(exchange.ctx, exchange.scope.ns, exchange.info.name));
  if (found.store->cached_versions().differ()) {
    CO_TRY_ASSIGN(cached, co_await found.store->cached_versions().show_one(exchange.ctx, std::move(cached), *found.version));
  }
  CO_TRY_ASSIGN(const api::Object object, found.store->codec().decode(*cached));
  CO_TRY_ASSIGN(const registry::Replicas replicas, scale_fields(found)->read(object));
  if (!replicas.wanted) co_return internal("the spec replicas field does not exist");
  co_await answer_scale(exchange, form.media, scale_of(object, replicas));
  co_return Unit{};
}

rt::Task<Result<Unit>> change_scale(exchange::Exchange& exchange, registry::InstalledRegistry::Found found) {
  CO_TRY_ASSIGN(const exchange::OutputForm form, exchange::negotiate(exchange.request.headers.get("accept"), exchange::Offer{}));
  CO_TRY_ASSIGN(const ScaleChange change, read_scale_change(exchange));
  const registry::ScaleFields& fields = *scale_fields(found);
  registry::UpdateRequest request;
  request.ns = exchange.scope.ns;
  request.name = exchange.info.name;
  request.view = scale_view(fields);
  registry::OtherVersions others;
  request.others = &others;
  request.transform = [&](const api::Object* existing) -> Result<api::Object> {
    TRY_ASSIGN(const registry::Replicas present, fields.read(*existing));
    TRY_ASSIGN(const Scale wanted, changed(scale_of(*existing, present), change));
    TRY(check_address(wanted, exchange.scope));
    TRY(check_scale(wanted, exchange.info.name));
    api::Object object = *existing;
    auto& meta = registry::object_meta(object);
    if (!wanted.metadata.uid.empty() && wanted.metadata.uid != meta.uid)
      return Unexpected(errors::conflict(found.resource->name(), exchange.info.name,
                                         "Precondition failed: UID in precondition: " + wanted.metadata.uid + ", UID in object meta: " + meta.uid));
    if (!wanted.metadata.resource_version.empty()) meta.resource_version = wanted.metadata.resource_version;
    TRY(fields.write(object, wanted.spec.replicas));
    if (found.version->shape != nullptr) {
      TRY_ASSIGN(object, to_tracked_storage(*found.resource, *found.version, nullptr, exchange.scope, std::move(object), existing, &others));
    } else {
      apimachinery::track_update(*existing, object, field_writer(*found.resource, found.resource->storage_version(), nullptr, exchange.scope));
    }
    untime_scale_entries(registry::object_meta(object));
    return object;
  };
  CO_TRY_ASSIGN(const registry::Written written, co_await found.store->update(exchange.scope, std::move(request)));
  CO_TRY_ASSIGN(const registry::Replicas replicas, fields.read(written.object));
  co_await answer_scale(exchange, form.media, scale_of(written.object, replicas));
  co_return Unit{};
}

}  // namespace pintle::apiserver::endpoints
