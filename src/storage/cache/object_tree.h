// ObjectTree: the cache's objects, ordered by key, in leaves of a few dozen. A snapshot shares the leaves: a leaf that a
// snapshot may show is copied before it is changed, at most once a snapshot. One thread changes; taking a snapshot and
// changing exclude each other (the owner's mutex), reading a snapshot needs nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "storage/cached_object.h"

namespace pintle::storage {

class ObjectTree {
  struct Leaf {
    uint64_t epoch = 0;
    std::vector<CachedObjectPtr> items;
  };
  struct Root {
    uint64_t epoch = 0;
    std::vector<std::shared_ptr<Leaf>> leaves;  // none empty
  };

 public:
  struct Position {
    std::size_t leaf = 0;
    std::size_t item = 0;
    bool operator==(const Position&) const = default;
  };
  class Snapshot {
   public:
    Snapshot() = default;
    // The first object whose key is not less than `key` (after it, if `exclusive`).
    Position seek(std::string_view key, bool exclusive = false) const;
    Position end() const { return {root_ ? root_->leaves.size() : 0, 0}; }
    const CachedObjectPtr& at(Position position) const { return root_->leaves[position.leaf]->items[position.item]; }
    Position next(Position position) const;
    // Objects from `from` up to `to`, which is not before it.
    std::size_t distance(Position from, Position to) const;

   private:
    friend class ObjectTree;
    explicit Snapshot(std::shared_ptr<const Root> root) : root_(std::move(root)) {}
    std::shared_ptr<const Root> root_;
  };

  Snapshot snapshot();
  // nullptr if there is none.
  CachedObjectPtr find(std::string_view key) const;
  // Puts it in the place of the object with its key, which is returned.
  CachedObjectPtr put(CachedObjectPtr object);
  CachedObjectPtr erase(std::string_view key);
  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t leaf_max = 64;
  static constexpr std::size_t leaf_min = 16;  // smaller ones join a neighbour

  static std::size_t leaf_of(const Root& root, std::string_view key);
  static std::size_t item_of(const Leaf& leaf, std::string_view key);
  Root& own_root();
  Leaf& own_leaf(std::size_t index);
  void split(std::size_t index, bool at_end);
  void shrink(std::size_t index);

  std::shared_ptr<Root> root_ = std::make_shared<Root>();
  uint64_t epoch_ = 0;  // of what no snapshot has seen
  std::size_t size_ = 0;
};

}  // namespace pintle::storage
