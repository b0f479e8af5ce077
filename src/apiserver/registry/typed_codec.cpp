#include "apiserver/registry/typed_codec.h"

#include "api/codec.h"
#include "api/gen/meta_v1.h"
#include "apiserver/registry/table_rows.h"
#include "base/check.h"

namespace pintle::apiserver::registry {

namespace {
constexpr std::size_t scratch_bytes = 256;  // of integers shown as selectable fields
}  // namespace

TypedCodec::TypedCodec(std::shared_ptr<const Resource> of, std::shared_ptr<storage::CacheBudget> budget)
    : ResourceCodec(std::move(of), std::move(budget)) {
  for (const SelectableField& field : resource().definition().selectable_fields) {
    Selectable selectable;
    selectable.name = field.name;
    selectable.if_absent = field.if_absent;
    const std::string_view path = field.path.empty() ? field.name : field.path;
    CHECK(selectable.path.compile(storage().type(), path), "no field " + std::string(path));
    selectable.has_or = !field.or_path.empty();
    if (selectable.has_or) CHECK(selectable.or_path.compile(storage().type(), field.or_path), "no field " + std::string(field.or_path));
    selectable_.push_back(std::move(selectable));
  }
}

Result<storage::CacheCodec::Loaded> TypedCodec::load(const storage::KeyValue& stored) const {
  TRY_ASSIGN(const auto envelope, api::decode_envelope(stored.value.view()));
  if (envelope.kind != storage().kind->gvk.kind) return internal("stored object is of kind " + envelope.kind);
  TRY_ASSIGN(std::string wire, with_wire_resource_version(envelope.raw, std::to_string(stored.mod_revision)));
  return load_wire(std::move(wire));
}

Result<storage::CacheCodec::Loaded> TypedCodec::restamp(const storage::CachedObject& object, int64_t revision) const {
  TRY_ASSIGN(std::string wire, with_wire_resource_version(object.wire().view(), std::to_string(revision)));
  return load_wire(std::move(wire));
}

Result<storage::CacheCodec::Loaded> TypedCodec::load_wire(std::string wire) const {
  Loaded loaded;
  loaded.wire = Bytes(std::move(wire));
  TRY_ASSIGN(auto metadata, read_wire_metadata(loaded.wire.view()));
  loaded.header.ns = metadata.ns;
  loaded.header.name = metadata.name;
  loaded.header.uid = metadata.uid;
  loaded.header.labels = ViewMap(std::move(metadata.labels));
  if (selectable_.empty()) return loaded;

  std::string scratch;
  std::vector<std::pair<std::string_view, std::pair<std::size_t, std::size_t>>> in_scratch;
  std::vector<ViewMap::value_type> fields;
  for (const Selectable& field : selectable_) {
    scratch.reserve(scratch_bytes);
    std::string_view value = field.path.read(loaded.wire.view(), scratch);
    if (value.empty() && field.has_or) value = field.or_path.read(loaded.wire.view(), scratch);
    if (value.empty()) value = field.if_absent;
    if (value.empty()) continue;
    if (value.data() >= scratch.data() && value.data() < scratch.data() + scratch.size()) {
      in_scratch.push_back({field.name, {static_cast<std::size_t>(value.data() - scratch.data()), value.size()}});
    } else {
      fields.emplace_back(field.name, value);
    }
  }
  if (!in_scratch.empty()) {
    loaded.extra = Bytes::copy(scratch);
    for (const auto& [name, place] : in_scratch) fields.emplace_back(name, loaded.extra.view().substr(place.first, place.second));
  }
  loaded.header.fields = ViewMap(std::move(fields));
  return loaded;
}

Bytes TypedCodec::encode(const storage::CachedObject& object, unsigned format) const {
  std::string out;
  if (format == metadata_format) {
    append_metadata_json(object, out);
    return Bytes(std::move(out));
  }
  const VersionBinding& version = resource().versions().at((format - 1) / 3);
  if (format == row_format(version)) {
    const auto decoded = decode(object);
    if (decoded) append_row_cells(resource().strategy(), *decoded, out);
    return Bytes(std::move(out));
  }
  const bool as_json = format == json_format(version);
  if (version.is_storage) {
    if (!as_json) return object.wire();
    out.reserve(object.wire().size() + object.wire().size() / 2);
    if (!api::transcode_json(version.type(), object.wire().view(), out)) return Bytes::literal("{}");
    return Bytes(std::move(out));
  }
  const auto decoded = decode(object);
  if (!decoded) return Bytes::literal(as_json ? "{}" : "");
  const auto converted = version.from_storage(*decoded);
  if (!converted) return Bytes::literal(as_json ? "{}" : "");
  if (as_json) {
    api::encode_json(version.type(), converted->data(), out);
  } else {
    api::encode_proto(version.type(), converted->data(), out);
  }
  return Bytes(std::move(out));
}

Bytes TypedCodec::row(const storage::CachedObject& object, const VersionBinding&) const { return object.encoded(row_format(storage())); }

void TypedCodec::append_json(const storage::CachedObject& object, const VersionBinding& version, std::string& out) const {
  if (!version.is_storage) {
    out += encode(object, json_format(version)).view();
    return;
  }
  CHECK(api::transcode_json(version.type(), object.wire().view(), out).has_value(), "was read when it was loaded");
}

void TypedCodec::append_metadata_json(const storage::CachedObject& object, std::string& out) const {
  const auto written = api::transcode_json(api::type_of<api::meta_v1::ObjectMeta>(), wire_object_meta(object.wire().view()), out);
  CHECK(written.has_value(), "was read when it was loaded");
}

std::string TypedCodec::metadata_proto(const storage::CachedObject& object) const { return std::string(wire_object_meta(object.wire().view())); }

Result<api::Object> TypedCodec::decode(const storage::CachedObject& object) const { return decode_wire(object.wire().view()); }

Result<api::Object> TypedCodec::decode_wire(std::string_view wire) const {
  api::Object object(storage().type());
  TRY(api::decode_proto(wire, storage().type(), object.data()));
  return object;
}

std::string TypedCodec::encode_stored(api::Object& object, const VersionBinding&) const {
  auto& meta = metadata(object);
  std::string version;
  std::swap(version, meta.resource_version);
  std::string raw;
  api::encode_proto(storage().type(), object.data(), raw);
  std::swap(version, meta.resource_version);
  return api::encode_envelope(storage().kind->gvk, raw);
}

}  // namespace pintle::apiserver::registry
