#include "apimachinery/cel/arena.h"

#include <algorithm>

namespace pintle::apimachinery::cel {

void* Arena::allocate_chunk(std::size_t bytes) {
  constexpr std::size_t grown_max = 256 << 10;
  total_ += used_;
  const std::size_t size = std::max(bytes, std::min(chunk_bytes << std::min<std::size_t>(chunks_.size(), 6), grown_max));
  chunks_.push_back(std::make_unique_for_overwrite<char[]>(size));  // aligned for any type
  chunk_ = chunks_.back().get();
  chunk_bytes_ = size;
  used_ = bytes;
  return chunk_;
}

void Arena::clear() {
  for (auto i = owned_.rbegin(); i != owned_.rend(); ++i) i->destroy(i->at);
  owned_.clear();
  if (chunks_.size() > 1) chunks_.erase(chunks_.begin() + 1, chunks_.end());
  if (!chunks_.empty()) {
    chunk_ = chunks_[0].get();
    chunk_bytes_ = std::min(chunk_bytes_, chunk_bytes);
  }
  used_ = total_ = 0;
}

}  // namespace pintle::apimachinery::cel
