#include "apiserver/registry/resource_codec.h"

#include "apimachinery/apply/metadata_access.h"
#include "apiserver/registry/custom_codec.h"
#include "apiserver/registry/typed_codec.h"
#include "base/check.h"

namespace pintle::apiserver::registry {

api::meta_v1::ObjectMeta& object_meta(api::Object& object) { return apimachinery::metadata_of(object); }
const api::meta_v1::ObjectMeta& object_meta(const api::Object& object) { return apimachinery::metadata_of(object); }

std::shared_ptr<const ResourceCodec> make_codec(std::shared_ptr<const Resource> resource, std::shared_ptr<storage::CacheBudget> budget) {
  if (resource->custom()) return std::make_shared<const CustomCodec>(std::move(resource), std::move(budget));
  return std::make_shared<const TypedCodec>(std::move(resource), std::move(budget));
}

Result<storage::CacheCodec::Loaded> ResourceCodec::load_object(api::Object, const VersionBinding&) const {
  CHECK(false, "built-in objects are loaded from their bytes");
  return {};
}

api::meta_v1::ObjectMeta& ResourceCodec::metadata(api::Object& object) const {
  return *reinterpret_cast<api::meta_v1::ObjectMeta*>(static_cast<char*>(object.data()) + storage_.kind->metadata_offset);
}
const api::meta_v1::ObjectMeta& ResourceCodec::metadata(const api::Object& object) const { return metadata(const_cast<api::Object&>(object)); }

}  // namespace pintle::apiserver::registry
