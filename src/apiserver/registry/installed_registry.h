// InstalledRegistry: the Registry and ResourceReader of a running server: every resource with its store.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apimachinery/discovery/served_set.h"
#include "apiserver/admission/sequence.h"
#include "apiserver/registry/forbidden_fields.h"
#include "apiserver/registry/gated_fields.h"
#include "apiserver/registry/resource.h"
#include "apiserver/registry/resource_store.h"
#include "apiserver/types/registry.h"

namespace pintle::apiserver::registry {

class InstalledRegistry final : public Registry, public ResourceReader {
 public:
  // What a path's group, version and resource lead to.
  struct Found {
    const Resource* resource = nullptr;
    const VersionBinding* version = nullptr;
    ResourceStore* store = nullptr;  // nullptr: it stores nothing
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
  const apimachinery::ServedSet& served() const { return shown_; }
  // resource is nullptr if it is not served.
  Found find_served(std::string_view group, std::string_view version, std::string_view resource) const;
  const std::vector<std::shared_ptr<const Resource>>& resources() const { return resources_; }
  // nullptr if no such resource is stored here.
  ResourceStore* find(const GroupResource& resource) const;

  ResourceReader& reader() override { return *this; }
  rt::Task<Result<api::Object>> get(RequestScope& scope, GroupResource resource, std::string ns, std::string name) override;
  rt::Task<Result<api::Object>> create(RequestScope& scope, GroupResource resource, std::string ns, api::Object object) override;
  rt::Task<Result<api::Object>> update(RequestScope& scope, GroupResource resource, std::string ns, std::string name, std::string subresource,
                                       Mutation mutation) override;
  rt::Task<Result<api::Object>> remove(RequestScope& scope, GroupResource resource, std::string ns, std::string name, RemoveOptions options) override;

  Result<api::Object> get(const GroupResource& resource, std::string_view ns, std::string_view name) const override;
  std::vector<storage::CachedObjectPtr> list(const GroupResource& resource, std::string_view ns) const override;
  Result<api::Object> decode(const GroupResource& resource, const storage::CachedObject& object) const override;
  void subscribe(const GroupResource& resource, std::function<void(const storage::CacheEvent&)> listener) override;

  // A scope for work that the server does by itself.
  RequestScope own_scope(rt::Context ctx);

 private:
  RequestScope inner_scope(const RequestScope& outer, const GroupResource& resource, std::string ns, std::string name);

  rt::Runtime& runtime_;
  storage::Store& store_;
  const ApiServerOptions& options_;
  const apimachinery::ServedSet shown_;
  const GatedFields gated_fields_;
  const ForbiddenFields forbidden_fields_;
  admission::AdmissionSequence admission_;
  std::unique_ptr<storage::StoreFanout> fanout_;
  std::vector<std::shared_ptr<const Resource>> resources_;
  std::map<GroupResource, std::unique_ptr<ResourceStore>> stores_;
  std::map<std::string, Found, std::less<>> served_;  // "group/version/resource"
};

}  // namespace pintle::apiserver::registry
