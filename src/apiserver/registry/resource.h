// Resource: a ResourceDefinition joined with what the table of served resources and the schema say of it, or a definition at run time.
// Constant once made; lives as long as somebody holds it.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/object.h"
#include "api/type.h"
#include "apimachinery/apply/field_set.h"
#include "apimachinery/discovery/served_resources.h"
#include "apiserver/registry/strategy.h"
#include "apiserver/registry/version_shape.h"
#include "base/bytes.h"
#include "base/status.h"

namespace pintle::apiserver::registry {

// A version of a resource as clients see it.
struct VersionBinding {
  const apimachinery::ServedResource* served = nullptr;
  const api::KindInfo* kind = nullptr;
  const api::KindInfo* list_kind = nullptr;
  std::string api_version;  // "apps/v1"
  const ServedVersion* conversion = nullptr;
  const VersionShape* shape = nullptr;  // nullptr: the type says it all
  unsigned index = 0;                   // among the resource's versions
  bool is_storage = false;              // its type is that of the stored bytes
  Bytes json_head;                      // {"kind":"Pod","apiVersion":"v1",   what follows is the object's JSON but for its '{'
  std::string list_json_head;           // {"kind":"PodList","apiVersion":"v1","metadata":
  std::string deprecation = {};         // the warning that every answer carries; empty: none

  const api::Type& type() const { return *kind->type; }
  // BadRequest if the conversion fails.
  Result<api::Object> to_storage(api::Object object) const;
  Result<api::Object> from_storage(const api::Object& object) const;
};

class Resource {
 public:
  // CHECKs that the schema and the served table know the definition's kinds: both are ours.
  explicit Resource(ResourceDefinition definition);
  // A resource that a definition brings at run time. `owner` keeps what bindings and definition view; the bindings are numbered in order.
  Resource(ResourceDefinition definition, std::vector<VersionBinding> versions, std::size_t storage_index, std::shared_ptr<const void> owner);
  Resource(const Resource&) = delete;
  Resource& operator=(const Resource&) = delete;

  const ResourceDefinition& definition() const { return definition_; }
  const Strategy& strategy() const { return *definition_.strategy; }
  const GroupResource& name() const { return definition_.resource; }
  bool namespaced() const { return versions_.front().served->namespaced; }
  std::string_view kind() const { return versions_.front().kind->gvk.kind; }
  // Its objects are api::CustomObjects.
  bool custom() const { return versions_.front().shape != nullptr; }
  // Set once: its definition is about to go, and no more objects are made.
  bool closed() const { return closed_.load(std::memory_order_relaxed); }
  void close() const { closed_.store(true, std::memory_order_relaxed); }
  bool stored() const { return definition_.create_action == nullptr && definition_.virtual_resource == nullptr; }
  const std::vector<VersionBinding>& versions() const { return versions_; }
  const VersionBinding& storage_version() const { return versions_[storage_index_]; }
  // nullptr if it is not served in this group and version.
  const VersionBinding* find_version(std::string_view group, std::string_view version) const;
  const PartSubresource* find_part(std::string_view name) const;
  const ActionSubresource* find_action(std::string_view name) const;
  // What a write to the main resource (nullptr) or to a part never owns.
  const apimachinery::FieldSet& reset_fields(const PartSubresource* part) const;

  // "/registry/pods/".
  const std::string& prefix() const { return prefix_; }
  std::string key(std::string_view ns, std::string_view object_name) const;
  // The keys of one namespace, or of all for "".
  std::string prefix_of(std::string_view ns) const;

 private:
  void finish();

  std::shared_ptr<const void> owner_;
  mutable std::atomic<bool> closed_ = false;
  ResourceDefinition definition_;
  std::vector<VersionBinding> versions_;
  std::size_t storage_index_ = 0;
  std::string prefix_;
  apimachinery::FieldSet reset_fields_;
  std::vector<apimachinery::FieldSet> part_reset_fields_;  // as definition_.parts
};

}  // namespace pintle::apiserver::registry
