// ResourceCodec: how a resource's stored bytes are read and shown. It gives the watch cache its header and its encodings,
// and the registry its decoded objects. Constant, thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/object.h"
#include "apiserver/registry/resource.h"
#include "apiserver/registry/wire_metadata.h"
#include "base/bytes.h"
#include "base/status.h"
#include "storage/cached_object.h"

namespace pintle::api::meta_v1 {
struct ObjectMeta;
}  // namespace pintle::api::meta_v1

namespace pintle::apiserver::registry {

class ResourceCodec : public storage::CacheCodec {
 public:
  // `budget`: where encodings are charged.
  ResourceCodec(const Resource& resource, std::shared_ptr<storage::CacheBudget> budget);

  // CacheCodec's numbers of encodings.
  static unsigned json_format(const VersionBinding& version) { return version.index * 2; }       // without kind and apiVersion
  static unsigned proto_format(const VersionBinding& version) { return version.index * 2 + 1; }  // the message, no envelope
  static constexpr unsigned row_format = 4;       // a table row's cells as a JSON array, ages marked (see table_rows.h)
  static constexpr unsigned metadata_format = 5;  // metadata as JSON

  Result<Loaded> load(const storage::KeyValue& stored) const override;
  Result<Loaded> restamp(const storage::CachedObject& object, int64_t revision) const override;
  Bytes encode(const storage::CachedObject& object, unsigned format) const override;

  // The object's JSON / message in a version; shared where it can be.
  Bytes json(const storage::CachedObject& object, const VersionBinding& version) const { return object.encoded(json_format(version)); }
  Bytes proto(const storage::CachedObject& object, const VersionBinding& version) const {
    return version.is_storage ? object.wire() : object.encoded(proto_format(version));
  }

  // In the storage version.
  Result<api::Object> decode(const storage::CachedObject& object) const;
  Result<api::Object> decode_wire(std::string_view wire) const;
  // What goes into the store: the envelope around the storage version, resourceVersion left out.
  std::string encode_stored(api::Object& object) const;
  api::meta_v1::ObjectMeta& metadata(api::Object& object) const;
  const api::meta_v1::ObjectMeta& metadata(const api::Object& object) const;

 private:
  Result<Loaded> load_wire(std::string wire) const;
  struct Selectable {
    std::string_view name, if_absent;
    WireField path, or_path;
    bool has_or = false;
  };

  const Resource& resource_;
  const VersionBinding& storage_;
  std::vector<Selectable> selectable_;
};

// Of any object of the schema's kinds that has ObjectMeta.
api::meta_v1::ObjectMeta& object_meta(api::Object& object);
const api::meta_v1::ObjectMeta& object_meta(const api::Object& object);

}  // namespace pintle::apiserver::registry
