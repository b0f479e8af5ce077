#include "controller/framework/slice_metrics.h"

namespace pintle::controller {

namespace {

constexpr auto endpoints_bounds = growing_bounds<15>(2, 2);

}  // namespace

SliceMetrics::SliceMetrics(Families& families, const SliceMetricNames& names)
    : changes(families.counters(names.changes, "Slices that were written.", {"operation"})),
      added_(families.histograms(names.added, "Endpoints that a round adds.", endpoints_bounds, {})),
      removed_(families.histograms(names.removed, "Endpoints that a round takes away.", endpoints_bounds, {})),
      desired_(families.gauges(names.desired, "Endpoints that there are to be.", {})),
      slices_(families.gauges(names.slices, "Slices that there are.", {})),
      slices_wanted_(families.gauges(names.slices_wanted, "Slices that would hold all endpoints if each were filled.", {})) {}

void SliceMetrics::planned(const std::string& key, const services::SliceCensus& census) {
  added_.with({}).observe(static_cast<double>(census.added));
  removed_.with({}).observe(static_cast<double>(census.removed));
  desired_.put(key, {}, static_cast<double>(census.endpoints));
  slices_.put(key, {}, static_cast<double>(census.slices));
  slices_wanted_.put(key, {}, static_cast<double>(census.slices_wanted));
}

void SliceMetrics::forget(const std::string& key) {
  desired_.erase(key);
  slices_.erase(key);
  slices_wanted_.erase(key);
}

}  // namespace pintle::controller
