// ResourceCodec: how a resource's stored bytes are read and shown, built-in (typed_codec.h) or custom (custom_codec.h). It gives the watch cache its
// header and its encodings, and the registry its decoded objects. Constant, thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/object.h"
#include "apiserver/registry/resource.h"
#include "base/bytes.h"
#include "base/status.h"
#include "storage/cached_object.h"

namespace pintle::api::meta_v1 {
struct ObjectMeta;
}  // namespace pintle::api::meta_v1

namespace pintle::apiserver::registry {

class ResourceCodec : public storage::CacheCodec {
 public:
  ResourceCodec(std::shared_ptr<const Resource> resource, std::shared_ptr<storage::CacheBudget> budget)
      : CacheCodec(std::move(budget)), resource_(std::move(resource)), storage_(resource_->storage_version()) {}

  // CacheCodec's numbers of encodings.
  static constexpr unsigned metadata_format = 0;                                                 // metadata as JSON
  static unsigned json_format(const VersionBinding& version) { return version.index * 3 + 1; }   // without kind and apiVersion
  static unsigned proto_format(const VersionBinding& version) { return version.index * 3 + 2; }  // the message, no envelope
  static unsigned row_format(const VersionBinding& version) { return version.index * 3 + 3; }    // a table row's cells, ages marked (table_rows.h)

  // The object's JSON / message in a version; shared where it can be.
  Bytes json(const storage::CachedObject& object, const VersionBinding& version) const { return object.encoded(json_format(version)); }
  Bytes proto(const storage::CachedObject& object, const VersionBinding& version) const {
    return version.is_storage ? object.wire() : object.encoded(proto_format(version));
  }
  // A table row's cells as a JSON array.
  virtual Bytes row(const storage::CachedObject& object, const VersionBinding& version) const = 0;

  // The same, appended, and not kept.
  virtual void append_json(const storage::CachedObject& object, const VersionBinding& version, std::string& out) const = 0;
  virtual void append_metadata_json(const storage::CachedObject& object, std::string& out) const = 0;
  virtual std::string metadata_proto(const storage::CachedObject& object) const = 0;

  // In the storage version.
  virtual Result<api::Object> decode(const storage::CachedObject& object) const = 0;
  // What goes into the store, resourceVersion left out. Custom objects are in `version`, built-in ones in the storage version.
  virtual std::string encode_stored(api::Object& object, const VersionBinding& version) const = 0;
  // An object as one in the cache has it. Custom objects alone.
  virtual Result<Loaded> load_object(api::Object object, const VersionBinding& version) const;
  api::meta_v1::ObjectMeta& metadata(api::Object& object) const;
  const api::meta_v1::ObjectMeta& metadata(const api::Object& object) const;

 protected:
  const Resource& resource() const { return *resource_; }
  const VersionBinding& storage() const { return storage_; }

 private:
  const std::shared_ptr<const Resource> resource_;
  const VersionBinding& storage_;
};

// Of the resource's own kind of bytes: protobuf within an envelope, or JSON where a definition brought it.
std::shared_ptr<const ResourceCodec> make_codec(std::shared_ptr<const Resource> resource, std::shared_ptr<storage::CacheBudget> budget);

// Of any object of the schema's kinds that has ObjectMeta, and of custom objects.
api::meta_v1::ObjectMeta& object_meta(api::Object& object);
const api::meta_v1::ObjectMeta& object_meta(const api::Object& object);

}  // namespace pintle::apiserver::registry
