// FieldPath: where a value stands in an object, written as upstream writes it: spec.containers[0].ports,
// metadata.labels[app]. Cheap to copy and to extend; no memory is taken until it is very deep.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pintle::apimachinery {

class FieldPath {
 public:
  FieldPath() = default;  // the object itself: "<nil>" as upstream prints it; FieldPath("") is "[]"
  // Names and keys are borrowed: they outlive the path (literals, descriptors, keys of the object at hand).
  explicit FieldPath(std::string_view name) { push({name, -1}); }
  FieldPath(std::string_view name, std::string_view child) : FieldPath(name) { push({child, -1}); }
  FieldPath(const FieldPath& other) { *this = other; }
  FieldPath& operator=(const FieldPath& other);

  [[nodiscard]] FieldPath child(std::string_view name) const { return with({name, -1}); }
  [[nodiscard]] FieldPath child(std::string_view name, std::string_view then) const {
    FieldPath path = with({name, -1});
    path.push({then, -1});
    return path;
  }
  [[nodiscard]] FieldPath index(std::size_t i) const { return with({{}, static_cast<int64_t>(i)}); }
  [[nodiscard]] FieldPath key(std::string_view key) const { return with({key, is_key}); }
  bool empty() const { return depth_ == 0; }
  std::string to_string() const;

 private:
  static constexpr int64_t is_key = -2;
  static constexpr std::size_t inline_max = 12;
  struct Element {
    std::string_view text;
    int64_t index = -1;  // -1: a name, is_key: a map key, else an index
  };
  FieldPath with(Element element) const {
    FieldPath path = *this;
    path.push(element);
    return path;
  }
  void push(Element element) {
    if (depth_ < inline_max) {
      inline_[depth_] = element;
    } else {
      deep_.push_back(element);
    }
    ++depth_;
  }

  std::array<Element, inline_max> inline_;
  std::vector<Element> deep_;
  std::size_t depth_ = 0;
};

}  // namespace pintle::apimachinery
