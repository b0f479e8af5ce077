#include "controller/selinux_warning/volume_users.h"

#include <algorithm>

#include "client/object_store.h"

namespace pintle::controller::selinux_warning {

// As upstream has it, to the blank that is missing.
std::string Conflict::message() const {
  const std::string end = ". If both pods land on the same node, only one of them may access the volume.";
  const auto [mine, name] = client::split_key(pod);
  const auto [theirs, other] = client::split_key(other_pod);
  if (mine != theirs)
    return property + "\"" + value + "\" conflicts with another pod that uses the same volume as this pod with a different " + property + end;
  return property + " \"" + value + "\" conflicts with pod " + std::string(other) + " that uses the same volume as this pod with " + property +
         " \"" + other_value + "\"" + end;
}

std::vector<Conflict> VolumeUsers::conflicts(const Volume& volume, const std::string& pod, const Labelling& labelling) {
  std::vector<Conflict> out;
  const auto add = [&](std::string_view property, const std::string& value, const std::string& other, const std::string& other_value) {
    out.push_back({std::string(property), pod, value, other, other_value});
    out.push_back({std::string(property), other, other_value, pod, value});
  };
  for (const auto& [other, its] : volume.pods) {
    if (other == pod) continue;
    if (its.policy != labelling.policy) add("SELinuxChangePolicy", labelling.policy, other, its.policy);
    if (in_conflict(its.label, labelling.label)) add("SELinuxLabel", labelling.label, other, its.label);
  }
  return out;
}

void VolumeUsers::leave(const std::string& pod, const std::string& name, std::vector<Conflict>& ended) {
  const auto it = volumes_.find(name);
  Volume& volume = it->second;
  for (Conflict& conflict : conflicts(volume, pod, volume.pods.at(pod))) ended.push_back(std::move(conflict));
  volume.pods.erase(pod);
  if (!volume.pods.empty()) return;
  if (const auto driver = by_driver_.find(volume.driver); driver != by_driver_.end()) {
    driver->second.erase(name);
    if (driver->second.empty()) by_driver_.erase(driver);
  }
  volumes_.erase(it);
}

VolumeUsers::Change VolumeUsers::set(const std::string& pod, std::map<std::string, Use> uses) {
  Change change;
  std::set<std::string> left = by_pod_[pod];
  for (auto& [name, use] : uses) {
    if (const auto it = volumes_.find(name); it != volumes_.end()) {
      const auto mine = it->second.pods.find(pod);
      if (mine != it->second.pods.end() && mine->second == use.labelling) {
        left.erase(name);
        continue;
      }
    }
    if (left.erase(name) > 0) leave(pod, name, change.ended);
    Volume& volume = volumes_[name];
    volume.driver = use.driver;
    if (!use.driver.empty()) by_driver_[use.driver].insert(name);
    for (Conflict& conflict : conflicts(volume, pod, use.labelling)) change.begun.push_back(std::move(conflict));
    volume.pods[pod] = std::move(use.labelling);
    by_pod_[pod].insert(name);
  }
  for (const std::string& name : left) {
    leave(pod, name, change.ended);
    by_pod_[pod].erase(name);
  }
  if (by_pod_[pod].empty()) by_pod_.erase(pod);
  return change;
}

std::vector<std::string> VolumeUsers::pods_of_driver(const std::string& driver) const {
  std::vector<std::string> out;
  const auto it = by_driver_.find(driver);
  if (it == by_driver_.end()) return out;
  for (const std::string& name : it->second)
    for (const auto& [pod, labelling] : volumes_.at(name).pods) out.push_back(pod);
  return out;
}

}  // namespace pintle::controller::selinux_warning
