#include "controller/attach_detach/plan.h"

#include <algorithm>
#include <set>

namespace pintle::controller::attach_detach {

namespace {

using Kind = Step::Kind;

class Round {
 public:
  explicit Round(const Observed& seen) : seen_(seen) {}
  Plan run();

 private:
  void release(const std::string& name, const NodeView& node);
  void attach(const std::string& name, const NodeView& node);
  std::vector<std::string> elsewhere(const std::string& name) const;
  void add(Kind kind, const std::string& node, std::string_view forced = "", std::vector<std::string> others = {}) {
    plan_.steps.push_back({kind, node, forced, std::move(others)});
  }
  void look_again(rt::Duration wait) { plan_.look_again = std::min(plan_.look_again.value_or(wait), wait); }

  const Observed& seen_;
  Plan plan_;
  std::set<std::string> leaving_;  // nodes that it goes off now
  std::string started_;            // the node for which this round makes an attachment
};

void Round::release(const std::string& name, const NodeView& node) {
  if (!node.attachment) return add(Kind::Forget, name);
  if (node.attachment->deleting) {
    leaving_.insert(name);
    return;
  }
  const bool late = node.unwanted_for >= unmount_wait_max;
  const bool timed_out = late && seen_.force_on_timeout;
  if (node.in_use && !node.out_of_service && (node.healthy || !timed_out)) {
    if (!late) look_again(unmount_wait_max - node.unwanted_for);
    return;
  }
  leaving_.insert(name);
  add(Kind::Detach, name, timed_out ? "timeout" : node.out_of_service ? "out-of-service" : "");
}

std::vector<std::string> Round::elsewhere(const std::string& name) const {
  std::vector<std::string> out;
  for (const auto& [other, node] : seen_.nodes)
    if (other != name && ((node.known && (node.attachment || node.wanted)) || other == started_)) out.push_back(other);
  return out;
}

void Round::attach(const std::string& name, const NodeView& node) {
  if (node.attachment) {
    if (node.attachment->deleting) return;  // a new one when it is gone
    if (node.attachment->attached) {
      if (!node.confirmed) add(Kind::Confirm, name);
    } else if (!node.attachment->error.empty()) {
      add(Kind::TellError, name);
    } else if (node.asked_for >= attach_wait_max) {
      add(Kind::TellTimeout, name);
      look_again(attach_wait_max);
    } else {
      look_again(attach_wait_max - node.asked_for);
    }
    return;
  }
  if (!seen_.multi_attach) {
    if (auto others = elsewhere(name); !others.empty()) {
      // Nobody is told while it is on its way.
      if (!std::ranges::all_of(others, [&](const std::string& other) { return leaving_.contains(other); }))
        add(Kind::TellElsewhere, name, "", std::move(others));
      return;
    }
    started_ = name;
  }
  add(Kind::Attach, name);
}

// What goes comes first, so that what waits for it is seen in the same light.
Plan Round::run() {
  for (const auto& [name, node] : seen_.nodes)
    if (node.known && !(node.wanted && seen_.attachable)) release(name, node);
  for (const auto& [name, node] : seen_.nodes)
    if (node.wanted && seen_.attachable) attach(name, node);
  return std::move(plan_);
}

}  // namespace

Plan plan_volume(const Observed& observed) { return Round(observed).run(); }

}  // namespace pintle::controller::attach_detach
