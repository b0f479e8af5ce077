#include "controller/attach_detach/state_of_world.h"

namespace pintle::controller::attach_detach {

std::vector<std::string> StateOfWorld::set_pod(const std::string& pod, const std::string& node, const std::vector<rules::CsiVolume>& volumes,
                                               rt::TimePoint now) {
  const auto it = pods_.find(pod);
  if (it == pods_.end() && volumes.empty()) return {};
  const PodUse before = it != pods_.end() ? it->second : PodUse{};
  PodUse after{node, {}};
  for (const rules::CsiVolume& volume : volumes) after.volumes.insert(unique_name(volume));
  std::set<std::string> touched;
  for (const std::string& unique : before.volumes) {
    if (before.node == node && after.volumes.contains(unique)) continue;
    touched.insert(unique);
    Place& place = volumes_[unique].places[before.node];
    place.pods.erase(pod);
    if (place.pods.empty()) {
      place.unwanted_since = now;
      place.told_elsewhere = false;
      place.told_error.clear();
    }
    drop_if_idle(unique, before.node);
  }
  for (const rules::CsiVolume& volume : volumes) {
    const std::string unique = unique_name(volume);
    KnownVolume& known = volumes_[unique];
    if (known.volume != volume) touched.insert(unique);
    known.volume = volume;
    Place& place = known.places[node];
    nodes_[node].insert(unique);
    place.unwanted_since.reset();
    if (place.pods.insert(pod).second) touched.insert(unique);
  }
  if (after.volumes.empty()) {
    pods_.erase(pod);
  } else {
    pods_[pod] = std::move(after);
  }
  return {touched.begin(), touched.end()};
}

void StateOfWorld::take_up(const rules::CsiVolume& volume, const std::string& node, bool confirmed, rt::TimePoint now) {
  const std::string unique = unique_name(volume);
  KnownVolume& known = volumes_[unique];
  if (known.volume.driver.empty()) known.volume = volume;
  Place& place = known.places[node];
  nodes_[node].insert(unique);
  place.known = true;
  place.confirmed |= confirmed;
  if (place.pods.empty() && !place.unwanted_since) place.unwanted_since = now;
}

void StateOfWorld::forget(const std::string& unique, const std::string& node) {
  Place* there = place(unique, node);
  if (there == nullptr) return;
  there->known = there->confirmed = false;
  there->asked_at.reset();
  there->vanished_at.reset();
  there->told_error.clear();
  drop_if_idle(unique, node);
}

void StateOfWorld::drop_if_idle(const std::string& unique, const std::string& node) {
  const auto volume = volumes_.find(unique);
  if (volume == volumes_.end()) return;
  const auto place = volume->second.places.find(node);
  if (place == volume->second.places.end() || place->second.known || !place->second.pods.empty()) return;
  volume->second.places.erase(place);
  if (volume->second.places.empty()) volumes_.erase(volume);
  const auto there = nodes_.find(node);
  there->second.erase(unique);
  if (there->second.empty()) nodes_.erase(there);
}

KnownVolume* StateOfWorld::find(const std::string& unique) {
  const auto it = volumes_.find(unique);
  return it != volumes_.end() ? &it->second : nullptr;
}

Place* StateOfWorld::place(const std::string& unique, const std::string& node) {
  KnownVolume* volume = find(unique);
  if (volume == nullptr) return nullptr;
  const auto it = volume->places.find(node);
  return it != volume->places.end() ? &it->second : nullptr;
}

std::vector<std::string> StateOfWorld::on_node(const std::string& node) const {
  const auto it = nodes_.find(node);
  return it != nodes_.end() ? std::vector<std::string>(it->second.begin(), it->second.end()) : std::vector<std::string>();
}

std::vector<std::string> StateOfWorld::reported_on(const std::string& node) const {
  std::vector<std::string> out;
  for (std::string& unique : on_node(node))
    if (volumes_.at(unique).places.at(node).confirmed) out.push_back(std::move(unique));
  return out;
}

std::vector<std::string> StateOfWorld::of_driver(const std::string& driver) const {
  const std::string prefix = rules::unique_prefix(driver);
  std::vector<std::string> out;
  for (auto it = volumes_.lower_bound(prefix); it != volumes_.end() && it->first.starts_with(prefix); ++it) out.push_back(it->first);
  return out;
}

}  // namespace pintle::controller::attach_detach
