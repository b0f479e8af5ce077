// Flags bound to the members of an options struct: one table a component says which flag sets what, so that a flag that works and a
// member that is read can be told from those that only look like it (test/layers/settings_test.py).
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "component/flags.h"

namespace pintle::component {

template <class Options>
struct BoundFlag {
  std::string_view flag;
  // BadRequest names the flag whose value is none.
  Result<Unit> (*set)(const FlagSet& flags, std::string_view flag, Options& options);
};

template <class Options, class Value>
Options options_of_member(Value Options::*);
template <class Options, class Value>
Value value_of_member(Value Options::*);

// Sets a member from the flag of its type: bool, integers (within the type's range), double, text, durations, lists, maps.
template <auto Member>
Result<Unit> into(const FlagSet& flags, std::string_view flag, decltype(options_of_member(Member))& options) {
  using Value = decltype(value_of_member(Member));
  Value& to = options.*Member;
  if constexpr (std::same_as<Value, bool>) {
    to = flags.get_bool(flag);
  } else if constexpr (std::integral<Value>) {
    const int64_t value = flags.get_int(flag);
    using Limits = std::numeric_limits<Value>;
    if (!std::in_range<Value>(value)) return bad_request(fmt::format("--{} must be {} to {}", flag, Limits::min(), Limits::max()));
    to = static_cast<Value>(value);
  } else if constexpr (std::floating_point<Value>) {
    to = static_cast<Value>(flags.get_float(flag));
  } else if constexpr (std::same_as<Value, rt::Duration>) {
    to = flags.get_duration(flag);
  } else if constexpr (std::same_as<Value, std::vector<std::string>>) {
    to = flags.get_list(flag);
  } else if constexpr (std::same_as<Value, std::map<std::string, std::string>>) {
    to = flags.get_map(flag);
  } else {
    static_assert(std::same_as<Value, std::string>);
    to = flags.get_string(flag);
  }
  return Unit{};
}

// The same where the command line names the flag; else the member keeps the default of its struct.
template <auto Member>
Result<Unit> into_if_set(const FlagSet& flags, std::string_view flag, decltype(options_of_member(Member))& options) {
  return flags.is_set(flag) ? into<Member>(flags, flag, options) : Result<Unit>(Unit{});
}

template <class Options>
Result<Unit> take_flags(const FlagSet& flags, std::span<const BoundFlag<Options>> table, Options& options) {
  for (const BoundFlag<Options>& bound : table) TRY(bound.set(flags, bound.flag, options));
  return Unit{};
}

}  // namespace pintle::component
