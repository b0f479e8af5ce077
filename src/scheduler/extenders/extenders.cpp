#include "scheduler/extenders/extenders.h"

#include <fmt/format.h>

#include <algorithm>

#include "component/log.h"
#include "rt/combine.h"

namespace pintle::scheduler::extenders {

namespace log = component::log;

namespace {

void pass_over(const Extender& extender, const Pod& pod, const Status& why) {
  log::info(1, "An extender failed and is passed over", {{"extender", extender.name()}, {"pod", pod_key(pod)}, {"err", why.message}});
}

// The nodes among `nodes` that the answer lists. BadRequest: it lists another.
Result<std::vector<NodePtr>> those_of(const Extender& extender, const std::vector<NodePtr>& nodes, const std::vector<std::string>& names) {
  std::map<std::string_view, const NodePtr*> known;
  for (const NodePtr& node : nodes) known.emplace(node->metadata.name, &node);
  std::vector<NodePtr> out;
  for (const std::string& name : names) {
    const auto found = known.find(name);
    if (found == known.end())
      return bad_request(
          fmt::format("extender \"{}\" claims a filtered node \"{}\" which is not found in the input node list", extender.name(), name));
    if (found->second == nullptr) continue;  // named twice
    out.push_back(*found->second);
    found->second = nullptr;
  }
  return out;
}

Result<VictimsByNode> victims_of(const Extender& extender, const std::map<std::string, VictimNames>& answer, const Extenders::FindPod& find) {
  VictimsByNode out;
  for (const auto& [node, names] : answer) {
    Victims& victims = out[node];
    victims.budget_violations = names.budget_violations;
    for (const std::string& uid : names.uids) {
      PlacedPodPtr pod = find(node, uid);
      if (pod == nullptr)
        return bad_request(fmt::format("extender: {} claims to preempt pod (UID: {}) on node: {}, but the pod is not found on that node",
                                       extender.name(), uid, node));
      victims.pods.push_back(std::move(pod));
    }
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Extenders>> Extenders::make(rt::Runtime& runtime, const std::vector<Spec>& specs) {
  auto out = std::make_unique<Extenders>();
  for (const Spec& spec : specs) {
    TRY_ASSIGN(auto extender, Extender::make(runtime, spec));
    out->extenders_.push_back(std::move(extender));
  }
  return out;
}

bool Extenders::take_part(const Pod& pod) const {
  return std::ranges::any_of(extenders_, [&pod](const auto& one) {
    const Spec& spec = one->spec();
    return (!spec.filter_verb.empty() || !spec.prioritize_verb.empty() || !spec.preempt_verb.empty()) && is_interested(spec, pod);
  });
}

bool Extenders::take_part_in_preemption(const Pod& pod) const {
  return std::ranges::any_of(extenders_, [&pod](const auto& one) { return !one->spec().preempt_verb.empty() && is_interested(one->spec(), pod); });
}

rt::Task<Result<Verdict>> Extenders::filter(rt::Context ctx, PodPtr pod, std::vector<NodePtr> nodes) const {
  Verdict out;
  out.passed = std::move(nodes);
  for (const auto& extender : extenders_) {
    if (out.passed.empty()) break;
    if (extender->spec().filter_verb.empty() || !is_interested(extender->spec(), *pod)) continue;
    auto answer = co_await extender->filter(ctx, pod, out.passed);
    Result<std::vector<NodePtr>> passed = std::vector<NodePtr>();
    if (answer)
      passed = those_of(*extender, out.passed, answer->passed);
    else
      passed = Unexpected(answer.error());
    if (!passed) {
      if (!extender->spec().ignorable) co_return Unexpected(passed.error());
      pass_over(*extender, *pod, passed.error());
      continue;
    }
    out.passed = std::move(*passed);
    for (auto& [node, reason] : answer->unresolvable) out.objections[node] = {Code::UnschedulableAndUnresolvable, std::move(reason)};
    for (auto& [node, reason] : answer->failed) out.objections.try_emplace(node, Objection{Code::Unschedulable, std::move(reason)});
  }
  co_return std::move(out);
}

rt::Task<std::map<std::string, int64_t>> Extenders::prioritize(rt::Context ctx, PodPtr pod, std::vector<NodePtr> nodes) const {
  std::vector<Extender*> asked;
  std::vector<rt::Task<Result<std::map<std::string, int64_t>>>> calls;
  for (const auto& extender : extenders_) {
    if (extender->spec().prioritize_verb.empty() || !is_interested(extender->spec(), *pod)) continue;
    asked.push_back(extender.get());
    calls.push_back(extender->prioritize(ctx, pod, nodes));
  }
  const auto answers = co_await rt::when_all(std::move(calls));
  std::map<std::string, int64_t> out;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (!answers[i]) {  // the others decide, as upstream has it
      pass_over(*asked[i], *pod, answers[i].error());
      continue;
    }
    for (const auto& [node, score] : *answers[i]) out[node] += weighted_score(score, asked[i]->spec().weight);
  }
  co_return std::move(out);
}

rt::Task<Result<VictimsByNode>> Extenders::preempt(rt::Context ctx, PodPtr pod, VictimsByNode victims, FindPod find, WholePod whole_pod) const {
  for (const auto& extender : extenders_) {
    if (victims.empty()) break;
    if (extender->spec().preempt_verb.empty() || !is_interested(extender->spec(), *pod)) continue;
    auto answer = co_await extender->preempt(ctx, pod, victims, whole_pod);
    Result<VictimsByNode> left = VictimsByNode();
    if (answer)
      left = victims_of(*extender, *answer, find);
    else
      left = Unexpected(answer.error());
    if (!left) {
      if (!extender->spec().ignorable) co_return Unexpected(left.error());
      pass_over(*extender, *pod, left.error());
      continue;
    }
    for (auto node = left->begin(); node != left->end();) {
      if (!victims.contains(node->first) || node->second.pods.empty()) {
        const std::string why = fmt::format("expected at least one victim pod on node \"{}\"", node->first);
        if (!extender->spec().ignorable) co_return error(Reason::BadRequest, why);
        log::info(1, "An extender names a node without victims", {{"extender", extender->name()}, {"err", why}});
        node = left->erase(node);
      } else {
        ++node;
      }
    }
    victims = std::move(*left);
  }
  co_return std::move(victims);
}

Extender* Extenders::binder(const Pod& pod) const {
  for (const auto& extender : extenders_)
    if (!extender->spec().bind_verb.empty() && is_interested(extender->spec(), pod)) return extender.get();
  return nullptr;
}

rt::Task<void> Extenders::close() {
  for (const auto& extender : extenders_) co_await extender->close();
}

}  // namespace pintle::scheduler::extenders
