// PodStore: the manager's pods, found by owner, by node and by namespace; one informer for all controllers.
// Specs are kept without what no controller reads (commands, environment, probes ...): a pod from here is never written
// back whole; create from templates, and change by patch or from a fresh read.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/informers.h"
#include "client/label_index.h"
#include "controller/objects/controlled.h"
#include "controller/pods/pod_state.h"

namespace pintle::controller::pods {

class PodStore {
 public:
  explicit PodStore(client::Informers& informers);

  client::Informer<api::core_v1::Pod>& informer() { return pods_; }
  PodPtr get(std::string_view key) const { return pods_.get(key); }
  std::vector<PodPtr> controlled_by(std::string_view owner_uid) const { return objects::controlled_by(pods_, owner_uid); }
  // Pods of the namespace that no controller owns and the selector selects.
  std::vector<PodPtr> orphans_selected(std::string_view namespace_name, const apimachinery::LabelSelector& selector) const;
  std::vector<PodPtr> on_node(std::string_view node) const { return pods_.by_index("node", node); }
  // Walks all pods of the namespace: for what is done once, never for an event.
  std::vector<PodPtr> in_namespace(std::string_view namespace_name) const { return pods_.list(namespace_name); }
  std::vector<PodPtr> selected(std::string_view namespace_name, const apimachinery::LabelSelector& selector) {
    return client::selected(pods_, namespace_name, selector);
  }
  // `claim_key`: NAMESPACE/NAME.
  std::vector<PodPtr> using_claim(std::string_view claim_key) const { return pods_.by_index("claim", claim_key); }
  // Of any namespace; those on their way out are not among them.
  std::vector<PodPtr> finished() const { return pods_.by_index("finished", ""); }

  // `owner` is told of each reference of kind `kind` that a changed pod has (or had), `orphan` of each changed pod
  // without a controller whose labels or owner changed.
  struct OwnerHandler {
    std::string kind;
    std::string group;  // of the owner's apiVersion; "" for the core group
    std::function<void(const std::string& namespace_name, const api::meta_v1::OwnerReference& ref, const PodPtr& pod)> owner;
    std::function<void(const api::core_v1::Pod& pod)> orphan;
  };
  void add_owner_handler(OwnerHandler handler);

 private:
  client::Informer<api::core_v1::Pod> pods_;
};

}  // namespace pintle::controller::pods
