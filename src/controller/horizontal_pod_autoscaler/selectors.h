// Which autoscalers pick a pod: their targets' selectors, found by one label that each demands. Two autoscalers over one pod would pull it
// both ways, so both stop. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "apimachinery/selectors/label_selector.h"

namespace pintle::controller::horizontal_pod_autoscaler {

class Selectors {
 public:
  // `key`: "namespace/name" of the autoscaler; it picks pods of its namespace.
  void put(const std::string& key, apimachinery::LabelSelector selector);
  void remove(const std::string& key);
  // Adds the keys of all that pick a pod of the namespace with these labels.
  void add_picking(std::string_view namespace_name, const FlatMap<std::string>& labels, std::set<std::string>& keys) const;

 private:
  struct Entry {
    std::string place;  // in by_place_
    apimachinery::LabelSelector selector;
  };
  std::map<std::string, Entry> entries_;                                // by key
  std::map<std::string, std::set<std::string>, std::less<>> by_place_;  // "namespace/label=value" or "namespace/" → keys
};

}  // namespace pintle::controller::horizontal_pod_autoscaler
