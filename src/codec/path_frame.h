// Where a reader stands in a document: a chain of frames on the stack, turned into text only when something is wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pintle::codec {

struct PathFrame {
  const PathFrame* parent = nullptr;
  std::string_view key;  // a member; or
  int64_t index = -1;    // an element
};

// "spec.containers[0].image"; "" at the root.
std::string path_text(const PathFrame* frame);

// What a strict reader finds wrong while it goes on: each text once, in document order, no more than problems_max of them and none
// once problems_bytes_max of paths have been written, doubles included: a path may be as long as the document.
constexpr std::size_t problems_max = 100;
constexpr std::size_t problems_bytes_max = 256 << 10;
class Problems {
 public:
  explicit Problems(std::vector<std::string>& out) : out_(out) {}
  void unknown_field(const PathFrame* at, std::string_view key) { add("unknown field ", at, key); }
  void duplicate_field(const PathFrame* at, std::string_view key) { add("duplicate field ", at, key); }

 private:
  void add(std::string_view what, const PathFrame* at, std::string_view key);
  std::vector<std::string>& out_;
  std::size_t written_bytes_ = 0;
};

}  // namespace pintle::codec
