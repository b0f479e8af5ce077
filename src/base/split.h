// Lists in a text.
#pragma once

#include <string_view>
#include <vector>

namespace pintle {

// What stands between separators, empty parts among it: "a,,b," has four parts, "" has one. The parts lie in `text`.
std::vector<std::string_view> split(std::string_view text, char separator);
// The parts that are not empty: "a,,b," has two, "" has none.
std::vector<std::string_view> split_words(std::string_view text, char separator);

}  // namespace pintle
