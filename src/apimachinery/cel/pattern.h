// Pattern: a regular expression in RE2's syntax, which Go's is, compiled with bounded memory.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace re2 {
class RE2;
}  // namespace re2

namespace pintle::apimachinery::cel {

class Pattern {
 public:
  static constexpr int64_t memory_bytes_max = 1 << 20;
  // BadRequest with what is wrong with it.
  static Result<Pattern> compile(std::string_view text);
  ~Pattern();
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;

  bool found_in(std::string_view text) const;
  // The next match at or after `from`; false: none. Empty ones count.
  bool next(std::string_view text, std::size_t from, std::string_view& match) const;
  const re2::RE2& compiled() const { return *compiled_; }

 private:
  explicit Pattern(std::unique_ptr<re2::RE2> compiled);
  std::unique_ptr<re2::RE2> compiled_;
};

}  // namespace pintle::apimachinery::cel
