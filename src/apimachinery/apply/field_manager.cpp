#include "apimachinery/apply/field_manager.h"

#include <algorithm>

#include "api/codec.h"
#include "apimachinery/apply/conflicts.h"
#include "apimachinery/apply/last_applied.h"
#include "apimachinery/apply/merge.h"
#include "apimachinery/apply/metadata_access.h"
#include "apimachinery/apply/typed_cursor.h"
#include "apimachinery/apply/walk.h"

namespace pintle::apimachinery {
namespace {

using codec::Value;
using Entries = std::vector<api::meta_v1::ManagedFieldsEntry>;

// Paths that nobody owns. Members go, what lies below them stays.
const FieldSet& never_owned() {
  static const FieldSet set = [] {
    FieldSet fields;
    fields.insert_fields({"apiVersion"});
    fields.insert_fields({"kind"});
    fields.insert_fields({"metadata"});
    for (const std::string_view name :
         {"name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields", "resourceVersion"})
      fields.insert_fields({"metadata", name});
    return fields;
  }();
  return set;
}

// What the walks do not look at: the managed fields themselves, and what the writer never owns.
const FieldSet& excluded_for(const FieldWriter& writer, FieldSet& storage) {
  static const FieldSet managed_only = [] {
    FieldSet fields;
    fields.insert_fields({"metadata", "managedFields"});
    return fields;
  }();
  if (writer.reset_fields == nullptr) return managed_only;
  storage = managed_only;
  storage.unite(*writer.reset_fields);
  return storage;
}

ManagerEntry entry_of(const FieldWriter& writer, bool applied) {
  return {std::string(writer.manager), applied, std::string(writer.api_version), std::string(writer.subresource), {}, {}};
}

// One entry with nothing in it: the client wants the managed fields gone.
bool asks_for_reset(const Entries& entries) {
  return entries.size() == 1 && entries[0].manager.empty() && entries[0].operation.empty() && entries[0].api_version.empty() && !entries[0].time &&
         entries[0].fields_type.empty() && !entries[0].fields_v_1 && entries[0].subresource.empty();
}

// The entries to start from.
ManagedFields starting_point(const Entries& live, const Entries& sent, const FieldWriter& writer) {
  const auto decoded = [](const Entries& entries) {
    auto managed = ManagedFields::decode(entries);
    return managed ? std::move(*managed) : ManagedFields();
  };
  if (!writer.subresource.empty()) return decoded(live);
  if (asks_for_reset(sent)) return {};
  ManagedFields managed = decoded(sent);
  return managed.empty() ? decoded(live) : managed;
}

// What changed, as owners see it who wrote in another version.
class ChangesByVersion {
 public:
  ChangesByVersion(const Changes& own, const FieldWriter& writer) : own_(own) {
    FieldSet storage;
    const FieldSet& excluded = excluded_for(writer, storage);
    for (const OtherVersion& other : writer.others) {
      const SchemaView& schema = *other.schema;
      others_.emplace_back(other.api_version,
                           compare(ValueCursor(schema, schema.root(), other.live), ValueCursor(schema, schema.root(), other.object), &excluded));
    }
  }
  const Changes& of(const ManagerEntry& entry) const {
    const auto other = std::ranges::find(others_, entry.api_version, &std::pair<std::string_view, Changes>::first);
    return other == others_.end() ? own_ : other->second;
  }

 private:
  const Changes& own_;
  std::vector<std::pair<std::string_view, Changes>> others_;
};

void take_from_all(ManagedFields& managed, const ChangesByVersion& changes, const ManagerEntry* except) {
  for (ManagerEntry& entry : managed.entries()) {
    if (&entry == except) continue;
    entry.fields.subtract(changes.of(entry).changed);
    entry.fields.subtract(changes.of(entry).removed);
  }
}

// The ownership after an update that made `changes`.
void record_update(ManagedFields& managed, Changes changes, const FieldWriter& writer) {
  take_from_all(managed, ChangesByVersion(changes, writer), nullptr);
  changes.changed.subtract(never_owned());
  if (!changes.changed.empty()) {
    ManagerEntry owner = entry_of(writer, false);
    ManagerEntry* entry = managed.find(owner);
    if (entry == nullptr) entry = &managed.add(std::move(owner));
    entry->fields.unite(std::move(changes.changed));
    if (!writer.now.zero()) entry->time = writer.now;
  }
  managed.drop_empty();
  managed.cap_updates();
}

bool same_entries(const Entries& a, const Entries& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
    return x.manager == y.manager && x.operation == y.operation && x.api_version == y.api_version && x.time == y.time &&
           x.fields_type == y.fields_type && x.fields_v_1 == y.fields_v_1 && x.subresource == y.subresource;
  });
}

// The new list of entries. `compare` is asked only where tracking is on. An update that changes nothing keeps the
// entries as they stand, undecoded.
template <class Compare>
Entries updated_entries(const Entries& live, Entries sent, bool is_create, const FieldWriter& writer, Compare&& compare) {
  const bool none = live.empty() && sent.empty();
  if (none && !is_create) return {};
  Changes changes = compare();
  if (!changes.any() && same_entries(live, sent)) return live;
  ManagedFields managed = starting_point(live, sent, writer);
  if (managed.empty() && !is_create) return {};
  record_update(managed, std::move(changes), writer);
  return managed.encode();
}

// `allowed`: what the applier may take from anybody.
Result<Unit> check_conflicts(const ManagedFields& managed, const ManagerEntry& applier, const ChangesByVersion& changes, const FieldSet& allowed) {
  Conflicts conflicts;
  for (const ManagerEntry& entry : managed.entries()) {
    const FieldSet& changed = changes.of(entry).changed;
    if (&entry == &applier || !entry.fields.intersects(changed)) continue;
    FieldSet contested = entry.fields;
    contested.intersect(changed);
    contested.subtract(allowed);
    conflicts.add(entry, contested);
  }
  return conflicts.empty() ? Result<Unit>(Unit{}) : Unexpected(conflicts.to_status());
}

// `merged` without what the applier stated before, states no longer, and nobody else owns.
Value prune_dropped(const SchemaView& schema, const Value& merged, const FieldSet& last, const ManagedFields& managed) {
  if (last.empty()) return merged;
  const auto fields_of = [&](const Value& document) { return with_named_parents(schema, collect(ValueCursor(schema, schema.root(), document))); };
  const FieldSet last_fields = with_named_parents(schema, last);
  const FieldSet merged_fields = fields_of(merged);
  std::vector<FieldSet> all;
  for (const ManagerEntry& entry : managed.entries()) all.push_back(with_named_parents(schema, entry.fields));
  FieldSet owned = FieldSet::united(std::move(all));

  // Add back what somebody owns.
  FieldSet kept = fields_of(remove_fields(schema, merged, last_fields));
  kept.unite(std::move(owned));
  FieldSet dropped = merged_fields;
  dropped.subtract(kept);
  // Add back what hung below a removed item without having been the applier's.
  const FieldSet pruned_fields = fields_of(remove_fields(schema, merged, dropped));
  dropped = merged_fields;
  dropped.subtract(pruned_fields);
  dropped.intersect(last_fields);
  return dropped.empty() ? merged : remove_fields(schema, merged, dropped);
}

Value without_managed_fields(Value document) {
  if (Value* metadata = document.find("metadata"); metadata && metadata->is_object()) metadata->as_object().erase("managedFields");
  return document;
}

// Objects written before anything was tracked: what they hold belongs to one manager of that name.
void adopt_untracked(const SchemaView& schema, const Value& live, ManagedFields& managed, const FieldWriter& writer) {
  FieldSet storage;
  const FieldSet& excluded = excluded_for(writer, storage);
  const Value nothing = schema.empty_object();
  Changes changes = compare(ValueCursor(schema, schema.root(), nothing), ValueCursor(schema, schema.root(), live), &excluded);
  FieldWriter before = writer;
  before.manager = "before-first-apply";
  record_update(managed, std::move(changes), before);
}

struct Merge {
  Value object;
  ManagedFields managed;
};

Result<Merge> apply_once(const SchemaView& schema, const Value& live, const Value& config, ManagedFields managed, const FieldWriter& writer,
                         const FieldSet& allowed) {
  FieldSet storage;
  const FieldSet& excluded = excluded_for(writer, storage);
  TRY_ASSIGN(Value merged, merge_config(schema, live, config));

  ManagerEntry owner = entry_of(writer, true);
  ManagerEntry* applier = managed.find(owner);
  if (applier == nullptr) applier = &managed.add(std::move(owner));
  const FieldSet last = std::exchange(applier->fields, collect(ValueCursor(schema, schema.root(), config), &excluded));
  applier->api_version = writer.api_version;

  Merge result;
  result.object = prune_dropped(schema, merged, last, managed);
  const Changes changes = compare(ValueCursor(schema, schema.root(), live), ValueCursor(schema, schema.root(), result.object), &excluded);
  const ChangesByVersion by_version(changes, writer);
  if (!writer.force) TRY(check_conflicts(managed, *applier, by_version, allowed));
  take_from_all(managed, by_version, applier);
  applier->fields.subtract(never_owned());
  if (!(live == result.object)) applier->time = writer.now;
  managed.drop_empty();
  result.managed = std::move(managed);
  return result;
}

}  // namespace

FieldSet field_set_of(std::span<const std::string_view> paths) {
  FieldSet set;
  for (std::string_view path : paths) {
    std::vector<std::string_view> names;
    for (std::size_t dot = 0; dot != std::string_view::npos;) {
      dot = path.find('.');
      names.push_back(path.substr(0, dot));
      if (dot != std::string_view::npos) path.remove_prefix(dot + 1);
    }
    set.insert_path(names);
  }
  return set;
}

void track_update(const api::Object& live, api::Object& object, const FieldWriter& writer) {
  api::meta_v1::ObjectMeta& metadata = metadata_of(object);
  const api::meta_v1::ObjectMeta& before = metadata_of(live);
  FieldSet storage;
  const FieldSet& excluded = excluded_for(writer, storage);
  metadata.managed_fields = updated_entries(before.managed_fields, std::move(metadata.managed_fields), before.uid.empty(), writer, [&] {
    return compare(TypedCursor(live.type(), live.data()), TypedCursor(object.type(), object.data()), &excluded);
  });
}

void track_update(const SchemaView& schema, const Value& live, Value& object, const FieldWriter& writer) {
  FieldSet storage;
  const FieldSet& excluded = excluded_for(writer, storage);
  const Value* metadata = live.find("metadata");
  const bool is_create = metadata == nullptr || metadata->string_at("uid").empty();
  Entries entries = updated_entries(managed_fields_of(live), managed_fields_of(object), is_create, writer, [&] {
    return compare(ValueCursor(schema, schema.root(), live), ValueCursor(schema, schema.root(), object), &excluded);
  });
  set_managed_fields(object, entries);
}

Result<Applied> apply_config(const SchemaView& schema, const Value& live_object, const Value& config, const FieldWriter& writer) {
  if (const Value* metadata = config.find("metadata"); metadata && metadata->find("managedFields") && !metadata->find("managedFields")->is_null())
    return bad_request("metadata.managedFields must be nil");
  auto decoded = ManagedFields::decode(managed_fields_of(live_object));
  if (!decoded) return internal("failed to decode managed fields: " + decoded.error().message);
  ManagedFields managed = std::move(*decoded);
  Value live = without_managed_fields(live_object);
  for (const char* member : {"apiVersion", "kind"})  // the typed form goes without; stating them is no change
    if (const Value* stated = config.find(member); stated && !live.find(member)) live[member] = *stated;
  const Value* metadata = live.find("metadata");
  const bool exists = metadata && !metadata->string_at("uid").empty();
  if (exists && managed.empty()) adopt_untracked(schema, live, managed, writer);

  auto merge = apply_once(schema, live, config, managed, writer, FieldSet());
  if (!merge && writer.manager == kubectl_manager && merge.error().reason == Reason::Conflict) {
    // What kubectl wrote with client-side apply and still stands is its own.
    const FieldSet allowed = unchanged_since_last_applied(schema, live, writer.api_version);
    merge = apply_once(schema, live, config, std::move(managed), writer, allowed);
  }
  if (!merge) return Unexpected(std::move(merge.error()));

  if (writer.manager == kubectl_manager) refresh_last_applied(live, config, merge->object);
  Applied applied;
  applied.changed = !(live == merge->object);
  applied.object = std::move(merge->object);
  set_managed_fields(applied.object, merge->managed.encode());
  return applied;
}

bool same_but_times(std::span<const api::meta_v1::ManagedFieldsEntry> a, std::span<const api::meta_v1::ManagedFieldsEntry> b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
    return x.manager == y.manager && x.operation == y.operation && x.api_version == y.api_version && x.fields_type == y.fields_type &&
           x.fields_v_1 == y.fields_v_1 && x.subresource == y.subresource;
  });
}

}  // namespace pintle::apimachinery
