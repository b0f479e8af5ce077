// The metrics that the two controllers of EndpointSlices share, each under its own subsystem.
#pragma once

#include <string>

#include "controller/framework/families.h"
#include "controller/services/slice_census.h"

namespace pintle::controller {

// The names of one subsystem.
struct SliceMetricNames {
  std::string_view added, removed, desired, slices, slices_wanted, changes;
};

class SliceMetrics {
 public:
  SliceMetrics(Families& families, const SliceMetricNames& names);
  // A plan for the Service of that key.
  void planned(const std::string& key, const services::SliceCensus& census);
  // The Service is no more, or has no slices of ours.
  void forget(const std::string& key);
  component::metrics::CounterVec& changes;  // by operation: create, update, delete

 private:
  component::metrics::HistogramVec& added_;
  component::metrics::HistogramVec& removed_;
  Tally desired_, slices_, slices_wanted_;
};

}  // namespace pintle::controller
