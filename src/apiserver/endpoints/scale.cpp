// The scale subresource: an autoscaling/v1 Scale that stands for two numbers and a selector of the object.
#include <algorithm>

#include "api/codec.h"
#include "api/gen/autoscaling_v1.h"
#include "apimachinery/patch/json_patch.h"
#include "apiserver/endpoints/field_tracking.h"
#include "apiserver/endpoints/resource_handler.h"
#include "apiserver/exchange/body.h"
#include "apiserver/types/errors.h"

namespace pintle::apiserver {

namespace {

using api::autoscaling_v1::Scale;
constexpr api::GroupVersionKind scale_kind{"autoscaling", "v1", "Scale"};

// The int32 at a two-step path ("spec.replicas"), or nullptr.
int32_t* number_at(api::Object& object, std::string_view path, bool make) {
  const auto dot = path.find('.');
  const api::Field* outer = object.type().find_field(path.substr(0, dot));
  if (outer == nullptr || outer->type->kind != api::Kind::Struct) return nullptr;
  void* at = api::field_address(object.data(), *outer);
  const api::Field* inner = outer->type->find_field(path.substr(dot + 1));
  if (inner == nullptr) return nullptr;
  at = api::field_address(at, *inner);
  if (inner->type->kind == api::Kind::Optional) {
    void* value = inner->type->pointer->get(at);
    if (value == nullptr && make) value = inner->type->pointer->emplace(at);
    return static_cast<int32_t*>(value);
  }
  return static_cast<int32_t*>(at);
}

Scale scale_of(const ScaleSubresource& paths, api::Object object) {
  const auto& meta = object_meta(object);
  Scale scale;
  scale.metadata.name = meta.name;
  scale.metadata.namespace_ = meta.namespace_;
  scale.metadata.uid = meta.uid;
  scale.metadata.resource_version = meta.resource_version;
  scale.metadata.creation_timestamp = meta.creation_timestamp;
  if (const int32_t* replicas = number_at(object, paths.spec_replicas, false)) scale.spec.replicas = *replicas;
  if (const int32_t* replicas = number_at(object, paths.status_replicas, false)) scale.status.replicas = *replicas;
  if (paths.selector) scale.status.selector = paths.selector(object);
  return scale;
}

AdmissionView scale_view(const ScaleSubresource& paths) {
  AdmissionView view;
  view.kind = scale_kind;
  view.show = [&paths](const api::Object& object) { return api::Object::of<Scale>(scale_of(paths, object)); };
  view.take = [&paths](api::Object& object, const api::Object& shown) {
    if (int32_t* replicas = number_at(object, paths.spec_replicas, true)) *replicas = shown.as<Scale>().spec.replicas;
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

}  // namespace

rt::Task<void> ResourceHandler::answer_scale(Exchange& exchange, Media media, const api::Object& object, const Resource& resource) {
  const Scale scale = scale_of(resource.definition().scale.front(), object);
  co_await answer(exchange, 200, content_type(media), encode_answer(media, api::type_of<Scale>(), &scale, scale_kind));
}

rt::Task<void> ResourceHandler::get_scale(Exchange& exchange, Found found) {
  auto form = negotiate(exchange.request.headers.get("accept"), Offer{});
  if (!form) {
    co_await answer_failure(exchange, form.error());
    co_return;
  }
  auto cached = co_await found.store->get(exchange.ctx, exchange.scope.ns, exchange.info.name);
  if (!cached) {
    co_await answer_failure(exchange, cached.error());
    co_return;
  }
  auto object = found.store->codec().decode(**cached);
  if (!object) {
    co_await answer_failure(exchange, object.error());
    co_return;
  }
  co_await answer_scale(exchange, form->media, *object, *found.resource);
}

rt::Task<Result<ScaleChange>> ResourceHandler::read_scale_change(Exchange& exchange) {
  ScaleChange change;
  if (exchange.authorized->verb == "update") {
    CO_TRY_ASSIGN(api::Object body, co_await read_object(exchange, *api::find_kind("autoscaling", "v1", "Scale"), WriteKind::Update));
    change.whole = std::move(body);
    co_return change;
  }
  change.media_type = bare_media_type(exchange.request.headers.get("content-type"));
  if (change.media_type != "application/merge-patch+json" && change.media_type != "application/json-patch+json" &&
      change.media_type != "application/strategic-merge-patch+json" && change.media_type != "application/apply-patch+yaml")
    co_return Unexpected(errors::unsupported_media_type(true));
  CO_TRY_ASSIGN(const Bytes body, co_await read_body(exchange));
  WriteParameters parameters;
  CO_TRY(prepare_patch(exchange, change.media_type == "application/apply-patch+yaml", body, change.patch, parameters));
  co_return change;
}

rt::Task<void> ResourceHandler::change_scale(Exchange& exchange, Found found) {
  auto form = negotiate(exchange.request.headers.get("accept"), Offer{});
  if (!form) {
    co_await answer_failure(exchange, form.error());
    co_return;
  }
  auto change = co_await read_scale_change(exchange);
  if (!change) {
    co_await answer_failure(exchange, change.error());
    co_return;
  }
  const ScaleSubresource& paths = found.resource->definition().scale.front();
  UpdateRequest request;
  request.ns = exchange.scope.ns;
  request.name = exchange.info.name;
  request.view = scale_view(paths);
  request.transform = [&](const api::Object* existing) -> Result<api::Object> {
    Scale wanted = scale_of(paths, *existing);
    if (change->whole) {
      wanted = change->whole->as<Scale>();
    } else {
      codec::Value live = api::to_value(api::type_of<Scale>(), &wanted, &scale_kind);
      Result<codec::Value> changed = change->media_type == "application/json-patch+json"
                                         ? apimachinery::apply_json_patch(std::move(live), change->patch)
                                         : apimachinery::apply_merge_patch(std::move(live), change->patch);
      if (!changed) return Unexpected(changed.error());
      Scale decoded;
      auto read = api::decode_value(*changed, api::type_of<Scale>(), &decoded);
      if (!read)
        return Unexpected(errors::invalid("", "", "", {errors::cause("FieldValueInvalid", "patch", "Invalid value: " + read.error().message)}));
      wanted = std::move(decoded);
    }
    TRY(check_address(wanted, exchange.scope));
    TRY(check_scale(wanted, exchange.info.name));
    api::Object object = *existing;
    auto& meta = object_meta(object);
    if (!wanted.metadata.uid.empty() && wanted.metadata.uid != meta.uid)
      return Unexpected(errors::conflict(found.resource->name(), exchange.info.name,
                                         "Precondition failed: UID in precondition: " + wanted.metadata.uid + ", UID in object meta: " + meta.uid));
    if (!wanted.metadata.resource_version.empty()) meta.resource_version = wanted.metadata.resource_version;
    int32_t* replicas = number_at(object, paths.spec_replicas, true);
    if (replicas) *replicas = wanted.spec.replicas;
    apimachinery::track_update(*existing, object, field_writer(*found.resource, found.resource->storage_version(), nullptr, exchange.scope));
    untime_scale_entries(meta);
    return object;
  };
  auto written = co_await found.store->update(exchange.scope, std::move(request));
  if (!written) {
    co_await answer_failure(exchange, written.error());
    co_return;
  }
  co_await answer_scale(exchange, form->media, written->object, *found.resource);
}

}  // namespace pintle::apiserver
