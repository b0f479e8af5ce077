#include "apiserver/registry/custom_codec.h"

#include <algorithm>

#include "api/codec.h"
#include "api/custom_object.h"
#include "api/header.h"
#include "apiserver/registry/table_rows.h"
#include "base/check.h"

namespace pintle::apiserver::registry {
namespace {

using api::CustomObject;

const api::Type& custom_type() { return api::type_of<CustomObject>(); }

}  // namespace

Result<storage::CacheCodec::Loaded> CustomCodec::load(const storage::KeyValue& stored) const {
  TRY_ASSIGN(const auto header, api::peek_json(stored.value.view()));
  const auto& versions = resource().versions();
  const auto known = std::ranges::find(versions, header.api_version, &VersionBinding::api_version);
  if (known == versions.end() && resource().definition().converter)
    return internal("request to convert CR from an invalid group/version: " + header.api_version);
  const VersionBinding& version = known == versions.end() ? storage() : *known;
  api::Object object(custom_type());
  TRY(api::decode_json(stored.value.view(), custom_type(), object.data()));
  TRY(version.shape->settle(object, nullptr));
  object.as<CustomObject>().metadata.resource_version = std::to_string(stored.mod_revision);
  return load_object(std::move(object), version);
}

Result<storage::CacheCodec::Loaded> CustomCodec::restamp(const storage::CachedObject& object, int64_t revision) const {
  TRY_ASSIGN(api::Object copy, decode(object));
  copy.as<CustomObject>().metadata.resource_version = std::to_string(revision);
  return load_object(std::move(copy), resource().versions().at(object.version()));
}

Result<storage::CacheCodec::Loaded> CustomCodec::load_object(api::Object object, const VersionBinding& version) const {
  const auto& custom = object.as<CustomObject>();
  Loaded loaded;
  loaded.version = static_cast<uint16_t>(version.index);
  std::string wire;
  api::encode_json(custom_type(), object.data(), wire);
  loaded.wire = Bytes(std::move(wire));
  // The header's texts stand on their own: in JSON they may be escaped.
  struct Place {
    std::string_view name;
    std::size_t at, size;
  };
  std::string texts;
  const auto keep = [&texts](std::string_view text) {
    texts += text;
    return std::pair(texts.size() - text.size(), text.size());
  };
  const auto ns = keep(custom.metadata.namespace_), name = keep(custom.metadata.name), uid = keep(custom.metadata.uid);
  std::vector<std::pair<std::pair<std::size_t, std::size_t>, std::pair<std::size_t, std::size_t>>> labels;
  for (const auto& [key, value] : custom.metadata.labels) {
    const auto kept = keep(key);
    labels.emplace_back(kept, keep(value));
  }
  std::vector<std::pair<std::string_view, std::pair<std::size_t, std::size_t>>> fields;
  const auto names = version.shape->selectable_fields();
  if (!names.empty()) {
    const auto values = version.shape->selectable_values(object);
    for (std::size_t i = 0; i < names.size(); ++i)
      if (!values[i].empty()) fields.emplace_back(names[i], keep(values[i]));
  }
  loaded.extra = Bytes::copy(texts);
  const auto view = [&](const std::pair<std::size_t, std::size_t>& place) { return loaded.extra.view().substr(place.first, place.second); };
  loaded.header.ns = view(ns);
  loaded.header.name = view(name);
  loaded.header.uid = view(uid);
  std::vector<ViewMap::value_type> label_views, field_views;
  for (const auto& [key, value] : labels) label_views.emplace_back(view(key), view(value));
  for (const auto& [key, value] : fields) field_views.emplace_back(key, view(value));
  loaded.header.labels = ViewMap(std::move(label_views));
  loaded.header.fields = ViewMap(std::move(field_views));
  return loaded;
}

Bytes CustomCodec::encode(const storage::CachedObject& object, unsigned format) const {
  std::string out;
  if (format == metadata_format) {
    append_metadata_json(object, out);
    return Bytes(std::move(out));
  }
  const VersionBinding& version = resource().versions().at((format - 1) / 3);
  if (format == json_format(version)) return object.wire();
  CHECK(format == row_format(version), "custom objects have no protobuf");
  if (const auto decoded = decode(object)) {
    TableCells cells;
    version.shape->table_cells(*decoded, cells);
    append_cells(cells, out);
  }
  return Bytes(std::move(out));
}

void CustomCodec::append_json(const storage::CachedObject& object, const VersionBinding&, std::string& out) const { out += object.wire().view(); }

void CustomCodec::append_metadata_json(const storage::CachedObject& object, std::string& out) const {
  const auto decoded = decode(object);
  CHECK(decoded.has_value(), "was written when it was loaded");
  api::encode_json(api::type_of<api::meta_v1::ObjectMeta>(), &decoded->as<CustomObject>().metadata, out);
}

std::string CustomCodec::metadata_proto(const storage::CachedObject& object) const {
  const auto decoded = decode(object);
  CHECK(decoded.has_value(), "was written when it was loaded");
  std::string out;
  api::encode_proto(api::type_of<api::meta_v1::ObjectMeta>(), &decoded->as<CustomObject>().metadata, out);
  return out;
}

Result<api::Object> CustomCodec::decode(const storage::CachedObject& object) const {
  api::Object out(custom_type());
  TRY(api::decode_json(object.wire().view(), custom_type(), out.data()));
  return out;
}

std::string CustomCodec::encode_stored(api::Object& object, const VersionBinding& in) const {
  std::string version, out;
  std::swap(version, object.as<CustomObject>().metadata.resource_version);
  api::encode_json(custom_type(), object.data(), out, &in.kind->gvk);
  std::swap(version, object.as<CustomObject>().metadata.resource_version);
  return out;
}

}  // namespace pintle::apiserver::registry
