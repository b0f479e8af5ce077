// The checks of the pod security standards, each by the rules of the version asked for.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/core_v1.h"
#include "apiserver/admission/pod_security/policy.h"

namespace pintle::apiserver::admission::pod_security {

// What of a container the checks look at, whichever list it stands in.
struct ContainerView {
  const std::string* name;
  const api::core_v1::SecurityContext* security;  // nullptr: none
  const std::vector<api::core_v1::ContainerPort>* ports;
  const api::core_v1::Probe* probes[3];  // liveness, readiness, startup
  const api::core_v1::Lifecycle* lifecycle;
};

// A pod, or the template of one, under a check.
struct PodView {
  PodView(const api::meta_v1::ObjectMeta& metadata, const api::core_v1::PodSpec& spec);
  const api::meta_v1::ObjectMeta& metadata;
  const api::core_v1::PodSpec& spec;
  std::vector<ContainerView> containers;  // init, main and ephemeral ones
  bool windows() const { return spec.os && spec.os->name == "windows"; }
  bool in_user_namespace() const { return spec.host_users && !*spec.host_users; }
};

// Why a check refuses: "hostPort" and `container "c" uses hostPort 80`. An empty reason: it does not.
struct Finding {
  std::string reason;
  std::string detail;
  explicit operator bool() const { return !reason.empty(); }
};

struct Check {
  std::string_view id;
  int since_minor;
  // The restricted check that takes this one's place at level restricted, and since when; "": none.
  std::string_view overridden_by;
  Finding (*run)(const PodView& pod, int minor);
};
std::span<const Check> baseline_checks();  // by id
std::span<const Check> restricted_checks();

struct Findings {
  std::vector<Finding> items;
  bool allowed() const { return items.empty(); }
  std::string reasons() const;  // hostPort, privileged
  std::string details() const;  // hostPort (container "c" uses hostPort 80), privileged (...)
};
Findings evaluate(const LevelVersion& policy, const PodView& pod);

// Pieces of messages: "container" or "containers", and names in quotes joined by commas.
std::string containers_text(const std::vector<std::string>& names);
std::string join_quoted(const std::vector<std::string>& items);
inline std::string_view plural(std::size_t count, std::string_view one, std::string_view many) { return count == 1 ? one : many; }
void sort_unique(std::vector<std::string>& items);
// procMount of another type than Default.
Finding proc_mount(const PodView& pod);
bool good_seccomp(std::string_view type);

}  // namespace pintle::apiserver::admission::pod_security
