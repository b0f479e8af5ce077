// The resources of metrics.k8s.io: NodeMetrics and PodMetrics, made of the readings when they are asked for. A pod's metrics are those of the node
// that it is bound to: what another one says of it is not looked at.
#pragma once

#include <memory>
#include <vector>

#include "api/gen/metrics_v1beta1.h"
#include "apiserver/metrics_server/readings.h"
#include "apiserver/registry/strategy.h"

namespace pintle::apiserver::metrics_server {

std::vector<registry::ResourceDefinition> metrics_resources(std::shared_ptr<Readings> readings);

// How what is used is written. Pure.
FlatMap<api::Quantity> usage_of(const Usage& usage);
// Its timestamp and window are those of the container that was looked at first; `containers` has one at least.
void fill(api::metrics_v1beta1::PodMetrics& out, const std::vector<NodeSamples::Container>& containers);
void fill(api::metrics_v1beta1::NodeMetrics& out, const Usage& usage);

}  // namespace pintle::apiserver::metrics_server
