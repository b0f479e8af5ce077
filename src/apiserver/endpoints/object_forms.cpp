#include "apiserver/endpoints/object_forms.h"

#include "api/codec.h"
#include "apimachinery/table/columns.h"
#include "apiserver/registry/table_rows.h"
#include "base/check.h"
#include "codec/proto_wire.h"

namespace pintle::apiserver::endpoints {

namespace {

using codec::WireType;

constexpr std::string_view meta_v1_head = "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":";
constexpr std::string_view meta_v1beta1_head = "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1beta1\",\"metadata\":";

std::string_view partial_head(const ObjectForm& form) { return form.output.shape_version == "v1" ? meta_v1_head : meta_v1beta1_head; }

bool partial(const ObjectForm& form) {
  return form.output.shape == exchange::Shape::PartialMetadata || form.output.shape == exchange::Shape::PartialMetadataList;
}

// JSON with its kind in front; shares `json`.
void append_json_object(const registry::VersionBinding& version, const Bytes& json, std::vector<Bytes>& out) {
  out.push_back(version.json_head);
  out.push_back(json.substr(1));
}

// {"cells":[...],"object":...}
void append_row(const ObjectForm& form, std::string_view cells, std::string_view metadata_json, std::string_view object_json, std::string& out) {
  out += "{\"cells\":";
  registry::append_cells_now(cells, form.now, out);
  out += ",\"object\":";
  switch (form.include) {
    case IncludeObject::None: out += "null"; break;
    case IncludeObject::Metadata: out.append(partial_head(form)).append(metadata_json) += '}'; break;
    case IncludeObject::Object: out.append(form.version->json_head.view()).append(object_json.substr(1)); break;
  }
  out += '}';
}

std::string table_head(const ObjectForm& form, std::string_view list_meta_json, bool columns) {
  std::string out = "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/";
  out.append(form.output.shape_version).append("\",\"metadata\":").append(list_meta_json).append(",\"columnDefinitions\":");
  out.append(columns ? column_definitions(*form.resource, *form.version) : "null").append(",\"rows\":[");
  return out;
}

std::string list_meta_json(const api::meta_v1::ListMeta& meta) {
  std::string out;
  api::encode_json(api::type_of<api::meta_v1::ListMeta>(), &meta, out);
  return out;
}

void append_cells(const ObjectForm& form, const api::Object& object, std::string& out) {
  if (form.version->shape == nullptr) return registry::append_row_cells(form.resource->strategy(), object, out);
  registry::TableCells cells;
  form.version->shape->table_cells(object, cells);
  registry::append_cells(cells, out);
}

// A message of one field: PartialObjectMetadata{metadata}.
std::string partial_proto(std::string_view metadata) {
  std::string out;
  codec::append_bytes_field(1, metadata, out);
  return out;
}

void append_enveloped(const api::GroupVersionKind& kind, Bytes raw, std::vector<Bytes>& out) {
  out.emplace_back(envelope_head(kind, raw.size()));
  out.push_back(std::move(raw));
  out.push_back(Bytes::literal(envelope_tail()));
}

void append_table_of_one(const ObjectForm& form, std::string_view version, std::string_view cells, std::string_view metadata, std::string_view json,
                         bool columns, std::vector<Bytes>& out) {
  api::meta_v1::ListMeta meta;
  meta.resource_version = version;
  std::string text = table_head(form, list_meta_json(meta), columns);
  append_row(form, cells, metadata, json, text);
  text += "]}";
  out.emplace_back(std::move(text));
}

}  // namespace

std::string column_definitions(const registry::Resource& resource, const registry::VersionBinding& version) {
  if (version.shape != nullptr) return version.shape->column_definitions();
  std::string out = "[";
  for (const auto& column : apimachinery::table_columns(resource.name().group, resource.name().resource)) {
    if (out.size() > 1) out += ',';
    out.append("{\"name\":\"").append(column.name).append("\",\"type\":\"").append(column.type);
    out.append("\",\"format\":\"").append(column.format).append("\",\"description\":\"\",\"priority\":");
    out.append(std::to_string(column.priority)) += '}';
  }
  return out += ']';
}

std::string envelope_head(const api::GroupVersionKind& kind, std::size_t raw_bytes) {
  std::string type_meta;
  codec::append_bytes_field(1, api::api_version(kind), type_meta);
  codec::append_bytes_field(2, kind.kind, type_meta);
  std::string out("k8s\0", 4);
  codec::append_bytes_field(1, type_meta, out);
  codec::append_tag(2, WireType::Bytes, out);
  codec::append_varint(raw_bytes, out);
  return out;
}

std::string_view envelope_tail() { return std::string_view("\x1a\x00\x22\x00", 4); }

api::GroupVersionKind shown_kind(const ObjectForm& form) {
  switch (form.output.shape) {
    case exchange::Shape::PartialMetadata: return {"meta.k8s.io", form.output.shape_version, "PartialObjectMetadata"};
    case exchange::Shape::PartialMetadataList: return {"meta.k8s.io", form.output.shape_version, "PartialObjectMetadataList"};
    case exchange::Shape::Table: return {"meta.k8s.io", form.output.shape_version, "Table"};
    default: return form.version->kind->gvk;
  }
}

void append_object(const ObjectForm& form, const storage::CachedObject& object, bool columns, std::vector<Bytes>& out) {
  if (form.output.shape == exchange::Shape::Table) {
    Bytes json;
    if (form.include == IncludeObject::Object) json = form.codec->json(object, *form.version);
    append_table_of_one(form, std::to_string(object.revision()), form.codec->row(object, *form.version).view(),
                        object.encoded(registry::ResourceCodec::metadata_format).view(), json.view(), columns, out);
    return;
  }
  const bool proto = form.output.media == exchange::Media::Protobuf;
  if (partial(form)) {
    if (proto) {
      append_enveloped({"meta.k8s.io", form.output.shape_version, "PartialObjectMetadata"}, Bytes(partial_proto(form.codec->metadata_proto(object))),
                       out);
      return;
    }
    out.push_back(Bytes::literal(partial_head(form)));
    out.push_back(object.encoded(registry::ResourceCodec::metadata_format));
    out.push_back(Bytes::literal("}"));
    return;
  }
  if (proto) {
    append_enveloped(form.version->kind->gvk, form.codec->proto(object, *form.version), out);
  } else {
    append_json_object(*form.version, form.codec->json(object, *form.version), out);
  }
}

Result<Unit> append_object(const ObjectForm& form, const api::Object& object, std::vector<Bytes>& out) {
  const auto& meta = registry::object_meta(object);
  std::string metadata;
  if (form.output.shape == exchange::Shape::Table || partial(form)) {
    if (form.output.media == exchange::Media::Protobuf) {
      std::string raw;
      api::encode_proto(api::type_of<api::meta_v1::ObjectMeta>(), &meta, raw);
      append_enveloped({"meta.k8s.io", form.output.shape_version, "PartialObjectMetadata"}, Bytes(partial_proto(raw)), out);
      return Unit{};
    }
    api::encode_json(api::type_of<api::meta_v1::ObjectMeta>(), &meta, metadata);
  }
  if (partial(form)) {
    std::string text(partial_head(form));
    text.append(metadata) += '}';
    out.emplace_back(std::move(text));
    return Unit{};
  }
  TRY_ASSIGN(const api::Object shown, form.version->from_storage(object));
  std::string text;
  if (form.output.media == exchange::Media::Protobuf) {
    api::encode_proto(shown.type(), shown.data(), text);
    append_enveloped(form.version->kind->gvk, Bytes(std::move(text)), out);
    return Unit{};
  }
  api::encode_json(shown.type(), shown.data(), text, form.output.shape == exchange::Shape::Table ? nullptr : &form.version->kind->gvk);
  if (form.output.shape == exchange::Shape::Table) {
    std::string cells;
    append_cells(form, object, cells);
    append_table_of_one(form, meta.resource_version, cells, metadata, text, true, out);
    return Unit{};
  }
  out.emplace_back(std::move(text));
  return Unit{};
}

void append_list_item(const ObjectForm& form, const storage::CachedObject& object, std::string& out) {
  if (partial(form)) {
    out += partial_head(form);
    form.codec->append_metadata_json(object, out);
    out += '}';
    return;
  }
  if (form.output.shape != exchange::Shape::Table) {
    if (form.version->shape == nullptr) return form.codec->append_json(object, *form.version, out);
    out.append(form.version->json_head.view()).append(object.wire().view(), 1);  // items of custom lists say what they are
    return;
  }
  out += "{\"cells\":";
  registry::append_cells_now(form.codec->row(object, *form.version).view(), form.now, out);
  out += ",\"object\":";
  if (form.include == IncludeObject::None) {
    out += "null";
  } else if (form.include == IncludeObject::Metadata) {
    out += partial_head(form);
    form.codec->append_metadata_json(object, out);
    out += '}';
  } else {
    std::string json;
    form.codec->append_json(object, *form.version, json);
    out.append(form.version->json_head.view()).append(json, 1);
  }
  out += '}';
}

void append_proto_item(const ObjectForm& form, const storage::CachedObject& object, std::vector<Bytes>& out) {
  Bytes item = partial(form) ? Bytes(partial_proto(form.codec->metadata_proto(object))) : form.codec->proto(object, *form.version);
  std::string tag;
  codec::append_tag(2, WireType::Bytes, tag);
  codec::append_varint(item.size(), tag);
  out.emplace_back(std::move(tag));
  out.push_back(std::move(item));
}

void append_item_json(const ObjectForm& form, const api::Object& object, std::string& out) {
  if (form.output.shape == exchange::Shape::Object) {
    api::encode_json(object.type(), object.data(), out);
    return;
  }
  std::string metadata;
  api::encode_json(api::type_of<api::meta_v1::ObjectMeta>(), &registry::object_meta(object), metadata);
  if (partial(form)) {
    out.append(partial_head(form)).append(metadata) += '}';
    return;
  }
  std::string cells, json;
  append_cells(form, object, cells);
  if (form.include == IncludeObject::Object) api::encode_json(object.type(), object.data(), json);
  append_row(form, cells, metadata, json, out);
}

std::size_t proto_item_bytes(const ObjectForm& form, const storage::CachedObject& object) {
  std::size_t bytes = 0;
  if (partial(form)) {
    const std::size_t metadata = form.codec->metadata_proto(object).size();
    bytes = 1 + codec::varint_size(metadata) + metadata;
  } else {
    bytes = form.codec->proto(object, *form.version).size();
  }
  return 1 + codec::varint_size(bytes) + bytes;
}

std::string list_head(const ObjectForm& form, const api::meta_v1::ListMeta& meta, std::size_t items_bytes) {
  if (form.output.media == exchange::Media::Protobuf) {
    std::string encoded, field;
    api::encode_proto(api::type_of<api::meta_v1::ListMeta>(), &meta, encoded);
    codec::append_bytes_field(1, encoded, field);
    const api::GroupVersionKind kind =
        partial(form) ? api::GroupVersionKind{"meta.k8s.io", form.output.shape_version, "PartialObjectMetadataList"} : form.version->list_kind->gvk;
    return envelope_head(kind, field.size() + items_bytes) + field;
  }
  const std::string meta_json = list_meta_json(meta);
  if (form.output.shape == exchange::Shape::Table) return table_head(form, meta_json, true);
  if (partial(form))
    return "{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/" + std::string(form.output.shape_version) +
           "\",\"metadata\":" + meta_json + ",\"items\":[";
  // Lists of custom resources have always said that they end.
  if (form.version->shape != nullptr && meta.continue_.empty())
    return form.version->list_json_head + "{\"continue\":\"\"," + meta_json.substr(1) + ",\"items\":[";
  return form.version->list_json_head + meta_json + ",\"items\":[";
}

std::string list_tail(const ObjectForm& form) {
  if (form.output.media == exchange::Media::Protobuf) return std::string(envelope_tail());
  return "]}\n";
}

}  // namespace pintle::apiserver::endpoints
