// Whether rules cover other rules. A rule is the product of its verbs, groups, resources and names; it is never multiplied out:
// values that the same held rules know count as one, and what is missing is listed up to a limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "apiserver/authorization/rbac/rules.h"

namespace pintle::apiserver::authorization::rbac {

constexpr std::size_t coverage_steps_max = 4 << 20;  // of 64 held rules each, a few milliseconds; then nothing is said to be covered
// Of what is missing, for an error message: rules, verbs of each, and bytes of all their values.
constexpr std::size_t missing_rules_max = 64;
constexpr std::size_t missing_verbs_max = 64;
constexpr std::size_t missing_bytes_max = 16 << 10;
enum class Listing : uint8_t { Some, All };  // All: for rules of our own

struct Coverage {
  // What is wanted and not held, each for one resource (or path) and name, with the verbs that are missing.
  std::vector<Rule> missing;
  bool more = false;      // there is more than what is listed
  bool too_many = false;  // past coverage_steps_max: not compared to the end
  bool complete() const { return missing.empty() && !more && !too_many; }
};

Coverage cover(std::span<const Rule* const> held, std::span<const Rule> wanted, Listing listing);

}  // namespace pintle::apiserver::authorization::rbac
