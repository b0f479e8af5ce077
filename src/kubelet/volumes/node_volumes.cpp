#include "kubelet/volumes/node_volumes.h"

#include <algorithm>

#include "base/check.h"

namespace pintle::kubelet::volumes {

namespace {

bool makes(StepKind kind) { return kind == StepKind::Stage || kind == StepKind::Publish; }
bool is_of_pod(StepKind kind) { return kind == StepKind::Publish || kind == StepKind::Unpublish; }

Presence after(Presence before, StepKind kind, Outcome outcome) {
  if (outcome == Outcome::Done) return makes(kind) ? Presence::Present : Presence::Absent;
  return outcome == Outcome::NothingDone ? before : Presence::Uncertain;
}

}  // namespace

bool NodeVolume::any_running() const {
  return stage.running || std::ranges::any_of(pods, [](const auto& pod) { return pod.second.running.has_value(); });
}

bool NodeVolume::any_published() const {
  return std::ranges::any_of(pods, [](const auto& pod) { return !pod.second.is_clear(); });
}

const NodeVolume* NodeVolumes::find(std::string_view name) const {
  const auto it = volumes_.find(name);
  return it == volumes_.end() ? nullptr : &it->second;
}

NodeVolume& NodeVolumes::at(std::string_view name) {
  const auto it = volumes_.find(name);
  CHECK(it != volumes_.end(), "a volume is entered before its steps");
  return it->second;
}

void NodeVolumes::enter(const std::string& name, VolumeTraits traits) {
  const auto [it, fresh] = volumes_.try_emplace(name);
  const VolumeTraits& before = it->second.traits;
  CHECK(fresh || before.staged == traits.staged, "a volume keeps its traits while it is there");
  it->second.traits = traits;
}

void NodeVolumes::adopt(const std::string& name, VolumeTraits traits, bool staged, const std::vector<std::string>& pod_uids) {
  enter(name, traits);
  NodeVolume& volume = at(name);
  if (staged) volume.stage.presence = Presence::Uncertain;
  for (const std::string& uid : pod_uids) {
    volume.pods[uid].presence = Presence::Uncertain;
    volume.pods[uid].held = true;
    index(name, uid);
  }
}

void NodeVolumes::let_go(std::string_view name, std::string_view pod_uid) {
  NodeVolume& volume = at(name);
  if (const auto pod = volume.pods.find(pod_uid); pod != volume.pods.end()) pod->second.held = false;
}

VolumePlace& NodeVolumes::place(std::string_view name, const VolumeStep& step) {
  NodeVolume& volume = at(name);
  return is_of_pod(step.kind) ? volume.pods[step.pod_uid] : volume.stage;
}

void NodeVolumes::index(std::string_view name, const std::string& pod_uid) {
  const NodeVolume& volume = at(name);
  const auto it = volume.pods.find(pod_uid);
  if (it != volume.pods.end() && !it->second.is_clear()) {
    by_pod_[pod_uid].emplace(name);
    return;
  }
  const auto pod = by_pod_.find(pod_uid);
  if (pod == by_pod_.end()) return;
  if (const auto named = pod->second.find(name); named != pod->second.end()) pod->second.erase(named);
  if (pod->second.empty()) by_pod_.erase(pod);
}

void NodeVolumes::begin(std::string_view name, const VolumeStep& step) {
  VolumePlace& at = place(name, step);
  CHECK(!at.running, "one step at a time of a place");
  at.running = step.kind;
  at.backing_off.reset();
  at.renew = false;
  if (is_of_pod(step.kind)) index(name, step.pod_uid);
}

void NodeVolumes::end(std::string_view name, const VolumeStep& step, Outcome outcome) {
  VolumePlace& ended = place(name, step);
  CHECK(ended.running == step.kind, "the step that ends is the one that began");
  ended.running.reset();
  ended.presence = after(ended.presence, step.kind, outcome);
  if (outcome != Outcome::Done) ended.backing_off = step.kind;
  if (!is_of_pod(step.kind)) return;
  if (ended.is_clear() && !ended.backing_off) at(name).pods.erase(step.pod_uid);
  index(name, step.pod_uid);
}

void NodeVolumes::end_backoff(std::string_view name, const VolumeStep& step) {
  const auto it = volumes_.find(name);
  if (it == volumes_.end()) return;
  NodeVolume& volume = it->second;
  if (!is_of_pod(step.kind)) {
    if (volume.stage.backing_off == step.kind) volume.stage.backing_off.reset();
    return;
  }
  const auto pod = volume.pods.find(step.pod_uid);
  if (pod == volume.pods.end() || pod->second.backing_off != step.kind) return;
  pod->second.backing_off.reset();
  if (pod->second.is_clear()) volume.pods.erase(pod);
}

void NodeVolumes::end_backoffs(std::string_view name) {
  const auto it = volumes_.find(name);
  if (it == volumes_.end()) return;
  it->second.stage.backing_off.reset();
  for (auto& [uid, place] : it->second.pods) place.backing_off.reset();
  std::erase_if(it->second.pods, [](const auto& pod) { return pod.second.is_clear(); });
}

void NodeVolumes::renew(std::string_view name, std::string_view pod_uid) {
  const auto it = volumes_.find(name);
  if (it == volumes_.end()) return;
  const auto pod = it->second.pods.find(pod_uid);
  if (pod != it->second.pods.end() && pod->second.presence == Presence::Present) pod->second.renew = true;
}

void NodeVolumes::forget(std::string_view name) {
  const auto it = volumes_.find(name);
  CHECK(it != volumes_.end(), "what is forgotten was known");
  CHECK(it->second.stage.is_clear() && !it->second.any_published(), "a volume is undone before it is forgotten");
  volumes_.erase(it);
}

std::set<std::string, std::less<>> NodeVolumes::of_pod(std::string_view pod_uid) const {
  const auto it = by_pod_.find(pod_uid);
  return it == by_pod_.end() ? std::set<std::string, std::less<>>() : it->second;
}

}  // namespace pintle::kubelet::volumes
