// size() and what the language can ask of strings.
#include "apimachinery/cel/library/libraries.h"
#include "apimachinery/cel/pattern.h"

namespace pintle::apimachinery::cel {
namespace {

Value size(const Call& call) { return Value::of(static_cast<int64_t>(size_of(call[0]))); }
Value contains(const Call& call) { return Value::of(call[0].text().find(call[1].text()) != std::string_view::npos); }
Value starts_with(const Call& call) { return Value::of(call[0].text().starts_with(call[1].text())); }
Value ends_with(const Call& call) { return Value::of(call[0].text().ends_with(call[1].text())); }
Value matches(const Call& call) {
  if (call.pattern) return Value::of(call.pattern->found_in(call[0].text()));
  const auto pattern = Pattern::compile(call[1].text());
  return pattern ? Value::of(pattern->found_in(call[0].text())) : call.fail(pattern.error().message);
}

const Overload size_overloads[] = {
    {"size_bytes", false, of<&types::bytes>, &types::integer, size},   {"bytes_size", true, of<&types::bytes>, &types::integer, size},
    {"size_list", false, of<&types::list_a>, &types::integer, size},   {"list_size", true, of<&types::list_a>, &types::integer, size},
    {"size_map", false, of<&types::map_ab>, &types::integer, size},    {"map_size", true, of<&types::map_ab>, &types::integer, size},
    {"size_string", false, of<&types::string>, &types::integer, size}, {"string_size", true, of<&types::string>, &types::integer, size}};
const Overload contains_overloads[] = {{"contains_string", true, of<&types::string, &types::string>, &types::boolean, contains}};
const Overload starts_with_overloads[] = {{"starts_with_string", true, of<&types::string, &types::string>, &types::boolean, starts_with}};
const Overload ends_with_overloads[] = {{"ends_with_string", true, of<&types::string, &types::string>, &types::boolean, ends_with}};
const Overload matches_overloads[] = {{"matches", false, of<&types::string, &types::string>, &types::boolean, matches, 1},
                                      {"matches_string", true, of<&types::string, &types::string>, &types::boolean, matches, 1}};

const Function functions[] = {{"size", size_overloads},
                              {"contains", contains_overloads},
                              {"startsWith", starts_with_overloads},
                              {"endsWith", ends_with_overloads},
                              {"matches", matches_overloads}};

}  // namespace

std::span<const Function> text_functions() { return functions; }

}  // namespace pintle::apimachinery::cel
