// What extenders are sent and what they answer (upstream's scheduler extender v1). Pure. Answers are read as Go reads them: the names of members
// in any case, unknown members passed over. BadRequest: an answer is no JSON of its form, or tells of an error.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/kubeschedulerconfig_v1.h"
#include "base/status.h"
#include "scheduler/framework/pod_info.h"

namespace pintle::scheduler::extenders {

using Spec = api::kubeschedulerconfig_v1::Extender;

// Whether it looks after every pod, or after a resource that a container of this pod asks for.
bool is_interested(const Spec& spec, const Pod& pod);

// Of filter and prioritize: whole nodes, or their names where the extender knows the nodes itself.
std::string nodes_request(const Spec& spec, const Pod& pod, std::span<const NodePtr> nodes);

struct FilterAnswer {
  std::vector<std::string> passed;
  std::map<std::string, std::string> failed;        // why, by node
  std::map<std::string, std::string> unresolvable;  // the same, where preemption would not help
};
Result<FilterAnswer> read_filter(const Spec& spec, std::string_view body);

// Scores by node, as they were given.
Result<std::map<std::string, int64_t>> read_priorities(std::string_view body);
// What an extender's score adds to a node's, whose plugins give up to 100 for each weight where extenders give up to 10. It stays far
// from where sums overflow, whatever the extender says.
int64_t weighted_score(int64_t score, int64_t weight);

// The pods that would leave a node.
struct Victims {
  std::vector<PlacedPodPtr> pods;
  int64_t budget_violations = 0;
};
using VictimsByNode = std::map<std::string, Victims>;
// The object of a pod; nullptr: it has gone, and is not named.
using WholePod = std::function<PodPtr(const PlacedPod&)>;
std::string preempt_request(const Spec& spec, const Pod& pod, const VictimsByNode& victims, const WholePod& whole_pod);

struct VictimNames {
  std::vector<std::string> uids;
  int64_t budget_violations = 0;
};
Result<std::map<std::string, VictimNames>> read_preemption(std::string_view body);

std::string bind_request(const Pod& pod, const std::string& node);
Result<Unit> read_binding(std::string_view body);

}  // namespace pintle::scheduler::extenders
