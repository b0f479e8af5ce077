// InputBuffer: what was received and not yet consumed. One read may be under way into prepare()'s span while the front
// is consumed: nothing moves before the next prepare(). Small while idle, bigger while reads fill it.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace pintle::net {

class InputBuffer {
 public:
  InputBuffer() = default;
  explicit InputBuffer(std::string received) : data_(std::move(received)), end_(data_.size()) {}

  std::string_view view() const { return {data_.data() + begin_, end_ - begin_}; }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  void consume(std::size_t n) { begin_ += n; }
  // Room for the next read.
  std::span<char> prepare() {
    if (empty()) {
      begin_ = end_ = 0;
      if (data_.size() > step_) data_ = std::string();
    }
    if (data_.size() - end_ < step_) {
      if (begin_ > 0) {
        std::memmove(data_.data(), data_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
      }
      if (data_.size() - end_ < step_) data_.resize(end_ + step_);
    }
    return {data_.data() + end_, step_};
  }
  // `n` bytes of the span were read.
  void commit(std::size_t n) {
    end_ += n;
    step_ = n == step_ ? std::min(step_ * 4, step_max) : step_min;
  }

 private:
  static constexpr std::size_t step_min = 2 << 10;
  static constexpr std::size_t step_max = 64 << 10;
  std::string data_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t step_ = step_min;
};

}  // namespace pintle::net
