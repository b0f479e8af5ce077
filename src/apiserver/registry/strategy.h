// What a resource's folder provides: a ResourceDefinition, which is data (names, versions, flags, selectable fields)
// plus a Strategy, which is behaviour. Everything else (storage, watch cache, patches, apply, tables, discovery ...) is
// the generic registry's. A typical resource is one file of ~30 lines in src/apiserver/resources/<group>/<resource>.cpp:
//
//   class ConfigMapStrategy : public TypedStrategy<core_v1::ConfigMap> {
//     void validate(const RequestScope&, const core_v1::ConfigMap& map, FieldErrors& errors) const override { ... }
//     void table_cells(const core_v1::ConfigMap& map, TableCells& cells) const override { ... }
//   };
//   ResourceDefinition config_maps() { return {.resource = {"", "configmaps"}, .strategy = std::make_shared<ConfigMapStrategy>()}; }
//
// The order of a create, as upstream's:  decode → schema defaults → conversion to the storage version →
//   strategy.set_defaults → uid, creationTimestamp, generateName → managed fields → mutating admission →
//   status cleared, generation 1 → strategy.prepare_for_create → begin_create → object metadata + schema validation →
//   strategy.validate → check → warnings → canonicalize → validating admission → store → finish(stored).
// Of an update: the same with prepare_for_update, begin_update, validate_update on (new, old).
// Strategies see the storage version's type alone, hold no state that changes, and are called from every executor.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/object.h"
#include "api/values.h"
#include "apimachinery/selectors/label_selector.h"
#include "apiserver/types/field_errors.h"
#include "apiserver/types/request_scope.h"
#include "apiserver/types/resource_reader.h"
#include "base/flat_map.h"
#include "base/status.h"
#include "codec/value.h"
#include "rt/task.h"

namespace pintle::apiserver::registry {

// One cell of a table row. `age_of` makes the cell the age of that moment, formed when the row is answered, so that
// the encoded row can be shared for ever.
struct TableCell {
  codec::Value value;
  bool is_age = false;
  api::Time age_of;
  std::string before_age;  // plain text around the age: "3 (" and " ago)"
  std::string after_age;
  TableCell(codec::Value v) : value(std::move(v)) {}
  TableCell(const char* v) : value(v) {}
  TableCell(std::string v) : value(std::move(v)) {}
  TableCell(std::string_view v) : value(v) {}
  TableCell(int64_t v) : value(v) {}
  TableCell(int32_t v) : value(static_cast<int64_t>(v)) {}
  TableCell(bool v) : value(v) {}
  // "5d3h"; "<unknown>" for a zero time.
  static TableCell age(const api::Time& since) {
    TableCell cell{codec::Value()};
    cell.is_age = true;
    cell.age_of = since;
    return cell;
  }
  // "3 (5m ago)".
  static TableCell counted(int64_t count, const api::Time& last) {
    TableCell cell = age(last);
    cell.before_age = std::to_string(count) + " (";
    cell.after_age = " ago)";
    return cell;
  }
};
using TableCells = std::vector<TableCell>;

// Ends what begin_create or begin_update began: `stored` tells whether the write took place (false on dry run).
using Finish = std::function<void(bool stored)>;

// How the generic store removes an object.
struct DeleteSettings {
  int64_t grace_period_seconds = 0;  // asked for by the client; -1: not stated
  bool orphan = false;
  bool foreground = false;
};

// The behaviour of a resource. Every hook has a default that does nothing or what most resources do.
class Strategy {
 public:
  virtual ~Strategy() = default;

  // Defaults that depend on other fields; literal ones of the schema have been applied. Must be idempotent: it also runs
  // on the object as read from the store before an update.
  virtual void set_defaults(api::Object&) const {}

  // Clears what a client may not set, sets what the server sets. Status and generation are cared for by the flags of
  // ResourceDefinition before this is called.
  virtual void prepare_for_create(const RequestScope&, api::Object&) const {}
  virtual void prepare_for_update(const RequestScope&, api::Object&, const api::Object& /*old*/) const {}
  // Beyond metadata and the schema's own constraints. validate_update's errors come with those of validate() unless
  // validate_update_includes_validate() is false.
  virtual void validate(const RequestScope&, const api::Object&, FieldErrors&) const {}
  virtual void validate_update(const RequestScope&, const api::Object&, const api::Object& /*old*/, FieldErrors&) const {}
  virtual bool validate_update_includes_validate() const { return true; }
  // Normalises after validation.
  virtual void canonicalize(api::Object&) const {}
  // Shown to the client as Warning headers.
  virtual void warnings(const RequestScope&, const api::Object&, const api::Object* /*old*/, std::vector<std::string>&) const {}

  // Checks that may wait or that ask for authorization (RBAC escalation ...), after validation.
  virtual bool has_check() const { return false; }
  virtual rt::Task<Result<Unit>> check(RequestScope& scope, const api::Object& object, const api::Object* old) const;

  // Allocators (cluster IPs, node ports): has_begin() true makes the registry call these after prepare_for_* and the
  // Finish (if not empty) once the request is over. They may change the object.
  virtual bool has_begin() const { return false; }
  virtual rt::Task<Result<Finish>> begin_create(RequestScope& scope, api::Object& object) const;
  virtual rt::Task<Result<Finish>> begin_update(RequestScope& scope, api::Object& object, const api::Object& old) const;
  // After the object has gone from the store: release what it held. Must not block.
  virtual void after_delete(const RequestScope&, const api::Object&) const {}

  // Graceful deletion: the seconds of grace of an object about to be marked, at the first DELETE (0: remove at once). The default, nullopt, knows
  // no grace. Pods override it.
  virtual std::optional<int64_t> grace_period_seconds(const RequestScope&, const api::Object&, const DeleteSettings&) const { return std::nullopt; }
  // Called when deletionTimestamp is set for the first time (namespaces set their phase).
  virtual void mark_deleted(const RequestScope&, api::Object&) const {}
  // False keeps an object with a deletionTimestamp and without metadata.finalizers alive (namespaces: spec.finalizers).
  virtual bool may_remove(const api::Object&) const { return true; }
  // Refuses a DELETE (kube-system namespaces, system priority classes, ServiceCIDR default ...).
  virtual Result<Unit> validate_delete(const RequestScope&, const api::Object&) const { return Unit{}; }

  // The cells of the resource's table columns (apimachinery/table has the columns), priority 1 included.
  virtual void table_cells(const api::Object&, TableCells&) const;

  // Seconds after which the object goes by itself (events); 0: never.
  virtual int64_t ttl_seconds(const RequestScope&, const api::Object&) const { return 0; }
};

// A Strategy whose hooks take the generated type.
template <class T>
class TypedStrategy : public Strategy {
 public:
  virtual void set_defaults(T&) const {}
  virtual void prepare_for_create(const RequestScope&, T&) const {}
  virtual void prepare_for_update(const RequestScope&, T&, const T& /*old*/) const {}
  virtual void validate(const RequestScope&, const T&, FieldErrors&) const {}
  virtual void validate_update(const RequestScope&, const T&, const T& /*old*/, FieldErrors&) const {}
  virtual void canonicalize(T&) const {}
  virtual void warnings(const RequestScope&, const T&, const T* /*old*/, std::vector<std::string>&) const {}
  virtual void after_delete(const RequestScope&, const T&) const {}
  virtual std::optional<int64_t> grace_period_seconds(const RequestScope&, const T&, const DeleteSettings&) const { return std::nullopt; }
  virtual void mark_deleted(const RequestScope&, T&) const {}
  virtual bool may_remove(const T&) const { return true; }
  virtual Result<Unit> validate_delete(const RequestScope&, const T&) const { return Unit{}; }
  // Without an override: name and age.
  virtual void table_cells(const T& object, TableCells& cells) const {
    cells.emplace_back(object.metadata.name);
    cells.push_back(TableCell::age(object.metadata.creation_timestamp));
  }
  virtual int64_t ttl_seconds(const RequestScope&, const T&) const { return 0; }

  void set_defaults(api::Object& o) const final { set_defaults(o.as<T>()); }
  void prepare_for_create(const RequestScope& s, api::Object& o) const final { prepare_for_create(s, o.as<T>()); }
  void prepare_for_update(const RequestScope& s, api::Object& o, const api::Object& old) const final {
    prepare_for_update(s, o.as<T>(), old.as<T>());
  }
  void validate(const RequestScope& s, const api::Object& o, FieldErrors& e) const final { validate(s, o.as<T>(), e); }
  void validate_update(const RequestScope& s, const api::Object& o, const api::Object& old, FieldErrors& e) const final {
    validate_update(s, o.as<T>(), old.as<T>(), e);
  }
  void canonicalize(api::Object& o) const final { canonicalize(o.as<T>()); }
  void warnings(const RequestScope& s, const api::Object& o, const api::Object* old, std::vector<std::string>& out) const final {
    warnings(s, o.as<T>(), old ? &old->as<T>() : nullptr, out);
  }
  void after_delete(const RequestScope& s, const api::Object& o) const final { after_delete(s, o.as<T>()); }
  std::optional<int64_t> grace_period_seconds(const RequestScope& s, const api::Object& o, const DeleteSettings& d) const final {
    return grace_period_seconds(s, o.as<T>(), d);
  }
  void mark_deleted(const RequestScope& s, api::Object& o) const final { mark_deleted(s, o.as<T>()); }
  bool may_remove(const api::Object& o) const final { return may_remove(o.as<T>()); }
  Result<Unit> validate_delete(const RequestScope& s, const api::Object& o) const final { return validate_delete(s, o.as<T>()); }
  void table_cells(const api::Object& o, TableCells& cells) const final { table_cells(o.as<T>(), cells); }
  int64_t ttl_seconds(const RequestScope& s, const api::Object& o) const final { return ttl_seconds(s, o.as<T>()); }
};

// A subresource that shows the whole object and changes a part of it: status, ephemeralcontainers, resize, approval,
// finalize. Its strategy's prepare_for_update decides what may change; set_defaults, table_cells and the delete hooks
// are those of the main strategy.
struct PartSubresource {
  std::string name;
  // nullptr for "status": then everything but status (and metadata's managed fields) is kept from the old object.
  std::shared_ptr<const Strategy> strategy = nullptr;
  // Fields that apply never owns here ("spec" for status).
  std::vector<std::string_view> reset_fields = {"spec"};
};

// "status" of resources whose status may touch nothing else, metadata neither.
PartSubresource status_alone();

// What the scale subresource shows of an object.
struct Replicas {
  std::optional<int32_t> wanted;  // none: the object does not say
  int32_t present = 0;
  std::string selector;  // of labels, as text
};

// Where an object has them; its version is the storage version.
class ScaleFields {
 public:
  virtual ~ScaleFields() = default;
  virtual Result<Replicas> read(const api::Object& object) const = 0;
  virtual Result<Unit> write(api::Object& object, int32_t wanted) const = 0;
};

// Of a type with spec.replicas and status.replicas; `selector`: the label selector as text.
template <class T>
class TypedScaleFields final : public ScaleFields {
 public:
  explicit TypedScaleFields(std::string (*selector)(const T&)) : selector_(selector) {}
  Result<Replicas> read(const api::Object& object) const override {
    const T& typed = object.as<T>();
    return Replicas{typed.spec.replicas.value_or(0), typed.status.replicas, selector_(typed)};
  }
  Result<Unit> write(api::Object& object, int32_t wanted) const override {
    object.as<T>().spec.replicas = wanted;
    return Unit{};
  }

 private:
  std::string (*selector_)(const T&);
};
template <class T>
std::shared_ptr<const ScaleFields> usual_scale_fields(std::string (*selector)(const T&)) {
  return std::make_shared<const TypedScaleFields<T>>(selector);
}

struct ScaleSubresource {
  std::string_view version = {};  // that it belongs to; "": each
  std::shared_ptr<const ScaleFields> fields = nullptr;
};

// action.h and version_converter.h have them.
class Action;
class VersionConverter;
struct ActionSubresource {
  std::string name;
  std::shared_ptr<Action> action;
};

// A field that fieldSelector may name, metadata.name and metadata.namespace aside. Its value is read from the stored
// bytes by path: strings as they are, numbers in decimal, booleans as true or false.
struct SelectableField {
  std::string_view name;            // "spec.nodeName"
  std::string_view path = {};       // in the storage version; "": name
  std::string_view or_path = {};    // read if `path` is empty
  std::string_view if_absent = {};  // "false", "0"
  bool indexed = false;             // lists of one value cost what they find
};

// A version in which the resource is served. The hooks convert from and to the storage version; nullptr: same type.
struct ServedVersion {
  std::string_view group;
  std::string_view version;
  Result<api::Object> (*to_storage)(const api::Object&) = nullptr;
  Result<api::Object> (*from_storage)(const api::Object&) = nullptr;
  // Names in this version of selectable fields, where they differ (events: regarding.name for involvedObject.name).
  std::vector<std::pair<std::string_view, std::string_view>> field_names = {};  // {here, in the storage version}
};

enum class NameRule : uint8_t { DnsSubdomain, DnsLabel, Dns1035Label, PathSegment, Any };

// What a resource without storage answers to get and list (componentstatuses, metrics).
class VirtualResource {
 public:
  virtual ~VirtualResource() = default;
  virtual rt::Task<Result<api::Object>> get(RequestScope& scope, std::string name) = 0;
  // Of the scope's namespace ("": all), those that `labels` picks. Fields are the caller's business.
  virtual rt::Task<Result<std::vector<api::Object>>> list(RequestScope& scope, apimachinery::LabelSelector labels) = 0;
};

struct ResourceDefinition {
  GroupResource resource;  // in the group of the storage version
  std::string_view storage_version = "v1";
  // Versions served; empty: those that discovery lists for the group, all of the storage version's type. Kind, scope,
  // verbs, short names come from apimachinery/discovery/served_resources.h.
  std::vector<ServedVersion> versions = {};
  // Below /registry/, without slashes at the ends; "": the resource's name ("pods"). Upstream's oddities:
  // services/specs, services/endpoints, minions, controllers, ingress, apiregistration.k8s.io/apiservices ...
  std::string_view key_prefix = {};

  std::shared_ptr<const Strategy> strategy = std::make_shared<Strategy>();

  bool has_status = false;      // spec/status split: create clears status, update keeps it, "status" is served
  bool has_generation = false;  // metadata.generation: 1 at create, +1 when anything outside metadata and status changes
  NameRule name_rule = NameRule::DnsSubdomain;
  bool allow_create_on_update = false;     // PUT of a missing object creates it
  bool allow_unconditional_update = true;  // PUT without a resourceVersion
  bool return_deleted_object = false;      // DELETE answers with the object rather than a Status
  bool orphan_by_default = false;          // garbage collection default (never true in the groups of today)
  bool no_garbage_collection = false;      // events: propagationPolicy has no effect
  bool deletion_by_finalizer = false;      // definitions: to mark one as deleted is no change of it, and has no grace
  // Fields that apply and update never own in the main resource ("status" when has_status).
  std::vector<std::string_view> reset_fields = {};

  std::vector<SelectableField> selectable_fields = {};
  std::vector<PartSubresource> parts = {};   // "status" is added for has_status unless listed here
  std::vector<ScaleSubresource> scale = {};  // one for a version at most
  std::vector<ActionSubresource> actions = {};
  // Of a resource that a definition brings; nullptr: its versions have the same members.
  std::shared_ptr<const VersionConverter> converter = nullptr;

  // Resources that store nothing: exactly one of these is set, and strategy and the rest are unused.
  std::shared_ptr<Action> create_action = nullptr;
  std::shared_ptr<VirtualResource> virtual_resource = nullptr;
};

}  // namespace pintle::apiserver::registry
