// One object of a resource in each form that a client may ask for, built from buffers that are shared with every other
// answer and watcher.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/gen/meta_v1.h"
#include "apiserver/exchange/negotiation.h"
#include "apiserver/registry/installed_registry.h"
#include "base/bytes.h"
#include "rt/clock.h"

namespace pintle::apiserver::endpoints {

enum class IncludeObject : uint8_t { Metadata, None, Object };

// How a request's objects are shown.
struct ObjectForm {
  exchange::OutputForm output;
  const registry::Resource* resource = nullptr;
  const registry::ResourceCodec* codec = nullptr;
  const registry::VersionBinding* version = nullptr;
  IncludeObject include = IncludeObject::Metadata;  // of table rows
  rt::WallTime now{};
};

// The kind that an answer of this form says it is ("PodList" in lists), for the protobuf envelope.
api::GroupVersionKind shown_kind(const ObjectForm& form);

// The object alone, as the body of a GET or within a watch event: JSON with kind and apiVersion, or the envelope. A Table
// of one row where that is the shape; `columns` leaves its column definitions out (all but the first event of a watch).
// JSON has no final newline.
void append_object(const ObjectForm& form, const storage::CachedObject& object, bool columns, std::vector<Bytes>& out);
// The same of an object in the storage version that is not in the cache. InternalError if it cannot be converted.
Result<Unit> append_object(const ObjectForm& form, const api::Object& object, std::vector<Bytes>& out);

// An element of a JSON list, written straight from the wire bytes; nothing of it is kept but a row's cells.
void append_list_item(const ObjectForm& form, const storage::CachedObject& object, std::string& out);
// An element of a protobuf list: its tag, and the shared message.
void append_proto_item(const ObjectForm& form, const storage::CachedObject& object, std::vector<Bytes>& out);
// The same as JSON of an object in the storage version that is not in the cache.
void append_item_json(const ObjectForm& form, const api::Object& object, std::string& out);
// What comes before and after the items. Protobuf needs their total length beforehand.
std::string list_head(const ObjectForm& form, const api::meta_v1::ListMeta& meta, std::size_t items_bytes);
std::string list_tail(const ObjectForm& form);
// The length of one item with its tag in a protobuf list.
std::size_t proto_item_bytes(const ObjectForm& form, const storage::CachedObject& object);

// An envelope's bytes before and after `raw_bytes` of message.
std::string envelope_head(const api::GroupVersionKind& kind, std::size_t raw_bytes);
std::string_view envelope_tail();

// The JSON array of a resource's column definitions.
std::string column_definitions(const registry::Resource& resource, const registry::VersionBinding& version);

}  // namespace pintle::apiserver::endpoints
