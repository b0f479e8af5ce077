// StateOfWorld: what pods need and what is attached, by volume and node; kept with every event. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rt/clock.h"
#include "rules/csi_volume.h"

namespace pintle::controller::attach_detach {

// A volume and a node.
struct Place {
  std::set<std::string> pods;  // keys of those that need it there
  bool known = false;          // it is, or may be, attached
  bool confirmed = false;      // attached, and not on its way off: the node's status tells so
  std::optional<rt::TimePoint> unwanted_since;
  std::optional<rt::TimePoint> asked_at;
  std::optional<rt::TimePoint> vanished_at;  // its attachment went without our doing
  std::string told_error;                    // the last one that pods were told
  bool told_elsewhere = false;
};

struct KnownVolume {
  rules::CsiVolume volume;
  std::map<std::string, Place> places;  // by node
};

class StateOfWorld {
 public:
  // The pod (by key) needs these volumes on that node, and no others any more. The unique names of all volumes that this touches.
  std::vector<std::string> set_pod(const std::string& pod, const std::string& node, const std::vector<rules::CsiVolume>& volumes, rt::TimePoint now);
  std::vector<std::string> remove_pod(const std::string& pod, rt::TimePoint now) { return set_pod(pod, "", {}, now); }
  // The volume is, or may be, on the node.
  void take_up(const rules::CsiVolume& volume, const std::string& node, bool confirmed, rt::TimePoint now);
  // It is no more.
  void forget(const std::string& unique, const std::string& node);

  KnownVolume* find(const std::string& unique);
  Place* place(const std::string& unique, const std::string& node);
  // Unique names, in order: of the volumes that have to do with the node; of those that its status is to tell of; of a driver's.
  std::vector<std::string> on_node(const std::string& node) const;
  std::vector<std::string> reported_on(const std::string& node) const;
  std::vector<std::string> of_driver(const std::string& driver) const;
  bool empty() const { return volumes_.empty(); }

 private:
  struct PodUse {
    std::string node;
    std::set<std::string> volumes;
  };
  void drop_if_idle(const std::string& unique, const std::string& node);
  std::map<std::string, KnownVolume> volumes_;
  std::map<std::string, PodUse> pods_;
  std::map<std::string, std::set<std::string>> nodes_;  // unique names by node
};

}  // namespace pintle::controller::attach_detach
