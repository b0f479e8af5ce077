// CustomCodec: the codec of a resource that a definition brought: JSON under upstream's keys. In memory the text has neither apiVersion nor
// kind, and its resourceVersion: what lists and watches hand out in every version, or, where versions differ (CachedVersions), in the one that
// it was stored in.
#pragma once

#include "apiserver/registry/resource_codec.h"

namespace pintle::apiserver::registry {

class CustomCodec final : public ResourceCodec {
 public:
  using ResourceCodec::ResourceCodec;

  Result<Loaded> load(const storage::KeyValue& stored) const override;
  Result<Loaded> restamp(const storage::CachedObject& object, int64_t revision) const override;
  Bytes encode(const storage::CachedObject& object, unsigned format) const override;
  Bytes row(const storage::CachedObject& object, const VersionBinding& version) const override { return object.encoded(row_format(version)); }
  void append_json(const storage::CachedObject& object, const VersionBinding& version, std::string& out) const override;
  void append_metadata_json(const storage::CachedObject& object, std::string& out) const override;
  std::string metadata_proto(const storage::CachedObject& object) const override;
  Result<api::Object> decode(const storage::CachedObject& object) const override;
  std::string encode_stored(api::Object& object, const VersionBinding& version) const override;
  Result<Loaded> load_object(api::Object object, const VersionBinding& version) const override;
};

}  // namespace pintle::apiserver::registry
