// WatchFrames: the events of one watch as they are sent: JSON lines or protobuf, around buffers that all watchers share.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "apiserver/endpoints/object_forms.h"
#include "storage/watch_cache.h"

namespace pintle::apiserver::endpoints {

// Where one event ends and the next begins: in a body, protobuf has its length before it; a message of its own needs none.
enum class Framing : uint8_t { Body, Messages };

class WatchFrames {
 public:
  explicit WatchFrames(ObjectForm form, Framing framing = Framing::Body);

  void append(const storage::CacheEvent& event, std::vector<Bytes>& out);
  void append_failure(const Status& status, std::vector<Bytes>& out) const;

 private:
  void append_object_event(storage::CacheEventType type, const storage::CachedObject& object, std::vector<Bytes>& out);
  void append_bookmark(const storage::CacheEvent& event, std::vector<Bytes>& out);
  void frame(std::string_view type, std::vector<Bytes> object, std::vector<Bytes>& out) const;

  ObjectForm form_;
  const Framing framing_;
  bool columns_sent_ = false;
  std::array<Bytes, 3> json_heads_;  // by CacheEventType: {"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1",
};

}  // namespace pintle::apiserver::endpoints
