#include "scheduler/cache/affinity_counts.h"

#include <set>

#include "apimachinery/selectors/demanded_label.h"

namespace pintle::scheduler::cache {

namespace {

using apimachinery::demanded_label;
using apimachinery::LabelSelector;

constexpr char end = '\0';

void append(std::string& out, const LabelSelector& selector) {
  out += selector.matches_nothing() ? '-' : '+';
  out += selector.to_string();
  out += end;
}

// What tells the pods that a term finds from those of another.
void append_finder(std::string& out, const AffinityTerm& term) {
  append(out, term.selector);
  append(out, term.namespace_selector);
  for (const std::string& name : term.namespaces) (out += name) += end;
  out += end;
}

std::string finder_key(std::span<const AffinityTerm> terms) {
  std::string out;
  for (const AffinityTerm& term : terms) append_finder(out, term);
  return out;
}
std::string term_key(const AffinityTerm& term) {
  std::string out;
  append_finder(out, term);
  ((out += term.topology_key) += end) += std::to_string(term.weight);
  return out;
}

std::string label_place(std::string_view key, std::string_view value) { return (std::string(key) += end) += value; }
std::string demanded_place(const LabelSelector& selector) {
  if (const auto label = demanded_label(selector)) return label_place(label->first, label->second);
  return {};
}

// Calls `visit` with what may find a pod of these labels.
template <class Index, class Visit>
void each_at(const Index& index, const FlatMap<std::string>& labels, const Visit& visit) {
  if (index.empty()) return;
  const auto visit_at = [&](const std::string& place) {
    const auto at = index.find(place);
    if (at == index.end()) return;
    for (auto* one : at->second) visit(*one);
  };
  visit_at({});
  for (const auto& [key, value] : labels) visit_at(label_place(key, value));
}

template <class T>
void take_from(std::unordered_map<std::string, std::vector<T*>>& index, const std::string& place, T* one) {
  const auto at = index.find(place);
  std::erase(at->second, one);
  if (at->second.empty()) index.erase(at);
}

}  // namespace

void DomainTally::add(uint32_t domain, int64_t pods) {
  if (domain == DomainColumn::none) return;
  total_ += pods;
  const auto at = counts_.try_emplace(domain, 0).first;
  if ((at->second += pods) == 0) counts_.erase(at);
}

void DomainTally::add_to(std::span<int64_t> scores, std::span<const uint32_t> slots, int64_t weight, DomainNumbers<int64_t>& scratch) const {
  if (counts_.size() > slots.size()) {
    for (std::size_t i = 0; i < slots.size(); ++i) scores[i] += weight * of(column_->at(slots[i]));
    return;
  }
  scratch.clear(column_->size());
  for (const auto& [domain, pods] : counts_) scratch.set(domain, weight * pods);
  for (std::size_t i = 0; i < slots.size(); ++i)
    if (const int64_t* found = scratch.find(column_->at(slots[i]))) scores[i] += *found;
}

std::shared_ptr<const DomainTally> AffinityGroup::domains(const std::shared_ptr<const DomainColumn>& column) {
  const auto known = std::ranges::find_if(domains_, [&](const auto& tally) { return tally->column()->key() == column->key(); });
  if (known != domains_.end() && (*known)->column() == column) return *known;
  auto tally = std::make_shared<DomainTally>(column);
  for (const auto& [node, pods] : on_node_) tally->add(column->at(node->slot), pods);
  if (known != domains_.end())
    domains_.erase(known);
  else if (domains_.size() >= domains_max)
    domains_.erase(domains_.begin());
  domains_.push_back(tally);
  return tally;
}

void AffinityGroup::change(const NodeInfo& node, int64_t delta) {
  const auto at = on_node_.try_emplace(&node, 0).first;
  if ((at->second += delta) == 0) on_node_.erase(at);
  for (const auto& tally : domains_) tally->add(tally->column()->at(node.slot), delta);
}

bool AffinityCounts::covers(const AffinityTerm& term, const std::string& namespace_name) const {
  return term.covers(namespace_name, namespace_labels_ ? namespace_labels_(namespace_name) : nullptr);
}

bool AffinityCounts::matches(const AffinityTerm& term, const std::string& namespace_name, const FlatMap<std::string>& labels) const {
  return term.selector.matches(labels) && covers(term, namespace_name);
}

void AffinityCounts::forget_matching(const std::string& key) {
  const auto it = matching_.find(key);
  take_from(index_, it->second->place, it->second.get());
  used_.erase(it->second->used);
  matching_.erase(it);
}

void AffinityCounts::forget_namespaces() {
  std::vector<std::string> stale;
  for (const auto& [key, group] : matching_)
    if (std::ranges::any_of(group->terms, [](const AffinityTerm& term) { return !term.namespace_selector.matches_nothing(); })) stale.push_back(key);
  for (const std::string& key : stale) forget_matching(key);
}

void AffinityCounts::forget_domains() {
  for (const auto& [key, group] : matching_) group->pods.domains_.clear();
  for (const Terms& of_kind : having_)
    for (const auto& [key, having] : of_kind.terms) having->pods.domains_.clear();
}

void AffinityCounts::change_having(TermKind kind, const AffinityTerm& term, const NodeInfo& node, int64_t delta) {
  if (term.selector.matches_nothing()) return;
  Terms& of_kind = having_[static_cast<std::size_t>(kind)];
  std::string key = term_key(term);
  auto& slot = of_kind.terms[key];
  if (!slot) {
    slot = std::make_unique<Having>(Having{term, {}, demanded_place(term.selector)});
    of_kind.index[slot->place].push_back(slot.get());
  }
  slot->pods.change(node, delta);
  if (!slot->pods.empty()) return;
  take_from(of_kind.index, slot->place, slot.get());
  of_kind.terms.erase(key);
}

void AffinityCounts::change(const PlacedPod& pod, const NodeInfo& node, int64_t delta) {
  for (const AffinityTerm& term : pod.demands->required_affinity) change_having(TermKind::RequiredAffinity, term, node, delta);
  for (const AffinityTerm& term : pod.demands->required_anti_affinity) change_having(TermKind::RequiredAnti, term, node, delta);
  for (const AffinityTerm& term : pod.demands->preferred_affinity) change_having(TermKind::PreferredAffinity, term, node, delta);
  for (const AffinityTerm& term : pod.demands->preferred_anti_affinity) change_having(TermKind::PreferredAnti, term, node, delta);
  each_at(index_, pod.labels(), [&](Matching& group) {
    if (matches_all(group.terms, pod)) group.pods.change(node, delta);
  });
}

AffinityGroup* AffinityCounts::find(std::span<const AffinityTerm> terms) {
  const auto known = matching_.find(finder_key(terms));
  if (known == matching_.end()) return nullptr;
  used_.splice(used_.begin(), used_, known->second->used);
  return &known->second->pods;
}

AffinityGroup& AffinityCounts::make(std::span<const AffinityTerm> terms, const PodsByLabel& pods) {
  std::string key = finder_key(terms);
  if (matching_.size() >= groups_max) forget_matching(std::string(used_.back()));
  auto made = std::make_unique<Matching>();
  Matching& group = *made;
  group.terms.assign(terms.begin(), terms.end());
  // Whoever matches all of them is among those of each: they are looked for by the first that demands a label.
  const AffinityTerm* narrow = terms.empty() ? nullptr : &terms.front();
  for (const AffinityTerm& term : terms) {
    group.place = demanded_place(term.selector);
    if (group.place.empty()) continue;
    narrow = &term;
    break;
  }
  const auto count_in = [&](const std::string& namespace_name) {
    if (!covers(*narrow, namespace_name)) return;
    pods.each_matching(namespace_name, narrow->selector, [&](const PodsByLabel::Alike& alike) {
      if (!matches_all(terms, *alike.identity)) return;
      for (const auto& [node, count] : alike.on_node) group.pods.on_node_[node] += count.all;
    });
  };
  if (narrow != nullptr && narrow->namespace_selector.matches_nothing()) {
    const std::set<std::string> named(narrow->namespaces.begin(), narrow->namespaces.end());
    std::ranges::for_each(named, count_in);
  } else if (narrow != nullptr) {
    pods.each_namespace(count_in);
  }
  index_[group.place].push_back(&group);
  used_.push_front(key);
  group.used = used_.begin();
  matching_.emplace(std::move(key), std::move(made));
  return group.pods;
}

void AffinityCounts::each_having(TermKind kind, const PlacedPod& pod,
                                 const std::function<void(const AffinityTerm& term, AffinityGroup& pods)>& visit) const {
  each_at(having_[static_cast<std::size_t>(kind)].index, pod.labels(), [&](Having& having) {
    if (matches(having.term, pod)) visit(having.term, having.pods);
  });
}

}  // namespace pintle::scheduler::cache
