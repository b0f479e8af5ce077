// FieldManager: keeps metadata.managedFields right on every write. An update gives the writer what it changed and takes
// it from all others; an apply merges a configuration, refuses to take what others own unless forced, and removes what
// the applier no longer states. Pure: the time comes in with the request.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/meta_v1.h"
#include "api/object.h"
#include "api/values.h"
#include "apimachinery/apply/field_set.h"
#include "apimachinery/apply/managed_fields.h"
#include "apimachinery/apply/schema_view.h"
#include "base/status.h"
#include "codec/value.h"

namespace pintle::apimachinery {

// The object before and after in a version in which others own fields of it, where versions differ by more than their names: what changed there is
// what they lose.
struct OtherVersion {
  std::string api_version;
  const SchemaView* schema = nullptr;
  codec::Value live, object;
};

// Who writes, and what part of the object. The views need to live for the call only.
struct FieldWriter {
  std::string_view manager;      // manager_name()
  std::string_view api_version;  // of the request: "apps/v1"
  std::string_view subresource;  // "" for the object itself
  // What a write here never owns ("spec" on status). nullptr: nothing.
  const FieldSet* reset_fields = nullptr;
  api::Time now;       // zero: the entry's time stays as it is (the scale subresource, as upstream)
  bool force = false;  // of an apply
  std::span<const OtherVersion> others = {};
};

// The set of the fields named by dotted paths: {"spec", "metadata.generation"}.
FieldSet field_set_of(std::span<const std::string_view> paths);

// After a create (`live` a default object of the type) or an update, patch, binding ...: sets the managed fields of
// `object`. Those that the client sent are the starting point, if they are valid (on a subresource: those of `live`); an
// update of an object that had none tracks none. Both objects are of one kind with metadata.
void track_update(const api::Object& live, api::Object& object, const FieldWriter& writer);
// The same for documents with a schema.
void track_update(const SchemaView& schema, const codec::Value& live, codec::Value& object, const FieldWriter& writer);

struct Applied {
  codec::Value object;   // with its managed fields; not yet defaulted
  bool changed = false;  // false: nothing but, at most, the managed fields differs from live
};
// Server-side apply of `config` onto `live` (a default object, as JSON, if there is none yet). BadRequest: the
// configuration states managedFields or is malformed. Conflict (409) with a cause FieldManagerConflict for each field.
Result<Applied> apply_config(const SchemaView& schema, const codec::Value& live, const codec::Value& config, const FieldWriter& writer);

// True if both lists say the same but for the times.
bool same_but_times(std::span<const api::meta_v1::ManagedFieldsEntry> a, std::span<const api::meta_v1::ManagedFieldsEntry> b);

}  // namespace pintle::apimachinery
