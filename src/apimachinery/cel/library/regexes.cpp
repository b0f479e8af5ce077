// find() and findAll(): Kubernetes' library of regular expressions.
#include "apimachinery/cel/containers.h"
#include "apimachinery/cel/library/libraries.h"
#include "apimachinery/cel/literals.h"
#include "apimachinery/cel/pattern.h"

namespace pintle::apimachinery::cel {
namespace {

template <Value (*search)(const Call&, const Pattern&)>
Value with_pattern(const Call& call) {
  if (call.pattern) return search(call, *call.pattern);
  const auto pattern = Pattern::compile(call[1].text());
  return pattern ? search(call, *pattern) : call.fail("Illegal regex: " + pattern.error().message);
}

Value first(const Call& call, const Pattern& pattern) {
  std::string_view match;
  return Value::of(pattern.next(call[0].text(), 0, match) ? match : std::string_view());
}
Value all(const Call& call, const Pattern& pattern) {
  const std::string_view text = call[0].text();
  const int64_t limit = call.args.size() > 2 ? call[2].as_int() : -1;
  auto* made = call.arena.make<MadeList>();
  std::size_t at = 0, after_last = std::string_view::npos;
  while ((limit < 0 || static_cast<int64_t>(made->size()) < limit) && at <= text.size() && call.arena.fits(made->size() * sizeof(Value))) {
    std::string_view match;
    if (!pattern.next(text, at, match)) break;
    const auto from = static_cast<std::size_t>(match.data() - text.data());
    // As in Go, an empty match right behind another one is none.
    const bool counts = !match.empty() || from != after_last;
    if (counts) made->push_back(Value::of(match));
    at = from + match.size();
    after_last = at;
    if (match.empty()) {
      if (at < text.size()) {
        next_code_point(text, at);
      } else {
        ++at;
      }
    }
  }
  return Value::of(*made);
}

const Overload find_overloads[] = {{"string_find_string", true, of<&types::string, &types::string>, &types::string, with_pattern<first>, 1}};
const Overload find_all_overloads[] = {
    {"string_find_all_string", true, of<&types::string, &types::string>, &types::list_string, with_pattern<all>, 1},
    {"string_find_all_string_int", true, of<&types::string, &types::string, &types::integer>, &types::list_string, with_pattern<all>, 1}};
const Function functions[] = {{"find", find_overloads}, {"findAll", find_all_overloads}};

}  // namespace

std::span<const Function> regex_functions() { return functions; }

}  // namespace pintle::apimachinery::cel
