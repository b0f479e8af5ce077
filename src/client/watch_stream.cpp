#include "client/watch_stream.h"

#include <optional>
#include <string>

#include "api/codec.h"
#include "client/wire.h"
#include "codec/json.h"
#include "codec/proto_wire.h"

namespace pintle::client {

namespace {

constexpr std::size_t frame_bytes_max = 64 << 20;        // InternalError: no object is that large
constexpr std::size_t buffer_keep_max_bytes = 16 << 10;  // an idle watch holds no more than this
constexpr std::size_t frame_head_bytes = 4;
constexpr std::string_view initial_events_end = "k8s.io/initial-events-end";

struct RawEvent {
  std::string_view type;
  std::string_view object;  // protobuf envelope, or JSON text
};

std::optional<EventType> event_type(std::string_view name) {
  if (name == "ADDED") return EventType::Added;
  if (name == "MODIFIED") return EventType::Modified;
  if (name == "DELETED") return EventType::Deleted;
  if (name == "BOOKMARK") return EventType::Bookmark;
  return std::nullopt;
}

// The bytes that have come and are not yet used.
class Input {
 public:
  std::string_view view() const { return std::string_view(text_).substr(at_); }
  void append(std::string_view bytes) {
    if (at_ > 0) {
      text_.erase(0, at_);
      at_ = 0;
    }
    text_.append(bytes);
  }
  void consume(std::size_t n) {
    at_ += n;
    if (at_ < text_.size()) return;
    at_ = 0;
    text_.clear();
    if (text_.capacity() > buffer_keep_max_bytes) text_.shrink_to_fit();
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

class StreamWatch final : public Watch {
 public:
  StreamWatch(const api::Type& type, bool proto, std::unique_ptr<net::BodyReader> body) : type_(type), proto_(proto), body_(std::move(body)) {}

  rt::Task<Result<WatchEvent>> next(rt::Context ctx) override {
    while (true) {
      CO_TRY_ASSIGN(const std::size_t frame, whole_frame());
      if (frame > 0) {
        auto event = proto_ ? read_proto_event(input_.view().substr(frame_head_bytes, frame - frame_head_bytes))
                            : read_json_event(input_.view().substr(0, frame));
        input_.consume(frame);
        co_return event;
      }
      auto piece = co_await body_->read(ctx);
      if (!piece) co_return Unexpected(std::move(piece).error());
      if (piece->empty()) co_return error(Reason::ServiceUnavailable, "the watch has ended");
      input_.append(piece->view());
    }
  }

 private:
  // The length of the first frame with its head (or line end); 0: it has not come whole.
  Result<std::size_t> whole_frame() const {
    const std::string_view in = input_.view();
    std::size_t size = 0;
    if (proto_) {
      if (in.size() < frame_head_bytes) return 0;
      for (std::size_t i = 0; i < frame_head_bytes; ++i) size = size << 8 | static_cast<unsigned char>(in[i]);
      size += frame_head_bytes;
    } else {
      const auto end = in.find('\n');
      size = end == std::string_view::npos ? in.size() + 1 : end + 1;
    }
    if (size > frame_bytes_max) return internal("a watch event of more than " + std::to_string(frame_bytes_max) + " bytes");
    return size <= in.size() ? size : 0;
  }

  // WatchEvent{type = 1, object = 2 RawExtension{raw = 1}}.
  Result<WatchEvent> read_proto_event(std::string_view frame) const {
    RawEvent raw;
    codec::ProtoReader reader(frame);
    while (!reader.at_end()) {
      uint32_t number = 0;
      codec::WireType wire_type{};
      std::string_view bytes;
      if (!reader.tag(number, wire_type)) return internal("malformed watch event");
      if (number > 2 || wire_type != codec::WireType::Bytes) {
        if (!reader.skip(number, wire_type)) return internal("malformed watch event");
        continue;
      }
      if (!reader.bytes(bytes)) return internal("malformed watch event");
      if (number == 1) {
        raw.type = bytes;
        continue;
      }
      codec::ProtoReader extension(bytes);
      while (!extension.at_end()) {
        if (!extension.tag(number, wire_type)) return internal("malformed watch event");
        const bool is_raw = number == 1 && wire_type == codec::WireType::Bytes;
        if (is_raw ? !extension.bytes(raw.object) : !extension.skip(number, wire_type)) return internal("malformed watch event");
      }
    }
    if (raw.type == "ERROR") return Unexpected(wire::decode_status(true, raw.object));
    const auto type = event_type(raw.type);
    if (!type) return internal("unknown watch event type " + std::string(raw.type));
    TRY_ASSIGN(auto object, wire::decode_proto_object(raw.object, type_));
    return finish(*type, std::move(object));
  }

  Result<WatchEvent> read_json_event(std::string_view line) const {
    TRY_ASSIGN(const auto value, codec::parse_json(line));
    const codec::Value* body = value.find("object");
    if (body == nullptr) return internal("a watch event without an object");
    if (value.string_at("type") == "ERROR") return Unexpected(wire::decode_status(false, codec::to_json(*body)));
    const auto type = event_type(value.string_at("type"));
    if (!type) return internal("unknown watch event type " + std::string(value.string_at("type")));
    api::Object object(type_);
    TRY(api::decode_value(*body, type_, object.data()));
    return finish(*type, std::move(object));
  }

  static Result<WatchEvent> finish(EventType type, api::Object object) {
    WatchEvent event;
    event.type = type;
    if (const auto* meta = wire::meta_of(object)) {
      event.resource_version = meta->resource_version;
      const std::string* end = type == EventType::Bookmark ? meta->annotations.get(initial_events_end) : nullptr;
      event.initial_events_end = end != nullptr && *end == "true";
    }
    event.object = std::move(object);
    return event;
  }

  const api::Type& type_;
  const bool proto_;
  const std::unique_ptr<net::BodyReader> body_;
  Input input_;
};

}  // namespace

std::unique_ptr<Watch> make_watch(const api::Type& type, std::string_view content_type, std::unique_ptr<net::BodyReader> body) {
  return std::make_unique<StreamWatch>(type, content_type.starts_with(wire::proto_media), std::move(body));
}

}  // namespace pintle::client
