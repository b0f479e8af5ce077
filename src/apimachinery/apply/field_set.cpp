#include "apimachinery/apply/field_set.h"

#include <algorithm>
#include <utility>

#include "apimachinery/apply/path_element.h"

namespace pintle::apimachinery {

using Nodes = std::vector<FieldSet::Node>;

namespace {

// To the first node from `at` on that is not less: a step, or a search where that is not enough. A large set that is taken from many
// small ones is not walked for each.
template <class It>
void advance_to(It& at, It end, const std::string& element) {
  if (at == end || at->element >= element) return;
  ++at;
  if (at == end || at->element >= element) return;
  at = std::lower_bound(at, end, element, [](const FieldSet::Node& node, const std::string& e) { return node.element < e; });
}

}  // namespace

bool FieldSet::empty() const { return nodes_.empty(); }

bool FieldSet::operator==(const FieldSet& other) const { return nodes_ == other.nodes_; }

const FieldSet::Node* FieldSet::find(std::string_view element) const {
  const auto it = std::ranges::lower_bound(nodes_, element, {}, [](const Node& n) { return std::string_view(n.element); });
  return it != nodes_.end() && it->element == element ? &*it : nullptr;
}

void FieldSet::append(std::string element, bool member, FieldSet children) {
  if (!member && children.empty()) return;
  nodes_.push_back({std::move(element), member, std::move(children)});
}

void FieldSet::sort() {
  const auto less = [](const Node& a, const Node& b) { return a.element < b.element; };
  if (!std::is_sorted(nodes_.begin(), nodes_.end(), less)) std::sort(nodes_.begin(), nodes_.end(), less);
  const auto same = [](const Node& a, const Node& b) { return a.element == b.element; };
  if (std::adjacent_find(nodes_.begin(), nodes_.end(), same) == nodes_.end()) return;
  Nodes distinct;
  std::vector<FieldSet> below;  // of the last of them
  const auto close = [&] {
    if (below.size() > 1)
      distinct.back().children = united(std::move(below));
    else if (!below.empty())
      distinct.back().children = std::move(below.front());
    below.clear();
  };
  for (Node& node : nodes_) {
    if (distinct.empty() || distinct.back().element != node.element) {
      if (!distinct.empty()) close();
      distinct.push_back({std::move(node.element), node.member, {}});
    }
    distinct.back().member |= node.member;
    if (!node.children.empty()) below.push_back(std::move(node.children));
  }
  close();
  nodes_ = std::move(distinct);
}

FieldSet FieldSet::united(std::vector<FieldSet> sets) {
  // In pairs, then pairs of pairs: each node is moved once a round.
  for (std::size_t step = 1; step < sets.size(); step *= 2)
    for (std::size_t i = 0; i + step < sets.size(); i += 2 * step) sets[i].unite(std::move(sets[i + step]));
  return sets.empty() ? FieldSet() : std::move(sets.front());
}

void FieldSet::insert_path(const std::vector<std::string_view>& names) {
  FieldSet path;
  for (auto it = names.rbegin(); it != names.rend(); ++it) {
    FieldSet outer;
    const bool leaf = it == names.rbegin();
    outer.append(path_element::field(*it), leaf, std::move(path));
    path = std::move(outer);
  }
  unite(std::move(path));
}

void FieldSet::unite(const FieldSet& other) { unite(FieldSet(other)); }

void FieldSet::unite(FieldSet&& other) {
  if (other.nodes_.empty()) return;
  if (nodes_.empty()) {
    nodes_ = std::move(other.nodes_);
    return;
  }
  Nodes merged;
  merged.reserve(nodes_.size() + other.nodes_.size());
  auto a = nodes_.begin();
  auto b = other.nodes_.begin();
  while (a != nodes_.end() || b != other.nodes_.end()) {
    if (b == other.nodes_.end() || (a != nodes_.end() && a->element < b->element)) {
      merged.push_back(std::move(*a++));
    } else if (a == nodes_.end() || b->element < a->element) {
      merged.push_back(std::move(*b++));
    } else {
      a->member |= b->member;
      a->children.unite(std::move(b->children));
      merged.push_back(std::move(*a++));
      ++b;
    }
  }
  nodes_ = std::move(merged);
}

// Drops what has become empty.
void FieldSet::prune() {
  std::erase_if(nodes_, [](const Node& node) { return !node.member && node.children.empty(); });
}

void FieldSet::subtract(const FieldSet& other) {
  auto b = other.nodes_.begin();
  for (Node& node : nodes_) {
    advance_to(b, other.nodes_.end(), node.element);
    if (b == other.nodes_.end()) break;
    if (b->element != node.element) continue;
    if (b->member) node.member = false;
    node.children.subtract(b->children);
  }
  prune();
}

void FieldSet::subtract_recursively(const FieldSet& other) {
  auto b = other.nodes_.begin();
  for (Node& node : nodes_) {
    advance_to(b, other.nodes_.end(), node.element);
    if (b == other.nodes_.end()) break;
    if (b->element != node.element) continue;
    if (b->member) {
      node.member = false;
      node.children = FieldSet();
    } else {
      node.children.subtract_recursively(b->children);
    }
  }
  prune();
}

void FieldSet::intersect(const FieldSet& other) {
  for (Node& node : nodes_) {
    const Node* match = other.find(node.element);
    if (match == nullptr) {
      node.member = false;
      node.children = FieldSet();
    } else {
      node.member &= match->member;
      node.children.intersect(match->children);
    }
  }
  prune();
}

bool FieldSet::intersects(const FieldSet& other) const {
  auto b = other.nodes_.begin();
  for (const Node& node : nodes_) {
    advance_to(b, other.nodes_.end(), node.element);
    if (b == other.nodes_.end()) return false;
    if (b->element == node.element && ((node.member && b->member) || node.children.intersects(b->children))) return true;
  }
  return false;
}

bool FieldSet::visit_paths(std::string& prefix, const std::function<bool(const std::string& path)>& visit) const {
  const std::size_t length = prefix.size();
  for (const Node& node : nodes_) {
    path_element::append_path(node.element, prefix);
    if (node.member && !visit(prefix)) return false;
    if (!node.children.visit_paths(prefix, visit)) return false;
    prefix.resize(length);
  }
  return true;
}

void FieldSet::for_each(const std::function<bool(const std::string& path)>& visit) const {
  std::string prefix;
  visit_paths(prefix, visit);
}

}  // namespace pintle::apimachinery
