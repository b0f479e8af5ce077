#include "apiserver/registry/resource.h"

#include <algorithm>

#include "apimachinery/apply/field_manager.h"
#include "base/check.h"

namespace pintle::apiserver::registry {

namespace {

VersionBinding make_binding(const ServedVersion& served, std::string_view resource, unsigned index) {
  VersionBinding binding;
  binding.index = index;
  binding.conversion = &served;
  binding.served = apimachinery::find_served_resource(served.group, served.version, resource);
  CHECK(binding.served != nullptr, "served table lacks " + std::string(resource) + " of " + std::string(served.group));
  binding.kind = api::find_kind(served.group, served.version, binding.served->kind);
  CHECK(binding.kind != nullptr, "schema lacks kind " + std::string(binding.served->kind));
  binding.list_kind = api::find_kind(served.group, served.version, std::string(binding.served->kind) + "List");
  binding.api_version = served.group.empty() ? std::string(served.version) : std::string(served.group) + "/" + std::string(served.version);
  binding.json_head = Bytes("{\"kind\":\"" + std::string(binding.served->kind) + "\",\"apiVersion\":\"" + binding.api_version + "\",");
  binding.list_json_head = "{\"kind\":\"" + std::string(binding.served->kind) + "List\",\"apiVersion\":\"" + binding.api_version + "\",\"metadata\":";
  return binding;
}

}  // namespace

Result<api::Object> VersionBinding::to_storage(api::Object object) const {
  if (conversion->to_storage == nullptr) return object;
  return conversion->to_storage(object);
}

Result<api::Object> VersionBinding::from_storage(const api::Object& object) const {
  if (conversion->from_storage == nullptr) return object;
  return conversion->from_storage(object);
}

Resource::Resource(ResourceDefinition definition) : definition_(std::move(definition)) {
  if (definition_.versions.empty()) {
    for (const auto& group_version : apimachinery::served_group_versions())
      if (group_version.group == definition_.resource.group &&
          apimachinery::find_served_resource(group_version.group, group_version.version, definition_.resource.resource))
        definition_.versions.push_back({group_version.group, group_version.version});
  }
  CHECK(!definition_.versions.empty(), "no version is served of " + definition_.resource.resource);
  for (const ServedVersion& served : definition_.versions)
    versions_.push_back(make_binding(served, definition_.resource.resource, static_cast<unsigned>(versions_.size())));
  for (VersionBinding& binding : versions_) {
    binding.is_storage = binding.conversion->to_storage == nullptr;
    if (binding.served->group == definition_.resource.group && binding.served->version == definition_.storage_version) storage_index_ = binding.index;
  }
  finish();
}

Resource::Resource(ResourceDefinition definition, std::vector<VersionBinding> versions, std::size_t storage_index, std::shared_ptr<const void> owner)
    : owner_(std::move(owner)), definition_(std::move(definition)), versions_(std::move(versions)), storage_index_(storage_index) {
  for (unsigned index = 0; index < versions_.size(); ++index) versions_[index].index = index;
  finish();
}

void Resource::finish() {
  const bool has_status_part =
      std::any_of(definition_.parts.begin(), definition_.parts.end(), [](const PartSubresource& p) { return p.name == "status"; });
  if (definition_.has_status) {
    if (!has_status_part) definition_.parts.push_back({.name = "status"});
    if (std::find(definition_.reset_fields.begin(), definition_.reset_fields.end(), "status") == definition_.reset_fields.end())
      definition_.reset_fields.push_back("status");
  }
  reset_fields_ = apimachinery::field_set_of(definition_.reset_fields);
  for (const PartSubresource& part : definition_.parts) part_reset_fields_.push_back(apimachinery::field_set_of(part.reset_fields));
  prefix_ = "/registry/" + (definition_.key_prefix.empty() ? definition_.resource.resource : std::string(definition_.key_prefix)) + "/";
}

const VersionBinding* Resource::find_version(std::string_view group, std::string_view version) const {
  for (const VersionBinding& binding : versions_)
    if (binding.served->group == group && binding.served->version == version) return &binding;
  return nullptr;
}

const PartSubresource* Resource::find_part(std::string_view name) const {
  for (const PartSubresource& part : definition_.parts)
    if (part.name == name) return &part;
  return nullptr;
}

const ActionSubresource* Resource::find_action(std::string_view name) const {
  for (const ActionSubresource& action : definition_.actions)
    if (action.name == name) return &action;
  return nullptr;
}

const apimachinery::FieldSet& Resource::reset_fields(const PartSubresource* part) const {
  return part == nullptr ? reset_fields_ : part_reset_fields_[static_cast<std::size_t>(part - definition_.parts.data())];
}

std::string Resource::key(std::string_view ns, std::string_view object_name) const {
  std::string key = prefix_;
  if (!ns.empty()) key.append(ns) += '/';
  return key.append(object_name);
}

std::string Resource::prefix_of(std::string_view ns) const { return ns.empty() ? prefix_ : prefix_ + std::string(ns) + "/"; }

}  // namespace pintle::apiserver::registry
