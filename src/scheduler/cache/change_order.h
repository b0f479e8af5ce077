// ChangeOrder: which rows of a table changed after a moment, the last one first, each once: what whoever keeps something by row has to look at again.
#pragma once

#include <cstdint>
#include <vector>

namespace pintle::scheduler::cache {

class ChangeOrder {
 public:
  std::size_t size() const { return rows_.size(); }
  // The row changed at `generation`, which rises with each call. Rows are made up to it.
  void touch(uint32_t row, uint64_t generation) {
    if (row >= rows_.size()) {
      rows_.resize(row + 1);
    } else if (rows_[row].generation != 0) {
      if (newest_ == row) {
        rows_[row].generation = generation;
        return;
      }
      unlink(row);
    }
    rows_[row] = {generation, none, newest_};
    if (newest_ != none) rows_[newest_].newer = row;
    newest_ = row;
  }
  uint64_t at(uint32_t row) const { return rows_[row].generation; }
  template <class Visit>
  void each_since(uint64_t generation, Visit visit) const {
    for (uint32_t row = newest_; row != none && rows_[row].generation > generation; row = rows_[row].older) visit(row);
  }

 private:
  static constexpr uint32_t none = UINT32_MAX;
  struct Row {
    uint64_t generation = 0;  // 0: not in the order
    uint32_t newer = none;
    uint32_t older = none;
  };
  void unlink(uint32_t row) {
    const Row& old = rows_[row];
    if (old.newer != none) rows_[old.newer].older = old.older;
    if (old.older != none) rows_[old.older].newer = old.newer;
  }

  std::vector<Row> rows_;
  uint32_t newest_ = none;
};

}  // namespace pintle::scheduler::cache
