#include "scheduler/cache/pods_by_label.h"

#include "base/check.h"

namespace pintle::scheduler::cache {

namespace {

std::string label_text(std::string_view key, std::string_view value) {
  std::string out;
  out.reserve(key.size() + 1 + value.size());
  out.append(key).push_back('=');  // no key has one
  return out.append(value);
}

}  // namespace

const PodsByLabel::List* PodsByLabel::narrowest(const Namespace& in, const apimachinery::LabelSelector& selector) {
  const List* best = &in.all;
  for (const auto& [key, value] : apimachinery::demanded_labels(selector)) {
    const auto at = in.by_label.find(label_text(key, value));
    if (at == in.by_label.end()) return nullptr;
    if (at->second.size() < best->size()) best = &at->second;
  }
  return best;
}

void PodsByLabel::add(List& list, Alike& alike) {
  const auto which = static_cast<uint32_t>(alike.places.size());
  alike.places.push_back(static_cast<uint32_t>(list.size()));
  list.push_back({&alike, which});
}

void PodsByLabel::remove(List& list, const Alike& alike, std::size_t which) {
  const uint32_t at = alike.places[which];
  const Entry last = list.back();
  list[at] = last;
  last.alike->places[last.which] = at;
  list.pop_back();
  if (list.capacity() > 4 * list.size() + 8) list.shrink_to_fit();
}

void PodsByLabel::enter(Alike& alike) {
  Namespace& in = namespaces_[alike.identity->namespace_name];
  alike.places.reserve(1 + alike.identity->labels.size());
  add(in.all, alike);
  for (const auto& [key, value] : alike.identity->labels) add(in.by_label[label_text(key, value)], alike);
}

void PodsByLabel::leave(const Alike& alike) {
  const auto in = namespaces_.find(alike.identity->namespace_name);
  std::size_t which = 0;
  remove(in->second.all, alike, which);
  for (const auto& [key, value] : alike.identity->labels) {
    const auto at = in->second.by_label.find(label_text(key, value));
    remove(at->second, alike, ++which);
    if (at->second.empty()) in->second.by_label.erase(at);
  }
  if (in->second.all.empty()) namespaces_.erase(in);
}

void PodsByLabel::change(const PlacedPod& pod, const NodeInfo& node, int32_t delta) {
  const auto [found, fresh] = alike_.try_emplace(pod.identity.get());
  Alike& alike = found->second;
  if (fresh) {
    alike.identity = pod.identity;
    enter(alike);
  }
  const auto at = alike.on_node.try_emplace(&node).first;
  at->second.all += delta;
  if (pod.going) at->second.going += delta;
  if (at->second.all == 0) {
    CHECK(at->second.going == 0, "who goes is there");
    alike.on_node.erase(at);
  }
  if (!alike.on_node.empty()) return;
  leave(alike);
  alike_.erase(found);
}

}  // namespace pintle::scheduler::cache
