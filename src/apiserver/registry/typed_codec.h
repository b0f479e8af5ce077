// TypedCodec: the codec of a resource whose kinds the schema knows: protobuf messages, in the store within an envelope.
#pragma once

#include "apiserver/registry/resource_codec.h"
#include "apiserver/registry/wire_metadata.h"

namespace pintle::apiserver::registry {

class TypedCodec final : public ResourceCodec {
 public:
  // `budget`: where encodings are charged.
  TypedCodec(std::shared_ptr<const Resource> of, std::shared_ptr<storage::CacheBudget> budget);

  Result<Loaded> load(const storage::KeyValue& stored) const override;
  Result<Loaded> restamp(const storage::CachedObject& object, int64_t revision) const override;
  Bytes encode(const storage::CachedObject& object, unsigned format) const override;
  Bytes row(const storage::CachedObject& object, const VersionBinding& version) const override;
  void append_json(const storage::CachedObject& object, const VersionBinding& version, std::string& out) const override;
  void append_metadata_json(const storage::CachedObject& object, std::string& out) const override;
  std::string metadata_proto(const storage::CachedObject& object) const override;
  Result<api::Object> decode(const storage::CachedObject& object) const override;
  std::string encode_stored(api::Object& object, const VersionBinding& version) const override;

 private:
  Result<Loaded> load_wire(std::string wire) const;
  Result<api::Object> decode_wire(std::string_view wire) const;
  struct Selectable {
    std::string_view name, if_absent;
    WireField path, or_path;
    bool has_or = false;
  };
  std::vector<Selectable> selectable_;
};

}  // namespace pintle::apiserver::registry
