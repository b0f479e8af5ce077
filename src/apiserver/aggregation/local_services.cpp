#include "apiserver/aggregation/local_services.h"

#include "api/codec.h"
#include "apimachinery/discovery/priority.h"

namespace pintle::apiserver::aggregation {

namespace apiregistration = api::apiregistration_v1;

std::set<std::string> DefinedVersions::set(const std::string& definition, const api::apiextensions_v1::CustomResourceDefinition* now) {
  std::set<GroupVersion> versions;
  if (now != nullptr)
    for (const auto& version : now->spec.versions)
      if (version.served) versions.emplace(now->spec.group, version.name);
  std::set<std::string> concerned;
  std::set<GroupVersion>& known = by_definition_[definition];
  for (const GroupVersion& one : known) {
    if (versions.contains(one)) continue;
    const std::string name = one.second + "." + one.first;
    concerned.insert(name);
    if (const auto counted = by_name_.find(name); --counted->second.definitions == 0) by_name_.erase(counted);
  }
  for (const GroupVersion& one : versions) {
    if (known.contains(one)) continue;
    const std::string name = one.second + "." + one.first;
    concerned.insert(name);
    Counted& counted = by_name_[name];
    counted.version = one;
    ++counted.definitions;
  }
  known = std::move(versions);
  if (known.empty()) by_definition_.erase(definition);
  return concerned;
}

namespace {

apiregistration::APIService local_service(const std::string& group, const std::string& version, const char* managed) {
  apiregistration::APIService out;
  out.metadata.name = version + "." + group;
  out.metadata.labels[automanaged_label] = managed;
  out.spec.group = group;
  out.spec.version = version;
  const apimachinery::DiscoveryPriority priority = apimachinery::discovery_priority(group, version);
  out.spec.group_priority_minimum = priority.group;
  out.spec.version_priority = priority.version;
  return out;
}

}  // namespace

std::optional<apiregistration::APIService> DefinedVersions::wanted(const std::string& name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return std::nullopt;
  const auto& [group, version] = found->second.version;
  return local_service(group, version, automanaged_always);
}

apiregistration::APIService add_on_service(const std::string& group, const std::string& version) {
  return local_service(group, version, bootstrap::automanaged_on_start);
}

Action action_for_add_on(const apiregistration::APIService* now) {
  if (now == nullptr) return Action::Create;
  return now->spec.service && now->metadata.labels.contains(automanaged_label) ? Action::Release : Action::None;
}

Action action_for(const apiregistration::APIService* now, const apiregistration::APIService* wanted) {
  if (now == nullptr) return wanted == nullptr ? Action::None : Action::Create;
  const std::string* managed = now->metadata.labels.get(automanaged_label);
  if (managed == nullptr || *managed != automanaged_always) return Action::None;  // somebody else's, or made at the start
  if (wanted == nullptr) return Action::Remove;
  return api::equal(api::type_of<apiregistration::APIServiceSpec>(), &now->spec, &wanted->spec) ? Action::None : Action::Update;
}

}  // namespace pintle::apiserver::aggregation
