// How long kubelets may go on with the Secrets and ConfigMaps that they have read, by the size of the cluster. Pure.
#pragma once

#include <cstddef>
#include <span>

namespace pintle::controller::ttl {

// Upstream's steps overlap, so that a cluster at the edge of one does not go back and forth.
struct Step {
  std::size_t nodes_min = 0;
  std::size_t nodes_max = 0;
  int seconds = 0;
};
std::span<const Step> steps();
// The step of a cluster with `nodes` that was at `step`.
std::size_t step_for(std::size_t nodes, std::size_t step);

}  // namespace pintle::controller::ttl
