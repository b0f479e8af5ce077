// ResourceStore: the generic store of one resource: every verb on its objects, over the store and the watch cache, with
// the strategy's hooks in upstream's order. Objects are in the storage version. Thread-safe.
//
// A read sees every write that was acknowledged before it began. A write reads the newest state, checks it and writes
// with a guard on its revision; when another write came between, it starts over with the newer state.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/object.h"
#include "apimachinery/apply/field_manager.h"
#include "apimachinery/selectors/field_selector.h"
#include "apimachinery/selectors/label_selector.h"
#include "apiserver/admission/sequence.h"
#include "apiserver/registry/cached_versions.h"
#include "apiserver/registry/forbidden_fields.h"
#include "apiserver/registry/gated_fields.h"
#include "apiserver/registry/resource.h"
#include "apiserver/registry/resource_codec.h"
#include "apiserver/registry/resource_versions.h"
#include "apiserver/types/options.h"
#include "apiserver/types/registry.h"
#include "apiserver/types/request_parameters.h"
#include "rt/runtime.h"
#include "storage/store.h"
#include "storage/watch_cache.h"

namespace pintle::apiserver::registry {

constexpr int update_attempts_max = 64;                           // then Conflict
constexpr int generate_name_attempts_max = 8;                     // names tried before AlreadyExists
constexpr rt::Duration fresh_wait_max = std::chrono::seconds(3);  // for a revision not yet reached, then 504

struct ResourceStoreDeps {
  rt::Runtime& runtime;
  storage::Store& store;
  storage::StoreFanout& fanout;
  Registry& registry;
  const admission::AdmissionSequence& admission;
  const ApiServerOptions& options;
  const GatedFields& gated_fields;
  const ForbiddenFields& forbidden_fields;
};

// What a list or a watch selects. Field names are those of the version asked in.
struct Selection {
  std::string ns;
  std::string name;  // "": any; a watch or list of one name
  apimachinery::LabelSelector labels;
  apimachinery::FieldSelector fields;
  const VersionBinding* version = nullptr;  // that objects are answered in, where versions differ; nullptr: as they are stored
  bool everything() const { return name.empty() && labels.matches_everything() && fields.empty(); }
};

struct ListAnswer {
  std::vector<storage::CachedObjectPtr> items;
  int64_t revision = 0;
  std::string continue_token;
  std::optional<int64_t> remaining;
  // The state that the continue token meant is compacted: there are no items, and continue_token leads on in the newest state.
  bool expired = false;
};

// Makes the new object of the newest one (nullptr: there is none). Called again after a conflict.
using Transform = std::function<Result<api::Object>(const api::Object* existing)>;

// What admission is asked about in place of the object: the scale subresource shows it a Scale, as upstream's.
struct AdmissionView {
  api::GroupVersionKind kind;
  std::function<api::Object(const api::Object&)> show;
  std::function<void(api::Object& object, const api::Object& shown)> take;  // what mutating admission has made of it
};

// What `transform` is told of the versions in which others own fields of the object, where versions differ. It is called twice then: first with
// `pending`, when whatever it says of owners does not count yet, and again when that object is known in those versions.
struct OtherVersions {
  bool pending = false;
  std::vector<apimachinery::OtherVersion> known;
};

struct UpdateRequest {
  std::string ns;
  std::string name;
  const PartSubresource* part = nullptr;  // nullptr: the main resource
  bool raw = false;                       // no strategy, no validation (pods/binding)
  bool check_uid = false;                 // PUT: another uid is a conflict rather than an invalid change
  Transform transform;
  // Asked before an object that does not exist is created; nullptr: it is NotFound. Who may update may not create for it.
  std::function<rt::Task<Result<Unit>>()> may_create;
  std::optional<AdmissionView> view;  // none: admission sees the object itself
  OtherVersions* others = nullptr;    // outlives the task
};

struct RemoveRequest {
  std::string ns;
  std::string name;
  std::optional<int64_t> grace_period_seconds;
  std::string uid;  // preconditions; "": none
  std::string resource_version;
  std::optional<bool> orphan_dependents;
  std::string propagation_policy;  // "", Orphan, Foreground, Background
  // Checked against the state about to be removed (deletecollection's selectors have been).
  bool collection = false;
};

struct Written {
  api::Object object;
  bool created = false;
  // The same as it is stored; nullptr where another write has come since, and where nothing was written.
  storage::CachedObjectPtr cached;
};
struct Removed {
  api::Object object;  // the last state, or the one that is now on its way out
  bool gone = false;
};

class ResourceStore {
 public:
  ResourceStore(std::shared_ptr<const Resource> resource, ResourceStoreDeps deps);
  ~ResourceStore();
  rt::Task<Result<Unit>> start();
  rt::Task<void> stop();

  const Resource& resource() const { return resource_; }
  const std::shared_ptr<const Resource>& shared_resource() const { return shared_resource_; }
  const ResourceCodec& codec() const { return codec_; }
  storage::WatchCache& cache() { return *cache_; }
  const ResourceStoreDeps& deps() const { return deps_; }

  // Its objects in each version. What get() gives is in the version it was stored in.
  CachedVersions& cached_versions() { return *cached_versions_; }

  // NotFound; with `revision` 0, as the newest acknowledged state, -1: whatever the cache has.
  rt::Task<Result<storage::CachedObjectPtr>> get(rt::Context ctx, std::string ns, std::string name, int64_t revision = 0);
  rt::Task<Result<ListAnswer>> list(rt::Context ctx, Selection selection, ListParameters parameters);
  rt::Task<Result<std::unique_ptr<storage::CacheWatcher>>> watch(rt::Context ctx, Selection selection, ListParameters parameters);

  // Objects in `scope` come and go in the version that it works in: of custom resources the request's, of others the storage version.
  // `object` as decoded, defaulted and converted; its managed fields set.
  rt::Task<Result<Written>> create(RequestScope& scope, api::Object object);
  rt::Task<Result<Written>> update(RequestScope& scope, UpdateRequest request);
  rt::Task<Result<Removed>> remove(RequestScope& scope, RemoveRequest request);
  // Those selected, one after the other; as they were.
  rt::Task<Result<ListAnswer>> remove_collection(RequestScope& scope, Selection selection, ListParameters parameters, RemoveRequest request);

 private:
  const VersionBinding& working_version(const RequestScope& scope) const;
  // What is cached, in the version that `scope` works in; the server itself takes objects as they are stored.
  struct Present {
    api::Object object;
    const VersionBinding* version;
  };
  rt::Task<Result<Present>> present(RequestScope& scope, storage::CachedObjectPtr cached);
  // What is to be stored of an object in `version`.
  rt::Task<Result<Bytes>> stored_form(RequestScope& scope, api::Object& object, const VersionBinding& version);
  // Whether the store holds just this under the key, at that revision.
  rt::Task<Result<bool>> is_stored(RequestScope& scope, std::string key, int64_t revision, Bytes value);
  // What was written, as it is read back: converted there and back.
  // What the cache has of a write, if that is still it.
  storage::CachedObjectPtr cached_write(const std::string& key, int64_t revision) const;
  rt::Task<Result<Unit>> read_back(RequestScope& scope, std::string key, Bytes stored, int64_t revision, const VersionBinding& version,
                                   api::Object& object);
  // The versions, beside the working one, in which fields of `old` are owned.
  std::vector<const VersionBinding*> owners_versions(const api::Object& old, const VersionBinding& working) const;
  // What the request makes of `old`.
  rt::Task<Result<api::Object>> transformed(RequestScope& scope, const UpdateRequest& request, const Present& before);
  // A page of objects in `version` that its own fields select.
  rt::Task<Result<ListAnswer>> list_selected(rt::Context ctx, Selection selection, ListParameters parameters);
  rt::Task<Result<ListAnswer>> list_stored(rt::Context ctx, Selection selection, ListParameters parameters);
  rt::Task<Result<storage::CachedObjectPtr>> newest(rt::Context ctx, std::string key);
  rt::Task<Result<Unit>> wait_for_revision(rt::Context ctx, int64_t revision);
  // Before a write is answered: what admission and authorization read from the cache shows it too.
  rt::Task<void> await_own_write(rt::Context ctx, int64_t revision);
  rt::Task<Result<ListAnswer>> list_at(rt::Context ctx, const Selection& selection, const ListParameters& parameters, int64_t revision,
                                       std::string start, bool at_revision);
  storage::Predicate predicate(const Selection& selection) const;
  Status not_found(std::string_view name) const;
  admission::AdmissionAttributes attributes(RequestScope& scope, admission::Operation operation) const;
  // Where a new object comes from. Upstream heeds the resourceVersion of what is posted alone.
  enum class Origin : uint8_t { Post, Put };
  rt::Task<Result<Written>> create_from(RequestScope& scope, api::Object object, Origin origin);
  rt::Task<Result<Written>> create_named(RequestScope& scope, api::Object object, Origin origin);
  rt::Task<Result<Unit>> admit_create(RequestScope& scope, api::Object& object);
  Result<Unit> check_namespace(RequestScope& scope, api::meta_v1::ObjectMeta& meta) const;
  // Answers with Written::cached.
  rt::Task<Result<storage::CachedObjectPtr>> finish_create(RequestScope& scope, api::Object& object, Origin origin);
  Result<Unit> take_revision(api::meta_v1::ObjectMeta& meta, const api::meta_v1::ObjectMeta& old_meta, std::string_view name) const;
  enum class AdmissionPhase : uint8_t { Mutate, Validate };
  rt::Task<Result<Unit>> admit_update(RequestScope& scope, const UpdateRequest& request, AdmissionPhase phase, api::Object& object,
                                      const api::Object& old) const;
  rt::Task<Result<std::optional<Written>>> try_update(RequestScope& scope, const UpdateRequest& request, const std::string& key);
  rt::Task<Result<std::optional<Written>>> finish_update(RequestScope& scope, const UpdateRequest& request, const std::string& key,
                                                         api::Object& object, const Present& before, int64_t revision);
  // Admission of a DELETE of `old`.
  rt::Task<Result<Unit>> admit_remove(RequestScope& scope, const RemoveRequest& request, const api::Object& old);
  rt::Task<Result<std::optional<Removed>>> try_remove(RequestScope& scope, const RemoveRequest& request, const std::string& key);
  rt::Task<Result<std::optional<Removed>>> remove_now(RequestScope& scope, const std::string& key, api::Object object, int64_t revision);

  const std::shared_ptr<const Resource> shared_resource_;
  const Resource& resource_;
  ResourceStoreDeps deps_;
  const std::shared_ptr<const ResourceCodec> shared_codec_;
  const ResourceCodec& codec_;
  const std::shared_ptr<CachedVersions> cached_versions_;
  std::deque<ResourceVersions> held_in_;  // of each version that admission may hold objects in: those of a custom resource, or the storage version
  std::unique_ptr<storage::WatchCache> cache_;
};

}  // namespace pintle::apiserver::registry
