// OwnerSelector: which pods belong together by the services and controllers that select them: what the default
// constraints of PodTopologySpread count.
#pragma once

#include "api/gen/apps_v1.h"
#include "api/gen/core_v1.h"
#include "apimachinery/selectors/label_selector.h"
#include "client/informers.h"
#include "scheduler/framework/pod_info.h"

namespace pintle::scheduler::plugins {

class OwnerSelector {
 public:
  explicit OwnerSelector(client::Informers& informers);
  // Everything (matches_everything()): nothing selects the pod.
  apimachinery::LabelSelector of(const Pod& pod) const;

 private:
  client::Informer<api::core_v1::Service> services_;
  client::Informer<api::core_v1::ReplicationController> controllers_;
  client::Informer<api::apps_v1::ReplicaSet> replica_sets_;
  client::Informer<api::apps_v1::StatefulSet> stateful_sets_;
};

}  // namespace pintle::scheduler::plugins
