// Bytes: an immutable, reference-counted slice. Copying one shares the buffer; it is how an encoded object is handed to
// the store, to every LIST and to every watcher without being copied. Safe to share between threads.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace pintle {

class Bytes {
 public:
  Bytes() = default;
  // Takes the string's own buffer.
  explicit Bytes(std::string text) {
    auto owner = std::make_shared<const std::string>(std::move(text));
    view_ = *owner;
    owner_ = std::move(owner);
  }
  // A view whose memory `owner` keeps alive (nullptr: static storage).
  Bytes(std::shared_ptr<const void> owner, std::string_view view) : owner_(std::move(owner)), view_(view) {}
  static Bytes copy(std::string_view text) { return Bytes(std::string(text)); }
  // Text with static storage duration.
  static Bytes literal(std::string_view text) { return Bytes(nullptr, text); }

  std::string_view view() const { return view_; }
  const char* data() const { return view_.data(); }
  std::size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  // A slice of the same buffer.
  Bytes substr(std::size_t pos, std::size_t n = std::string_view::npos) const { return Bytes(owner_, view_.substr(pos, n)); }
  friend bool operator==(const Bytes& a, const Bytes& b) { return a.view_ == b.view_; }

 private:
  std::shared_ptr<const void> owner_;
  std::string_view view_;
};

}  // namespace pintle
