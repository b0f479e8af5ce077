// ResourceVersions: the objects of a resource as admission's webhooks and policies ask for them, in any version that is served.
#pragma once

#include <vector>

#include "apiserver/admission/admission.h"
#include "apiserver/registry/resource.h"

namespace pintle::apiserver::registry {

class ResourceVersions final : public admission::ObjectVersions {
 public:
  // `resource` outlives it.
  explicit ResourceVersions(const Resource& resource);
  // Of a view (the scale subresource) that is the same in every version of its resource.
  ResourceVersions(const Resource& resource, const api::GroupVersionKind& kind);

  const std::vector<admission::ServedAs>& served() const override { return served_; }
  rt::Task<Result<api::Object>> show(rt::Context ctx, const api::Object& object, std::size_t index) const override;
  rt::Task<Result<api::Object>> take(rt::Context ctx, api::Object shown, std::size_t index) const override;
  const apimachinery::SchemaView* schema(std::size_t index) const override;

 private:
  const Resource& resource_;
  const bool view_;
  std::vector<admission::ServedAs> served_;
};

}  // namespace pintle::apiserver::registry
