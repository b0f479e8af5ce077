// VolumeUsers: which pods use which volumes, labelled how, and which of them are in each other's way. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "controller/selinux_warning/labels.h"

namespace pintle::controller::selinux_warning {

// Pods are named by their keys, NAMESPACE/NAME.
struct Conflict {
  std::string property;  // "SELinuxLabel", "SELinuxChangePolicy"
  std::string pod, value;
  std::string other_pod, other_value;
  auto operator<=>(const Conflict&) const = default;

  std::string event_reason() const { return property + "Conflict"; }
  // To `pod`, which learns no name of another namespace.
  std::string message() const;
};

class VolumeUsers {
 public:
  // The pod uses these and no others: a change of the conflicts, each of which is there both ways round.
  struct Change {
    std::vector<Conflict> begun, ended;
  };
  struct Use {
    std::string driver;  // of CSI
    Labelling labelling;
  };
  Change set(const std::string& pod, std::map<std::string, Use> uses);  // by volume
  std::vector<std::string> pods_of_driver(const std::string& driver) const;
  std::size_t volumes() const { return volumes_.size(); }

 private:
  struct Volume {
    std::string driver;
    std::map<std::string, Labelling> pods;
  };
  static std::vector<Conflict> conflicts(const Volume& volume, const std::string& pod, const Labelling& labelling);
  void leave(const std::string& pod, const std::string& volume, std::vector<Conflict>& ended);

  std::map<std::string, Volume> volumes_;
  std::map<std::string, std::set<std::string>> by_pod_, by_driver_;
};

}  // namespace pintle::controller::selinux_warning
