#include "apimachinery/apply/field_set.h"

#include <algorithm>
#include <utility>

#include "apimachinery/apply/path_element.h"

namespace pintle::apimachinery {

using Nodes = std::vector<FieldSet::Node>;

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
  for (std::size_t i = 1; i < nodes_.size();) {
    if (nodes_[i - 1].element != nodes_[i].element) {
      ++i;
      continue;
    }
    nodes_[i - 1].member |= nodes_[i].member;
    nodes_[i - 1].children.unite(std::move(nodes_[i].children));
    nodes_.erase(nodes_.begin() + static_cast<std::ptrdiff_t>(i));
  }
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
    while (b != other.nodes_.end() && b->element < node.element) ++b;
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
    while (b != other.nodes_.end() && b->element < node.element) ++b;
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
    while (b != other.nodes_.end() && b->element < node.element) ++b;
    if (b == other.nodes_.end()) return false;
    if (b->element == node.element && ((node.member && b->member) || node.children.intersects(b->children))) return true;
  }
  return false;
}

void FieldSet::visit_paths(std::string& prefix, const std::function<void(const std::string& path)>& visit) const {
  const std::size_t length = prefix.size();
  for (const Node& node : nodes_) {
    path_element::append_path(node.element, prefix);
    if (node.member) visit(prefix);
    node.children.visit_paths(prefix, visit);
    prefix.resize(length);
  }
}

void FieldSet::for_each(const std::function<void(const std::string& path)>& visit) const {
  std::string prefix;
  visit_paths(prefix, visit);
}

}  // namespace pintle::apimachinery
