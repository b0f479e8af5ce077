// What a plan for the EndpointSlices of one Service comes to, as endpoint_slice_controller_* and endpoint_slice_mirroring_controller_* tell it.
#pragma once

#include <cstddef>

namespace pintle::controller::services {

struct SliceCensus {
  std::size_t endpoints = 0;      // that there are to be
  std::size_t slices = 0;         // that there are when the plan is done
  std::size_t slices_wanted = 0;  // that would hold them if each were filled
  std::size_t added = 0, updated = 0, removed = 0;

  void group(std::size_t endpoints_of_it, std::size_t slice_max) {
    endpoints += endpoints_of_it;
    slices_wanted += (endpoints_of_it + slice_max - 1) / slice_max;
  }
};

}  // namespace pintle::controller::services
