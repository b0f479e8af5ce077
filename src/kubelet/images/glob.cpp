#include "kubelet/images/glob.h"

namespace pintle::kubelet::images {

namespace {

enum class Step { Matches, Differs, Malformed };

// A character of a class, escaped or not; false: the pattern ends.
bool take_class_char(std::string_view pattern, std::size_t& at, char& out) {
  if (at < pattern.size() && pattern[at] == '\\') ++at;
  if (at >= pattern.size()) return false;
  out = pattern[at++];
  return true;
}

// "[...]" at `at`, which moves behind it.
Step match_class(std::string_view pattern, std::size_t& at, char c) {
  ++at;
  const bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) ++at;
  bool found = false;
  for (bool any = false; !any || at >= pattern.size() || pattern[at] != ']'; any = true) {
    char low;
    if (at >= pattern.size() || pattern[at] == '-' || (!any && pattern[at] == ']') || !take_class_char(pattern, at, low)) return Step::Malformed;
    char high = low;
    if (at < pattern.size() && pattern[at] == '-' && (++at, !take_class_char(pattern, at, high))) return Step::Malformed;
    found = found || (low <= c && c <= high);
  }
  ++at;
  return found != negated ? Step::Matches : Step::Differs;
}

// What stands for one character at `at`, which moves behind it.
Step match_one(std::string_view pattern, std::size_t& at, char c) {
  if (pattern[at] == '[') return match_class(pattern, at, c);
  if (pattern[at] == '?') {
    ++at;
    return Step::Matches;
  }
  if (pattern[at] == '\\' && ++at == pattern.size()) return Step::Malformed;
  return pattern[at++] == c ? Step::Matches : Step::Differs;
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text) {
  std::size_t at = 0;    // in the pattern
  std::size_t read = 0;  // in the text
  std::size_t after_star = std::string_view::npos;
  std::size_t star_read = 0;  // where what follows the star is tried
  while (read < text.size() || at < pattern.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      after_star = ++at;
      star_read = read;
      continue;
    }
    if (at < pattern.size() && read < text.size()) {
      const Step step = match_one(pattern, at, text[read]);
      if (step == Step::Malformed) return false;
      if (step == Step::Matches) {
        ++read;
        continue;
      }
    }
    // Only the last star can help: what the ones before it took was the shortest.
    if (after_star == std::string_view::npos || star_read == text.size()) return false;
    at = after_star;
    read = ++star_read;
  }
  return true;
}

}  // namespace pintle::kubelet::images
