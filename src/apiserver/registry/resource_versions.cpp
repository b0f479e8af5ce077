#include "apiserver/registry/resource_versions.h"

#include "api/defaults.h"

namespace pintle::apiserver::registry {

namespace {

std::vector<admission::ServedAs> served_as(const Resource& resource, const api::GroupVersionKind* view) {
  std::vector<admission::ServedAs> out;
  for (const VersionBinding& version : resource.versions())
    out.push_back({{std::string(version.served->group), std::string(version.served->name)},
                   version.served->version,
                   view != nullptr ? *view : version.kind->gvk});
  return out;
}

}  // namespace

ResourceVersions::ResourceVersions(const Resource& resource, const VersionBinding& held, const CachedVersions& converted)
    : resource_(resource), held_(&held), converted_(&converted), served_(served_as(resource, nullptr)) {}
ResourceVersions::ResourceVersions(const Resource& resource, const api::GroupVersionKind& kind)
    : resource_(resource), served_(served_as(resource, &kind)) {}

rt::Task<Result<api::Object>> ResourceVersions::show(rt::Context ctx, const api::Object& object, std::size_t index) const {
  if (held_ == nullptr) co_return object;
  const VersionBinding& version = resource_.versions()[index];
  if (resource_.custom()) co_return co_await converted_->convert(std::move(ctx), object, *held_, version);
  co_return version.from_storage(object);
}

rt::Task<Result<api::Object>> ResourceVersions::take(rt::Context ctx, api::Object shown, std::size_t index) const {
  const VersionBinding& version = resource_.versions()[index];
  if (resource_.custom() && held_ != nullptr) {
    CO_TRY(version.shape->settle_admitted(shown));
    if (&version != held_) version.shape->prune(shown);
    co_return co_await converted_->convert(std::move(ctx), std::move(shown), version, *held_);
  }
  api::apply_defaults(shown.type(), shown.data());
  if (held_ == nullptr) co_return std::move(shown);
  CO_TRY_ASSIGN(api::Object stored, version.to_storage(std::move(shown)));
  resource_.strategy().set_defaults(stored);
  co_return std::move(stored);
}

const apimachinery::SchemaView* ResourceVersions::schema(std::size_t index) const {
  const VersionShape* const shape = resource_.versions()[index].shape;
  return shape != nullptr && held_ != nullptr ? &shape->schema_view() : nullptr;
}

}  // namespace pintle::apiserver::registry
