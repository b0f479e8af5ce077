// ResourceVersions: the objects of a resource as admission's webhooks and policies ask for them, in any version that is served.
#pragma once

#include <vector>

#include "apiserver/admission/admission.h"
#include "apiserver/registry/cached_versions.h"
#include "apiserver/registry/resource.h"

namespace pintle::apiserver::registry {

class ResourceVersions final : public admission::ObjectVersions {
 public:
  // Admission holds objects in version `held` of a custom resource, of others in the storage version. What is given outlives it.
  ResourceVersions(const Resource& resource, const VersionBinding& held, const CachedVersions& converted);
  // Of a view (the scale subresource) that is the same in every version of its resource.
  ResourceVersions(const Resource& resource, const api::GroupVersionKind& kind);

  const std::vector<admission::ServedAs>& served() const override { return served_; }
  rt::Task<Result<api::Object>> show(rt::Context ctx, const api::Object& object, std::size_t index) const override;
  rt::Task<Result<api::Object>> take(rt::Context ctx, api::Object shown, std::size_t index) const override;
  const apimachinery::SchemaView* schema(std::size_t index) const override;

 private:
  const Resource& resource_;
  const VersionBinding* const held_ = nullptr;       // nullptr: a view
  const CachedVersions* const converted_ = nullptr;  // the same
  std::vector<admission::ServedAs> served_;
};

}  // namespace pintle::apiserver::registry
