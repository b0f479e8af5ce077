#include "storage/cache/object_tree.h"

#include <algorithm>

namespace pintle::storage {

// The last leaf whose first key is not greater than `key`; 0 if there is none such.
std::size_t ObjectTree::leaf_of(const Root& root, std::string_view key) {
  const auto it = std::upper_bound(root.leaves.begin(), root.leaves.end(), key,
                                   [](std::string_view k, const std::shared_ptr<Leaf>& leaf) { return k < leaf->items.front()->key(); });
  return it == root.leaves.begin() ? 0 : static_cast<std::size_t>(it - root.leaves.begin()) - 1;
}

std::size_t ObjectTree::item_of(const Leaf& leaf, std::string_view key) {
  const auto it = std::lower_bound(leaf.items.begin(), leaf.items.end(), key,
                                   [](const CachedObjectPtr& object, std::string_view k) { return object->key() < k; });
  return static_cast<std::size_t>(it - leaf.items.begin());
}

ObjectTree::Position ObjectTree::Snapshot::seek(std::string_view key, bool exclusive) const {
  if (!root_ || root_->leaves.empty()) return end();
  Position position{leaf_of(*root_, key), 0};
  const Leaf& leaf = *root_->leaves[position.leaf];
  position.item = item_of(leaf, key);
  if (exclusive && position.item < leaf.items.size() && leaf.items[position.item]->key() == key) ++position.item;
  if (position.item == leaf.items.size()) return {position.leaf + 1, 0};
  return position;
}

ObjectTree::Position ObjectTree::Snapshot::next(Position position) const {
  if (++position.item < root_->leaves[position.leaf]->items.size()) return position;
  return {position.leaf + 1, 0};
}

std::size_t ObjectTree::Snapshot::distance(Position from, Position to) const {
  if (from.leaf == to.leaf) return to.item - from.item;
  std::size_t n = root_->leaves[from.leaf]->items.size() - from.item + to.item;
  for (std::size_t leaf = from.leaf + 1; leaf < to.leaf; ++leaf) n += root_->leaves[leaf]->items.size();
  return n;
}

ObjectTree::Snapshot ObjectTree::snapshot() {
  ++epoch_;
  return Snapshot(root_);
}

CachedObjectPtr ObjectTree::find(std::string_view key) const {
  if (root_->leaves.empty()) return nullptr;
  const Leaf& leaf = *root_->leaves[leaf_of(*root_, key)];
  const std::size_t item = item_of(leaf, key);
  return item < leaf.items.size() && leaf.items[item]->key() == key ? leaf.items[item] : nullptr;
}

ObjectTree::Root& ObjectTree::own_root() {
  if (root_->epoch != epoch_) {
    auto copy = std::make_shared<Root>(*root_);
    copy->epoch = epoch_;
    root_ = std::move(copy);
  }
  return *root_;
}

ObjectTree::Leaf& ObjectTree::own_leaf(std::size_t index) {
  std::shared_ptr<Leaf>& slot = own_root().leaves[index];
  if (slot->epoch != epoch_) {
    auto copy = std::make_shared<Leaf>();
    copy->epoch = epoch_;
    copy->items.reserve(leaf_max);
    copy->items = slot->items;
    slot = std::move(copy);
  }
  return *slot;
}

CachedObjectPtr ObjectTree::put(CachedObjectPtr object) {
  if (root_->leaves.empty()) {
    auto leaf = std::make_shared<Leaf>();
    leaf->epoch = epoch_;
    own_root().leaves.push_back(std::move(leaf));
    root_->leaves.front()->items.push_back(std::move(object));
    size_ = 1;
    return nullptr;
  }
  const std::size_t index = leaf_of(*root_, object->key());
  Leaf& leaf = own_leaf(index);
  const std::size_t item = item_of(leaf, object->key());
  if (item < leaf.items.size() && leaf.items[item]->key() == object->key()) {
    std::swap(leaf.items[item], object);
    return object;
  }
  leaf.items.insert(leaf.items.begin() + static_cast<std::ptrdiff_t>(item), std::move(object));
  ++size_;
  if (leaf.items.size() > leaf_max) split(index, item == leaf_max && index + 1 == root_->leaves.size());
  return nullptr;
}

// Keys that come in order fill their leaves; others leave room on both sides.
void ObjectTree::split(std::size_t index, bool at_end) {
  Root& root = own_root();
  Leaf& leaf = *root.leaves[index];
  const auto from = leaf.items.begin() + static_cast<std::ptrdiff_t>(at_end ? leaf_max : leaf_max / 2);
  auto right = std::make_shared<Leaf>();
  right->epoch = epoch_;
  right->items.reserve(leaf_max);
  right->items.assign(std::make_move_iterator(from), std::make_move_iterator(leaf.items.end()));
  leaf.items.erase(from, leaf.items.end());
  root.leaves.insert(root.leaves.begin() + static_cast<std::ptrdiff_t>(index) + 1, std::move(right));
}

CachedObjectPtr ObjectTree::erase(std::string_view key) {
  if (root_->leaves.empty()) return nullptr;
  const std::size_t index = leaf_of(*root_, key);
  const std::size_t item = item_of(*root_->leaves[index], key);
  const Leaf& seen = *root_->leaves[index];
  if (item == seen.items.size() || seen.items[item]->key() != key) return nullptr;
  Leaf& leaf = own_leaf(index);
  CachedObjectPtr object = std::move(leaf.items[item]);
  leaf.items.erase(leaf.items.begin() + static_cast<std::ptrdiff_t>(item));
  --size_;
  if (leaf.items.size() < leaf_min) shrink(index);
  return object;
}

void ObjectTree::shrink(std::size_t index) {
  Root& root = own_root();
  const auto remove = [&root](std::size_t i) { root.leaves.erase(root.leaves.begin() + static_cast<std::ptrdiff_t>(i)); };
  if (root.leaves[index]->items.empty()) return remove(index);
  const std::size_t left = index == 0 ? 0 : index - 1;
  const std::size_t right = left + 1;
  if (right >= root.leaves.size()) return;
  if (root.leaves[left]->items.size() + root.leaves[right]->items.size() > leaf_max) return;
  Leaf& into = own_leaf(left);
  const Leaf& from = *root.leaves[right];
  into.items.insert(into.items.end(), from.items.begin(), from.items.end());
  remove(right);
}

}  // namespace pintle::storage
