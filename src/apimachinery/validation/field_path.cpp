#include "apimachinery/validation/field_path.h"

#include <algorithm>

namespace pintle::apimachinery {

FieldPath& FieldPath::operator=(const FieldPath& other) {
  depth_ = other.depth_;
  std::copy_n(other.inline_.begin(), std::min(depth_, inline_max), inline_.begin());
  deep_ = other.deep_;
  return *this;
}

std::string FieldPath::to_string() const {
  if (depth_ == 0) return "<nil>";
  std::string out;
  for (std::size_t i = 0; i < depth_; ++i) {
    const Element& element = i < inline_max ? inline_[i] : deep_[i - inline_max];
    if (element.index >= 0) {
      out += '[';
      out += std::to_string(element.index);
      out += ']';
    } else if (element.index == is_key || element.text.empty()) {
      out += '[';
      out += element.text;
      out += ']';
    } else {
      if (!out.empty()) out += '.';
      out += element.text;
    }
  }
  return out;
}

}  // namespace pintle::apimachinery
