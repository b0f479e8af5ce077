// BytesQueue: body pieces in order, and how many bytes they are. An empty queue owns no memory.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace pintle::net {

class BytesQueue {
 public:
  void push(Bytes piece) {
    if (piece.empty()) return;
    bytes_ += piece.size();
    items_.push_back(std::move(piece));
  }
  bool empty() const { return bytes_ == 0; }
  std::size_t bytes() const { return bytes_; }
  // The first piece; not for an empty queue.
  const Bytes& front() const { return items_[head_]; }
  Bytes pop() {
    Bytes piece = std::move(items_[head_]);
    bytes_ -= piece.size();
    advance();
    return piece;
  }
  // Takes the first `n` bytes of the first piece, or the whole of it if it is shorter.
  Bytes pop_up_to(std::size_t n) {
    if (front().size() <= n) return pop();
    Bytes part = items_[head_].substr(0, n);
    items_[head_] = items_[head_].substr(n);
    bytes_ -= n;
    return part;
  }
  void clear() {
    items_ = {};
    head_ = 0;
    bytes_ = 0;
  }

 private:
  void advance() {
    if (++head_ == items_.size()) {
      if (items_.capacity() > keep_items_max) {
        items_ = {};
      } else {
        items_.clear();
      }
      head_ = 0;
    } else if (head_ >= compact_at && head_ * 2 >= items_.size()) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
  }
  static constexpr std::size_t keep_items_max = 64;
  static constexpr std::size_t compact_at = 64;
  std::vector<Bytes> items_;
  std::size_t head_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace pintle::net
