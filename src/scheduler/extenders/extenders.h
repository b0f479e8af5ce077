// Extenders: all of a configuration together, in its order. What an ignorable one fails at is passed over; the failure of another ends the pod's
// cycle with an error. What is done together (scores) is asked at the same time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "scheduler/extenders/extender.h"
#include "scheduler/framework/status.h"

namespace pintle::scheduler::extenders {

// Why an extender does not want a node.
struct Objection {
  Code code = Code::Unschedulable;
  std::string reason;
};
struct Verdict {
  std::map<std::string, Objection> objections;  // by node
  std::vector<NodePtr> passed;
};

class Extenders {
 public:
  static Result<std::unique_ptr<Extenders>> make(rt::Runtime& runtime, const std::vector<Spec>& specs);

  // Whether one wants to be asked before the pod has a node: by filter, prioritize or preempt.
  bool take_part(const Pod& pod) const;
  bool take_part_in_preemption(const Pod& pod) const;
  rt::Task<Result<Verdict>> filter(rt::Context ctx, PodPtr pod, std::vector<NodePtr> nodes) const;
  // What is added to the nodes' scores.
  rt::Task<std::map<std::string, int64_t>> prioritize(rt::Context ctx, PodPtr pod, std::vector<NodePtr> nodes) const;
  // What is left of the nodes where pods would leave. `find` is the pod of that uid on that node now; nullptr: there is none.
  using FindPod = std::function<PlacedPodPtr(const std::string& node, const std::string& uid)>;
  rt::Task<Result<VictimsByNode>> preempt(rt::Context ctx, PodPtr pod, VictimsByNode victims, FindPod find, WholePod whole_pod) const;
  // Who binds the pod; nullptr: the scheduler itself.
  Extender* binder(const Pod& pod) const;
  rt::Task<void> close();

 private:
  std::vector<std::unique_ptr<Extender>> extenders_;
};

}  // namespace pintle::scheduler::extenders
