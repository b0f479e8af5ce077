#include "apiserver/endpoints/watch_frames.h"

#include "api/codec.h"
#include "apiserver/exchange/responses.h"
#include "apiserver/registry/resource_codec.h"
#include "codec/proto_wire.h"

namespace pintle::apiserver::endpoints {

namespace {

using codec::WireType;
using storage::CacheEventType;

constexpr std::string_view initial_events_end = "k8s.io/initial-events-end";

std::string_view type_name(CacheEventType type) {
  switch (type) {
    case CacheEventType::Added: return "ADDED";
    case CacheEventType::Modified: return "MODIFIED";
    case CacheEventType::Deleted: return "DELETED";
    case CacheEventType::Bookmark: return "BOOKMARK";
  }
  return "";
}

// WatchEvent{type, object{raw}} up to the raw bytes; in a body the frame's length (big endian) before it.
std::string proto_frame_head(std::string_view type, std::size_t raw_bytes, Framing framing) {
  std::string event;
  codec::append_bytes_field(1, type, event);
  const std::size_t extension_bytes = 1 + codec::varint_size(raw_bytes) + raw_bytes;
  codec::append_tag(2, WireType::Bytes, event);
  codec::append_varint(extension_bytes, event);
  codec::append_tag(1, WireType::Bytes, event);
  codec::append_varint(raw_bytes, event);
  if (framing == Framing::Messages) return event;
  const auto length = static_cast<uint32_t>(event.size() + raw_bytes);
  std::string out;
  out.reserve(event.size() + 4);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(length >> shift & 0xff);
  return out.append(event);
}

}  // namespace

WatchFrames::WatchFrames(ObjectForm form, Framing framing) : form_(std::move(form)), framing_(framing) {
  if (form_.output.media != exchange::Media::Json || form_.output.shape != exchange::Shape::Object) return;
  for (const auto type : {CacheEventType::Added, CacheEventType::Modified, CacheEventType::Deleted}) {
    std::string head = "{\"type\":\"";
    head.append(type_name(type)).append("\",\"object\":").append(form_.version->json_head.view());
    json_heads_[static_cast<std::size_t>(type)] = Bytes(std::move(head));
  }
}

void WatchFrames::append(const storage::CacheEvent& event, std::vector<Bytes>& out) {
  if (event.type == CacheEventType::Bookmark) {
    append_bookmark(event, out);
  } else {
    append_object_event(event.type, *event.object, out);
  }
}

void WatchFrames::append_object_event(CacheEventType type, const storage::CachedObject& object, std::vector<Bytes>& out) {
  if (form_.output.shape == exchange::Shape::Object && form_.output.media == exchange::Media::Json) {
    out.push_back(json_heads_[static_cast<std::size_t>(type)]);
    out.push_back(form_.codec->json(object, *form_.version).substr(1));
    out.push_back(Bytes::literal("}\n"));
    return;
  }
  std::vector<Bytes> pieces;
  append_object(form_, object, !columns_sent_, pieces);
  columns_sent_ = true;
  frame(type_name(type), std::move(pieces), out);
}

void WatchFrames::append_bookmark(const storage::CacheEvent& event, std::vector<Bytes>& out) {
  api::Object object(*form_.resource->storage_version().kind->type);
  auto& meta = registry::object_meta(object);
  meta.resource_version = std::to_string(event.revision);
  if (event.initial_events_end) meta.annotations[initial_events_end] = "true";
  std::vector<Bytes> pieces;
  if (form_.output.shape == exchange::Shape::Table) {
    std::string metadata;
    api::encode_json(api::type_of<api::meta_v1::ObjectMeta>(), &meta, metadata);
    std::string text = "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{\"resourceVersion\":\"" + meta.resource_version +
                       "\"},\"columnDefinitions\":";
    text.append(columns_sent_ ? "null" : column_definitions(*form_.resource, *form_.version));
    text += ",\"rows\":[{\"cells\":null,\"object\":{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":" + metadata +
            "}}]}";
    columns_sent_ = true;
    pieces.emplace_back(std::move(text));
  } else if (!append_object(form_, object, pieces)) {
    return;
  }
  frame("BOOKMARK", std::move(pieces), out);
}

void WatchFrames::append_failure(const Status& status, std::vector<Bytes>& out) const {
  std::vector<Bytes> pieces;
  const bool proto = form_.output.media == exchange::Media::Protobuf;
  Bytes body = exchange::encode_failure(proto ? exchange::Media::Protobuf : exchange::Media::Json, status);
  pieces.push_back(proto ? body : body.substr(0, body.size() - 1));
  frame("ERROR", std::move(pieces), out);
}

void WatchFrames::frame(std::string_view type, std::vector<Bytes> object, std::vector<Bytes>& out) const {
  if (form_.output.media == exchange::Media::Protobuf) {
    std::size_t bytes = 0;
    for (const Bytes& piece : object) bytes += piece.size();
    out.emplace_back(proto_frame_head(type, bytes, framing_));
    for (Bytes& piece : object) out.push_back(std::move(piece));
    return;
  }
  out.emplace_back("{\"type\":\"" + std::string(type) + "\",\"object\":");
  for (Bytes& piece : object) out.push_back(std::move(piece));
  out.push_back(Bytes::literal("}\n"));
}

}  // namespace pintle::apiserver::endpoints
