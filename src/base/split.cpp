#include "base/split.h"

namespace pintle {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (true) {
    const auto at = text.find(separator);
    out.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

std::vector<std::string_view> split_words(std::string_view text, char separator) {
  std::vector<std::string_view> out = split(text, separator);
  std::erase_if(out, [](std::string_view part) { return part.empty(); });
  return out;
}

}  // namespace pintle
