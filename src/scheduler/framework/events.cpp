#include "scheduler/framework/events.h"

namespace pintle::scheduler {

std::string node_of_event(const EventInstance& event) {
  if (event.event.resource == EventResource::Node) {
    const Node* node = event.after<Node>() != nullptr ? event.after<Node>() : event.before<Node>();
    return node == nullptr ? std::string() : node->metadata.name;
  }
  if (event.event.resource != EventResource::Pod) return "";
  const Pod* pod = event.after<Pod>() != nullptr ? event.after<Pod>() : event.before<Pod>();
  if (pod == nullptr) return "";
  return pod->spec.node_name.empty() ? pod->status.nominated_node_name : pod->spec.node_name;
}

}  // namespace pintle::scheduler
