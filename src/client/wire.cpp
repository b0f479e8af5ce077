#include "client/wire.h"

#include "api/codec.h"
#include "client/answers.h"
#include "codec/json.h"
#include "codec/proto_wire.h"

namespace pintle::client::wire {

namespace {

constexpr std::size_t quoted_body_bytes_max = 2048;  // of an answer that is no Status, in its error's message

bool is_partial(const api::Type& type) { return &type == &api::type_of<api::meta_v1::PartialObjectMetadata>(); }

bool has_proto(const api::Type& type) { return !type.proto_order.empty(); }

bool is_proto(std::string_view content_type) { return content_type.starts_with(proto_media); }

Reason reason_named(std::string_view name, int code) {
  for (int i = 1; i < static_cast<int>(Reason::Cancelled); ++i) {
    const auto reason = static_cast<Reason>(i);
    if (reason_name(reason) == name) return reason;
  }
  switch (code) {
    case 400: return Reason::BadRequest;
    case 401: return Reason::Unauthorized;
    case 403: return Reason::Forbidden;
    case 404: return Reason::NotFound;
    case 405: return Reason::MethodNotAllowed;
    case 406: return Reason::NotAcceptable;
    case 409: return Reason::Conflict;
    case 410: return Reason::Gone;
    case 413: return Reason::RequestEntityTooLarge;
    case 415: return Reason::UnsupportedMediaType;
    case 422: return Reason::Invalid;
    case 429: return Reason::TooManyRequests;
    case 500: return Reason::InternalError;
    case 503: return Reason::ServiceUnavailable;
    case 504: return Reason::Timeout;
    default: return Reason::Unknown;
  }
}

std::string_view code_message(int code) {
  switch (code) {
    case 401: return "the server has asked for the client to provide credentials";
    case 404: return "the server could not find the requested resource";
    case 405: return "the server does not allow this method on the requested resource";
    case 406: return "the server was unable to respond with a content type that the client supports";
    case 409: return "the server reported a conflict";
    case 410: return "the requested revision is no longer there";
    case 415: return "the server was unable to read the content type of the request";
    case 422: return "the server rejected our request due to an error in our request";
    case 429: return "the server has received too many requests and has asked us to try again later";
    case 503: return "the server is currently unable to handle the request";
    case 504: return "the server was unable to return a response in the time allotted, but may still be processing the request";
    default: return "the server answered with an error";
  }
}

Status from_wire(const api::meta_v1::Status& wire) {
  Status out;
  out.code = wire.code;
  out.reason = reason_named(wire.reason, wire.code);
  out.message = wire.message;
  if (wire.details) {
    out.details.name = wire.details->name;
    out.details.group = wire.details->group;
    out.details.kind = wire.details->kind;
    out.details.uid = wire.details->uid;
    out.details.retry_after_seconds = wire.details->retry_after_seconds;
    for (const auto& cause : wire.details->causes) out.details.causes.push_back({cause.reason, cause.message, cause.field});
  }
  return out;
}

Result<api::meta_v1::Status> read_status(bool proto, std::string_view body) {
  api::meta_v1::Status wire;
  if (proto) {
    TRY_ASSIGN(const auto envelope, api::decode_envelope(body));
    if (envelope.kind != "Status") return internal("not a Status");
    TRY(api::decode_proto(envelope.raw, api::type_of<api::meta_v1::Status>(), &wire));
  } else {
    TRY_ASSIGN(const auto value, codec::parse_json(body));
    if (value.string_at("kind") != "Status") return internal("not a Status");
    TRY(api::decode_value(value, api::type_of<api::meta_v1::Status>(), &wire));
  }
  return wire;
}

Result<RawList> decode_proto_list(std::string_view body, const api::Type& type) {
  TRY_ASSIGN(const auto envelope, api::decode_envelope(body));
  RawList out;
  codec::ProtoReader reader(envelope.raw);
  while (!reader.at_end()) {
    uint32_t number = 0;
    codec::WireType wire_type{};
    std::string_view bytes;
    if (!reader.tag(number, wire_type)) return internal("malformed list");
    if (number > 2 || wire_type != codec::WireType::Bytes) {
      if (!reader.skip(number, wire_type)) return internal("malformed list");
      continue;
    }
    if (!reader.bytes(bytes)) return internal("malformed list");
    if (number == 1) {
      api::meta_v1::ListMeta meta;
      TRY(api::decode_proto(bytes, api::type_of<api::meta_v1::ListMeta>(), &meta));
      out.resource_version = std::move(meta.resource_version);
      out.continue_token = std::move(meta.continue_);
    } else {
      auto& item = out.items.emplace_back(type);
      TRY(api::decode_proto(bytes, type, item.data()));
    }
  }
  return out;
}

Result<RawList> decode_json_list(std::string_view body, const api::Type& type) {
  TRY_ASSIGN(const auto list, codec::parse_json(body));
  RawList out;
  if (const codec::Value* meta = list.find("metadata")) {
    out.resource_version = meta->string_at("resourceVersion");
    out.continue_token = meta->string_at("continue");
  }
  const codec::Value* items = list.find("items");
  if (items == nullptr || !items->is_array()) return out;
  out.items.reserve(items->as_array().size());
  for (const codec::Value& value : items->as_array()) {
    auto& item = out.items.emplace_back(type);
    TRY(api::decode_value(value, type, item.data()));
  }
  return out;
}

}  // namespace

std::string accept(const api::Type& type, Ask ask) {
  std::string form;
  if (is_partial(type)) form = ask == Ask::List ? ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1" : ";as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
  const std::string json = std::string(json_media) + form;
  if (!has_proto(type)) return json;
  return std::string(proto_media) + form + "," + json;
}

Body encode(const api::Object& object) {
  const api::Type& type = object.type();
  const api::KindInfo* kind = api::kind_of(type);
  CHECK(kind != nullptr, "only kinds are written");
  std::string out;
  if (has_proto(type) && !is_partial(type)) {
    api::encode_proto(type, object.data(), out);
    return {Bytes(api::encode_envelope(kind->gvk, out)), std::string(proto_media)};
  }
  api::encode_json(type, object.data(), out, &kind->gvk);
  return {Bytes(std::move(out)), std::string(json_media)};
}

Result<api::Object> decode_proto_object(std::string_view envelope_bytes, const api::Type& type) {
  TRY_ASSIGN(const auto envelope, api::decode_envelope(envelope_bytes));
  api::Object out(type);
  TRY(api::decode_proto(envelope.raw, type, out.data()));
  return out;
}

Result<api::Object> decode_object(std::string_view content_type, std::string_view body, const api::Type& type) {
  if (is_proto(content_type)) return decode_proto_object(body, type);
  api::Object out(type);
  TRY(api::decode_json(body, type, out.data()));
  return out;
}

Result<RawList> decode_list(std::string_view content_type, std::string_view body, const api::Type& type) {
  return is_proto(content_type) ? decode_proto_list(body, type) : decode_json_list(body, type);
}

Status decode_failure(int code, std::string_view content_type, std::string_view body) {
  auto wire = read_status(is_proto(content_type), body);
  if (wire) {
    if (wire->code == 0) wire->code = code;
    return from_wire(*wire);
  }
  Status out;
  out.code = code;
  out.reason = reason_named("", code);
  std::string said = content_type.starts_with("text/plain") ? std::string(body.substr(0, quoted_body_bytes_max)) : std::string();
  while (!said.empty() && said.back() == '\n') said.pop_back();
  // A page that is not there is told in words of our own: what is behind a path of the API, "404 page not found" does not say.
  out.message = said.empty() || code == 404 ? std::string(code_message(code)) : said;
  out.details.causes.push_back({std::string(bare_answer_cause), said.empty() ? "unknown" : std::move(said), ""});
  return out;
}

Status decode_status(bool proto, std::string_view body) {
  auto wire = read_status(proto, body);
  if (!wire) return Status{Reason::InternalError, 0, "an ERROR event without a Status: " + wire.error().message, {}};
  return from_wire(*wire);
}

const api::meta_v1::ObjectMeta* meta_of(const api::Object& object) {
  const api::KindInfo* kind = api::kind_of(object.type());
  if (kind == nullptr || kind->metadata_offset < 0 || kind->is_list) return nullptr;
  return reinterpret_cast<const api::meta_v1::ObjectMeta*>(static_cast<const char*>(object.data()) + kind->metadata_offset);
}

}  // namespace pintle::client::wire
