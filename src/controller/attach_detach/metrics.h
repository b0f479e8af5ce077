// storage_count_*, attachdetach_controller_* and what attaching and detaching take.
#pragma once

#include <string>
#include <vector>

#include "controller/framework/families.h"
#include "rt/clock.h"
#include "rules/csi_volume.h"

namespace pintle::controller::attach_detach {

class Metrics {
 public:
  explicit Metrics(Families& families);
  // The pod needs these volumes on that node; none: it is gone.
  void pod_needs(const std::string& pod, const std::string& node, const std::vector<rules::CsiVolume>& volumes);
  // Whether the volume is wanted on the node, and whether it is, or may be, attached there.
  void place(const rules::CsiVolume& volume, const std::string& node, bool wanted, bool known);
  void forced(std::string_view reason) { forced_.with({std::string(reason)}).add(); }
  // `operation`: "volume_attach" or "volume_detach".
  void done(const rules::CsiVolume& volume, std::string_view operation, bool worked, rt::Duration took);

 private:
  Tally in_use_;
  Tally total_;
  component::metrics::CounterVec& forced_;
  component::metrics::HistogramVec& operations_;
  std::map<std::string, std::size_t> needs_;  // by pod: how many of its volumes are counted
};

}  // namespace pintle::controller::attach_detach
