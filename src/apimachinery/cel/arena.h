// Arena: memory of one evaluation, given back as a whole. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace pintle::apimachinery::cel {

constexpr std::size_t arena_bytes_max = 64 << 20;  // then the evaluation fails

class Arena {
 public:
  explicit Arena(std::size_t bytes_max = arena_bytes_max) : bytes_max_(bytes_max) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { clear(); }

  // Never nullptr: past the limit it gives memory still and says exhausted(), which ends the evaluation at its next step. Whoever needs
  // more than a few kilobytes at once asks fits() first.
  void* allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) {
    const std::size_t at = (used_ + alignment - 1) & ~(alignment - 1);
    if (at + bytes > chunk_bytes_) return allocate_chunk(bytes);
    used_ = at + bytes;
    return chunk_ + at;
  }
  bool fits(std::size_t bytes) const { return bytes <= bytes_max_ && total_ + used_ <= bytes_max_ - bytes; }
  bool exhausted() const { return total_ + used_ > bytes_max_; }

  template <class T, class... Args>
  T* make(Args&&... args) {
    T* made = new (allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
    if constexpr (!std::is_trivially_destructible_v<T>) owned_.push_back({made, [](void* at) { static_cast<T*>(at)->~T(); }});
    return made;
  }
  template <class T>
  std::span<T> copy(std::span<const T> from) {
    static_assert(std::is_trivially_destructible_v<T>);
    T* to = static_cast<T*>(allocate(from.size_bytes(), alignof(T)));
    std::uninitialized_copy(from.begin(), from.end(), to);
    return {to, from.size()};
  }
  std::string_view copy(std::string_view text) {
    char* to = static_cast<char*>(allocate(text.size(), 1));
    std::uninitialized_copy(text.begin(), text.end(), to);
    return {to, text.size()};
  }

  // Everything made is gone; the first chunk stays for the next evaluation.
  void clear();

 private:
  void* allocate_chunk(std::size_t bytes);
  struct Owned {
    void* at;
    void (*destroy)(void* at);
  };
  static constexpr std::size_t chunk_bytes = 4096;
  std::size_t bytes_max_;
  char* chunk_ = nullptr;
  std::size_t used_ = 0, chunk_bytes_ = 0;
  std::size_t total_ = 0;  // bytes of the chunks before
  std::vector<std::unique_ptr<char[]>> chunks_;
  std::vector<Owned> owned_;
};

}  // namespace pintle::apimachinery::cel
