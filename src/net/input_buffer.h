// InputBuffer: what was received and not yet consumed. One read may be under way into prepare()'s span while the front
// is consumed: nothing moves before the next prepare(). Small while idle, bigger while reads fill it.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace pintle::net {

class InputBuffer {
 public:
  InputBuffer() = default;
  explicit InputBuffer(std::string_view received) {
    if (received.empty()) return;
    move_to(received.size());
    std::memcpy(data_.get(), received.data(), received.size());
    end_ = received.size();
  }

  std::string_view view() const { return {data_.get() + begin_, size()}; }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  void consume(std::size_t n) { begin_ += n; }
  // Room for the next read.
  std::span<char> prepare() {
    if (empty()) {
      begin_ = end_ = 0;
      if (capacity_ > step_) {
        data_.reset();
        capacity_ = 0;
      }
    }
    if (capacity_ - end_ < step_) {
      const std::size_t needed = size() + step_;
      if (needed > capacity_) {
        move_to(std::max(needed, size() + size() / slack_part));
      } else {
        std::memmove(data_.get(), data_.get() + begin_, size());
        end_ -= begin_;
        begin_ = 0;
      }
    }
    return {data_.get() + end_, step_};
  }
  // `n` bytes of the span were read.
  void commit(std::size_t n) {
    end_ += n;
    step_ = n == step_ ? std::min(step_ * 4, step_max) : step_min;
  }

 private:
  void move_to(std::size_t capacity) {
    auto bigger = std::make_unique_for_overwrite<char[]>(capacity);
    if (!empty()) std::memcpy(bigger.get(), data_.get() + begin_, size());
    data_ = std::move(bigger);
    capacity_ = capacity;
    end_ -= begin_;
    begin_ = 0;
  }

  static constexpr std::size_t step_min = 2 << 10;
  static constexpr std::size_t step_max = 64 << 10;
  static constexpr std::size_t slack_part = 4;  // a buffer grows by a quarter: many large heads together take what they hold, not double
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t step_ = step_min;
};

}  // namespace pintle::net
