#include "apiserver/admission/pod_security/checks.h"

#include <fmt/format.h>

#include <algorithm>

namespace pintle::apiserver::admission::pod_security {
namespace {

template <class Container>
ContainerView view(const Container& c) {
  return {&c.name, c.security_context.get(), &c.ports, {c.liveness_probe.get(), c.readiness_probe.get(), c.startup_probe.get()}, c.lifecycle.get()};
}

bool overridden(const Check& baseline, int minor) {
  return std::any_of(restricted_checks().begin(), restricted_checks().end(),
                     [&](const Check& check) { return check.id == baseline.overridden_by && check.since_minor <= minor; });
}

}  // namespace

PodView::PodView(const api::meta_v1::ObjectMeta& metadata_, const api::core_v1::PodSpec& spec_) : metadata(metadata_), spec(spec_) {
  containers.reserve(spec.init_containers.size() + spec.containers.size() + spec.ephemeral_containers.size());
  for (const auto& container : spec.init_containers) containers.push_back(view(container));
  for (const auto& container : spec.containers) containers.push_back(view(container));
  for (const auto& container : spec.ephemeral_containers) containers.push_back(view(container));
}

Findings evaluate(const LevelVersion& policy, const PodView& pod) {
  Findings out;
  if (policy.level == Level::Privileged) return out;
  const int minor = policy.effective_minor();
  const auto run = [&](const Check& check) {
    if (check.since_minor > minor) return;
    if (Finding finding = check.run(pod, minor)) out.items.push_back(std::move(finding));
  };
  for (const Check& check : baseline_checks())
    if (policy.level == Level::Baseline || !overridden(check, minor)) run(check);
  if (policy.level == Level::Restricted)
    for (const Check& check : restricted_checks()) run(check);
  return out;
}

std::string Findings::reasons() const {
  std::string out;
  for (const Finding& finding : items) out.append(out.empty() ? "" : ", ").append(finding.reason);
  return out;
}

std::string Findings::details() const {
  std::string out;
  for (const Finding& finding : items) {
    out.append(out.empty() ? "" : ", ").append(finding.reason);
    if (!finding.detail.empty()) out.append(" (").append(finding.detail).append(")");
  }
  return out;
}

std::string join_quoted(const std::vector<std::string>& items) {
  return items.empty() ? std::string() : fmt::format("\"{}\"", fmt::join(items, "\", \""));
}

std::string containers_text(const std::vector<std::string>& names) {
  return fmt::format("{} {}", plural(names.size(), "container", "containers"), join_quoted(names));
}

void sort_unique(std::vector<std::string>& items) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
}

}  // namespace pintle::apiserver::admission::pod_security
