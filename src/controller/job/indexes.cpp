#include "controller/job/indexes.h"

#include <algorithm>

#include "base/parse_number.h"
#include "base/split.h"

namespace pintle::controller::job {

namespace {

std::optional<int32_t> number(std::string_view text) {
  const auto value = parse_number<int32_t>(text);
  return value && *value >= 0 ? value : std::nullopt;
}

}  // namespace

IndexSet IndexSet::parse(std::string_view text, int32_t limit) {
  IndexSet out;
  for (const std::string_view part : split_words(text, ',')) {
    const auto dash = part.find('-');
    const auto first = number(part.substr(0, dash));
    const auto last = dash == part.npos ? first : number(part.substr(dash + 1));
    if (!first || !last || *first >= limit) continue;
    for (int32_t i = *first; i <= std::min(*last, limit - 1); ++i) out.add(i);
  }
  return out;
}

void IndexSet::add(int32_t index) {
  if (contains(index)) return;
  int32_t first = index, last = index;
  if (auto next = ranges_.find(index + 1); next != ranges_.end()) {
    last = next->second;
    ranges_.erase(next);
  }
  auto it = ranges_.lower_bound(index);
  if (it != ranges_.begin() && std::prev(it)->second == index - 1) first = std::prev(it)->first;
  ranges_[first] = last;
}

void IndexSet::add_all(const IndexSet& other) {
  for (const auto& [first, last] : other.ranges_)
    for (int32_t i = first; i <= last; ++i) add(i);
}

bool IndexSet::contains(int32_t index) const {
  auto it = ranges_.upper_bound(index);
  return it != ranges_.begin() && std::prev(it)->second >= index;
}

int32_t IndexSet::count() const {
  int32_t total = 0;
  for (const auto& [first, last] : ranges_) total += last - first + 1;
  return total;
}

int32_t IndexSet::count_common(const IndexSet& other) const {
  int32_t total = 0;
  for (const auto& [first, last] : other.ranges_)
    for (int32_t i = first; i <= last; ++i) total += contains(i);
  return total;
}

std::string IndexSet::text() const {
  std::string out;
  for (const auto& [first, last] : ranges_) {
    if (!out.empty()) out += ',';
    out += std::to_string(first);
    if (last > first) out += (last == first + 1 ? "," : "-") + std::to_string(last);
  }
  return out;
}

std::optional<int32_t> completion_index(const api::core_v1::Pod& pod) {
  const std::string* text = pod.metadata.annotations.get(index_annotation);
  return text ? number(*text) : std::nullopt;
}

}  // namespace pintle::controller::job
