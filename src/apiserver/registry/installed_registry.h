// InstalledRegistry: the Registry and ResourceReader of a running server: every resource with its store.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apimachinery/discovery/served_set.h"
#include "apiserver/admission/sequence.h"
#include "apiserver/registry/decoded_memo.h"
#include "apiserver/registry/forbidden_fields.h"
#include "apiserver/registry/gated_fields.h"
#include "apiserver/registry/resource.h"
#include "apiserver/registry/resource_store.h"
#include "apiserver/types/registry.h"
#include "base/mutex.h"

namespace pintle::apiserver::registry {

// A version of a custom resource as discovery tells of it.
struct CustomVersion {
  std::string version;
  std::shared_ptr<const apimachinery::RuntimeResource> resource;
};

class InstalledRegistry final : public Registry, public ResourceReader {
 public:
  // What a path's group, version and resource lead to.
  struct Found {
    const Resource* resource = nullptr;
    const VersionBinding* version = nullptr;
    ResourceStore* store = nullptr;    // nullptr: it stores nothing
    std::shared_ptr<const void> held;  // of a resource that may go while a request runs: keeps it
  };

  // `served`: what clients may reach; the server itself reaches every resource that is installed.
  InstalledRegistry(rt::Runtime& runtime, storage::Store& store, const ApiServerOptions& options, apimachinery::ServedSet served);
  ~InstalledRegistry() override;

  // Before start(). CHECKs that no resource comes twice.
  void install(std::vector<ResourceDefinition> definitions);
  // Reads every resource's state into its watch cache. `admission` is asked about every write but the server's own.
  rt::Task<Result<Unit>> start(admission::AdmissionSequence admission);
  rt::Task<void> stop();

  const admission::AdmissionSequence& admission() const { return admission_; }
  // What clients may reach at this moment. Made anew when it is asked for after a change, of the group versions that were there and those that
  // have changed.
  std::shared_ptr<const apimachinery::ServedSet> served() const EXCLUDES(custom_mutex_);
  // Whether something of it is of this version, without making it.
  bool serves_version(std::string_view group, std::string_view version) const EXCLUDES(custom_mutex_);

  // Of these the built-in ones, whose kinds the schema knows.
  const apimachinery::ServedSet& served_by_table() const { return table_; }

  // While the registry runs: a resource that a definition brings, or its next form, whose group, kinds and names are another's no longer.
  // Its cache is full when this returns; watches of its last form have ended.
  rt::Task<Result<Unit>> install_custom(std::shared_ptr<const Resource> resource, std::vector<CustomVersion> described);
  // Ends its watches; its objects stay. Nothing where there is none of that name.
  rt::Task<void> remove_custom(GroupResource resource);
  // resource is nullptr if it is not served.
  Found find_served(std::string_view group, std::string_view version, std::string_view resource) const;
  const std::vector<std::shared_ptr<const Resource>>& resources() const { return resources_; }
  // nullptr if no such resource is stored here.
  std::shared_ptr<ResourceStore> find(const GroupResource& resource) const;
  struct CachedOne {
    std::shared_ptr<ResourceStore> store;
    storage::CachedObjectPtr object;
  };
  // NotFound: there is no such object, or no such resource.
  Result<CachedOne> cached_one(const GroupResource& resource, std::string_view ns, std::string_view name) const;

  ResourceReader& reader() override { return *this; }
  std::optional<KindServed> find_kind(const api::GroupVersionKind& kind) const override EXCLUDES(custom_mutex_);
  rt::Task<Result<api::Object>> get(RequestScope& scope, GroupResource resource, std::string ns, std::string name) override;
  rt::Task<Result<api::Object>> create(RequestScope& scope, GroupResource resource, std::string ns, api::Object object) override;
  rt::Task<Result<api::Object>> update(RequestScope& scope, GroupResource resource, std::string ns, std::string name, std::string subresource,
                                       Mutation mutation) override;
  rt::Task<Result<api::Object>> remove(RequestScope& scope, GroupResource resource, std::string ns, std::string name, RemoveOptions options) override;
  rt::Task<Result<api::Object>> convert(rt::Context ctx, GroupResource resource, api::Object object, std::string from, std::string to) override;
  rt::Task<Result<std::vector<api::Object>>> read_in(rt::Context ctx, GroupResource resource, std::vector<ObjectName> names, std::string in) override;

  Result<api::Object> get(const GroupResource& resource, std::string_view ns, std::string_view name) const override;
  Result<std::shared_ptr<const api::Object>> view(const GroupResource& resource, std::string_view ns, std::string_view name) const override;
  Result<std::shared_ptr<const api::Object>> view(const GroupResource& resource, const storage::CachedObjectPtr& cached) const override;
  std::vector<storage::CachedObjectPtr> list(const GroupResource& resource, std::string_view ns) const override;
  Result<api::Object> decode(const GroupResource& resource, const storage::CachedObject& object) const override;
  void subscribe(const GroupResource& resource, std::function<void(const storage::CacheEvent&)> listener) override;

  // A scope for work that the server does by itself.
  RequestScope own_scope(rt::Context ctx);

 private:
  struct Custom {
    std::shared_ptr<const Resource> resource;
    std::unique_ptr<ResourceStore> store;
    std::vector<CustomVersion> described;
  };
  ResourceStoreDeps store_deps();
  std::shared_ptr<Custom> custom_of(const GroupResource& name) const EXCLUDES(custom_mutex_);
  void forget_custom(const GroupResource& name) REQUIRES(custom_mutex_);
  void show(const Custom& custom) REQUIRES(custom_mutex_);
  void hide(const Custom& custom) REQUIRES(custom_mutex_);
  RequestScope inner_scope(const RequestScope& outer, const GroupResource& resource, std::string ns, std::string name);

  rt::Runtime& runtime_;
  storage::Store& store_;
  const ApiServerOptions& options_;
  const apimachinery::ServedSet table_;  // of the built-in resources
  const GatedFields gated_fields_;
  const ForbiddenFields forbidden_fields_;
  admission::AdmissionSequence admission_;
  std::unique_ptr<storage::StoreFanout> fanout_;
  std::vector<std::shared_ptr<const Resource>> resources_;
  std::map<GroupResource, std::unique_ptr<ResourceStore>> stores_;
  std::map<std::string, KindServed, std::less<>> kinds_;  // "group/version/kind"; constant once installed
  std::map<std::string, Found, std::less<>> served_;      // "group/version/resource"; constant once started, as the two above

  mutable SharedThreadMutex custom_mutex_;
  std::map<GroupResource, std::shared_ptr<Custom>> custom_ GUARDED_BY(custom_mutex_);
  std::unordered_map<std::string, Found> custom_served_ GUARDED_BY(custom_mutex_);
  std::unordered_map<std::string, KindServed> custom_kinds_ GUARDED_BY(custom_mutex_);
  // The versions of a group of what is installed, with their resources by name.
  struct ShownVersion {
    std::map<std::string, std::shared_ptr<const apimachinery::RuntimeResource>> resources;
    std::shared_ptr<const apimachinery::RuntimeGroupVersion> made;  // nullptr: to be made
  };
  mutable std::map<std::string, std::map<std::string, ShownVersion, std::less<>>, std::less<>> shown_versions_ GUARDED_BY(custom_mutex_);
  mutable std::shared_ptr<const apimachinery::ServedSet> shown_ GUARDED_BY(custom_mutex_);  // nullptr: to be made
  mutable DecodedMemo decoded_;                                                             // of built-in resources, whose codecs outlive it
};

}  // namespace pintle::apiserver::registry
