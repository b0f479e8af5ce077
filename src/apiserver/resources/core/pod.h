// Pods: the strategy, its parts (status, ephemeralcontainers, resize) and the actions binding and eviction.
#pragma once

#include "api/gen/core_v1.h"
#include "apiserver/registry/strategy.h"

namespace pintle::apiserver::resources {

void pod_table_cells(const api::core_v1::Pod& pod, registry::TableCells& cells);

// On pods that mirror a file of their node.
constexpr std::string_view mirror_annotation = "kubernetes.io/config.mirror";

std::shared_ptr<const registry::Strategy> make_ephemeral_containers_strategy();
std::shared_ptr<const registry::Strategy> make_resize_strategy();
std::shared_ptr<registry::Action> make_binding_action();
std::shared_ptr<registry::Action> make_eviction_action();

}  // namespace pintle::apiserver::resources
