// semver(): Kubernetes' library of semantic versions (semver.org 2.0.0).
#include <algorithm>
#include <array>
#include <compare>
#include <optional>
#include <string>
#include <vector>

#include "apimachinery/cel/library/libraries.h"
#include "base/parse_number.h"

namespace pintle::apimachinery::cel {
namespace {

struct Version {
  std::array<uint64_t, 3> numbers{};
  std::vector<std::string> before;  // identifiers of a pre-release
};

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}
bool is_identifier(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
}

std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

// A fault as a text; "" is none.
std::string read_version(std::string_view text, Version& version) {
  if (text.empty()) return "Version string empty";
  std::string_view core = text;
  if (const std::size_t plus = core.find('+'); plus != std::string_view::npos) {
    for (const std::string_view part : parts_of(core.substr(plus + 1), '.')) {
      if (part.empty()) return "Build meta data is empty";
      if (!is_identifier(part)) return "Invalid character(s) found in build meta data \"" + std::string(part) + "\"";
    }
    core = core.substr(0, plus);
  }
  if (const std::size_t dash = core.find('-'); dash != std::string_view::npos) {
    for (const std::string_view part : parts_of(core.substr(dash + 1), '.')) {
      if (part.empty()) return "Prerelease is empty";
      if (!is_identifier(part)) return "Invalid character(s) found in prerelease \"" + std::string(part) + "\"";
      if (is_number(part) && part.size() > 1 && part[0] == '0')
        return "Numeric PreRelease version must not contain leading zeroes \"" + std::string(part) + "\"";
      version.before.emplace_back(part);
    }
    core = core.substr(0, dash);
  }
  const auto numbers = parts_of(core, '.');
  if (numbers.size() != 3) return "No Major.Minor.Patch elements found";
  constexpr std::array<std::string_view, 3> names{"major", "minor", "patch"};
  for (std::size_t i = 0; i < 3; ++i) {
    if (!is_number(numbers[i])) return "Invalid character(s) found in " + std::string(names[i]) + " number \"" + std::string(numbers[i]) + "\"";
    if (numbers[i].size() > 1 && numbers[i][0] == '0')
      return std::string(names[i]) + " number must not contain leading zeroes \"" + std::string(numbers[i]) + "\"";
    const auto number = parse_number<uint64_t>(numbers[i]);
    if (!number) return "value out of range in " + std::string(names[i]) + " number \"" + std::string(numbers[i]) + "\"";
    version.numbers[i] = *number;
  }
  return {};
}

// "v1.02" as "1.2.0".
std::string normalized(std::string_view text, std::string& error) {
  if (text.starts_with('v')) text.remove_prefix(1);
  std::vector<std::string> parts;
  for (std::string_view rest = text; parts.size() < 2;) {
    const std::size_t dot = rest.find('.');
    parts.emplace_back(rest.substr(0, dot));
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
    if (parts.size() == 2) parts.emplace_back(rest);
  }
  for (std::string& part : parts) {
    if (part.size() <= 1) continue;
    part.erase(0, std::min(part.find_first_not_of('0'), part.size()));
    if (part.empty() || part[0] < '0' || part[0] > '9') part.insert(0, "0");
  }
  if (parts.size() < 3) {
    if (parts.back().find_first_of("+-") != std::string::npos) error = "short version cannot contain PreRelease/Build meta data";
    while (parts.size() < 3) parts.emplace_back("0");
  }
  return parts[0] + "." + parts[1] + "." + parts[2];
}

std::string read(const Call& call, Version& version) {
  if (call.args.size() < 2 || !call[1].as_bool()) return read_version(call[0].text(), version);
  std::string error;
  const std::string text = normalized(call[0].text(), error);
  return error.empty() ? read_version(text, version) : error;
}

int compare_identifiers(const std::string& a, const std::string& b) {
  const bool a_number = is_number(a), b_number = is_number(b);
  if (a_number != b_number) return a_number ? -1 : 1;
  if (a_number && a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
int compare(const Version& a, const Version& b) {
  if (a.numbers != b.numbers) return a.numbers < b.numbers ? -1 : 1;
  if (a.before.empty() != b.before.empty()) return a.before.empty() ? 1 : -1;
  for (std::size_t i = 0; i < a.before.size() && i < b.before.size(); ++i)
    if (const int order = compare_identifiers(a.before[i], b.before[i])) return order;
  return a.before.size() < b.before.size() ? -1 : a.before.size() > b.before.size() ? 1 : 0;
}

class SemverValue final : public Opaque {
 public:
  explicit SemverValue(Version version) : version(std::move(version)) {}
  const Type& type() const override { return types::semver; }
  bool equals(const Opaque& other) const override { return compare(version, static_cast<const SemverValue&>(other).version) == 0; }
  Version version;
};
const Version& version_of(const Value& v) { return static_cast<const SemverValue&>(v.as_opaque()).version; }

Value make(const Call& call) {
  Version version;
  const std::string error = read(call, version);
  return error.empty() ? Value::of(*call.arena.make<SemverValue>(std::move(version))) : call.fail(error);
}
Value is_semver(const Call& call) {
  Version version;
  return Value::of(read(call, version).empty());
}
Value is_greater(const Call& call) { return Value::of(compare(version_of(call[0]), version_of(call[1])) > 0); }
Value is_less(const Call& call) { return Value::of(compare(version_of(call[0]), version_of(call[1])) < 0); }
Value compare_to(const Call& call) { return Value::of(compare(version_of(call[0]), version_of(call[1]))); }
template <std::size_t place>
Value number(const Call& call) {
  return Value::of(static_cast<int64_t>(version_of(call[0]).numbers[place]));
}

constexpr auto& text = of<&types::string>;
constexpr auto& text_bool = of<&types::string, &types::boolean>;
constexpr auto& one = of<&types::semver>;
constexpr auto& two = of<&types::semver, &types::semver>;
const Overload make_overloads[] = {{"string_to_semver", false, text, &types::semver, make},
                                   {"string_bool_to_semver", false, text_bool, &types::semver, make}};
const Overload is_semver_overloads[] = {{"is_semver_string", false, text, &types::boolean, is_semver},
                                        {"is_semver_string_bool", false, text_bool, &types::boolean, is_semver}};
const Overload greater_overloads[] = {{"semver_is_greater_than", true, two, &types::boolean, is_greater}};
const Overload less_overloads[] = {{"semver_is_less_than", true, two, &types::boolean, is_less}};
const Overload compare_overloads[] = {{"semver_compare_to", true, two, &types::integer, compare_to}};
const Overload major_overloads[] = {{"semver_major", true, one, &types::integer, number<0>}};
const Overload minor_overloads[] = {{"semver_minor", true, one, &types::integer, number<1>}};
const Overload patch_overloads[] = {{"semver_patch", true, one, &types::integer, number<2>}};
const Function functions[] = {{"semver", make_overloads},     {"isSemver", is_semver_overloads}, {"isGreaterThan", greater_overloads},
                              {"isLessThan", less_overloads}, {"compareTo", compare_overloads},  {"major", major_overloads},
                              {"minor", minor_overloads},     {"patch", patch_overloads}};

}  // namespace

Value semver_value(std::string_view version, Arena& arena) {
  Version read;
  const std::string fault = read_version(version, read);
  return fault.empty() ? Value::of(*arena.make<SemverValue>(std::move(read))) : Value::error(arena, fault);
}

std::span<const Function> semver_functions() { return functions; }

}  // namespace pintle::apimachinery::cel
