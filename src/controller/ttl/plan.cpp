#include "controller/ttl/plan.h"

#include <limits>

namespace pintle::controller::ttl {

namespace {

constexpr Step all[] = {{0, 100, 0}, {90, 500, 15}, {450, 1000, 30}, {900, 2000, 60}, {1800, std::numeric_limits<std::size_t>::max(), 300}};

}  // namespace

std::span<const Step> steps() { return all; }

std::size_t step_for(std::size_t nodes, std::size_t step) {
  while (nodes > all[step].nodes_max) ++step;
  while (nodes < all[step].nodes_min) --step;
  return step;
}

}  // namespace pintle::controller::ttl
