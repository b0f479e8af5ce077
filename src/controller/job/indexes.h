// Sets of completion indexes, as text ("0-3,5") and as ordered ranges. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "api/gen/core_v1.h"

namespace pintle::controller::job {

inline constexpr std::string_view index_annotation = "batch.kubernetes.io/job-completion-index";

class IndexSet {
 public:
  // What is not a number, or not below `limit`, is left out: the text is our own, and completions may shrink.
  static IndexSet parse(std::string_view text, int32_t limit);
  void add(int32_t index);
  void add_all(const IndexSet& other);
  bool contains(int32_t index) const;
  int32_t count() const;
  int32_t count_common(const IndexSet& other) const;
  bool contains_all(const IndexSet& other) const { return count_common(other) == other.count(); }
  std::string text() const;

 private:
  std::map<int32_t, int32_t> ranges_;  // first → last, apart from each other
};

// The index that a pod stands for; nullopt: none.
std::optional<int32_t> completion_index(const api::core_v1::Pod& pod);

}  // namespace pintle::controller::job
