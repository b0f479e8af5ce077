#include "controller/horizontal_pod_autoscaler/selectors.h"

#include "apimachinery/selectors/demanded_label.h"

namespace pintle::controller::horizontal_pod_autoscaler {

namespace {

std::string place_of(std::string_view namespace_name, const apimachinery::LabelSelector& selector) {
  std::string place = std::string(namespace_name) + "/";
  if (const auto label = apimachinery::demanded_label(selector)) place.append(label->first).append("=").append(label->second);
  return place;
}

}  // namespace

void Selectors::remove(const std::string& key) {
  const auto entry = entries_.find(key);
  if (entry == entries_.end()) return;
  const auto place = by_place_.find(entry->second.place);
  place->second.erase(key);
  if (place->second.empty()) by_place_.erase(place);
  entries_.erase(entry);
}

void Selectors::put(const std::string& key, apimachinery::LabelSelector selector) {
  remove(key);
  std::string place = place_of(std::string_view(key).substr(0, key.find('/')), selector);
  by_place_[place].insert(key);
  entries_[key] = {std::move(place), std::move(selector)};
}

void Selectors::add_picking(std::string_view namespace_name, const FlatMap<std::string>& labels, std::set<std::string>& keys) const {
  const auto look = [&](const std::string& place) {
    const auto found = by_place_.find(place);
    if (found == by_place_.end()) return;
    for (const std::string& key : found->second)
      if (entries_.at(key).selector.matches(labels)) keys.insert(key);
  };
  const std::string base = std::string(namespace_name) + "/";
  look(base);
  for (const auto& [label, value] : labels) look(base + label + "=" + value);
}

}  // namespace pintle::controller::horizontal_pod_autoscaler
