#include "apimachinery/selectors/label_selector.h"

#include <algorithm>

#include "apimachinery/selectors/label_parser.h"
#include "apimachinery/validation/formats.h"
#include "base/parse_number.h"

namespace pintle::apimachinery {
namespace {

std::optional<int64_t> parse_int(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  return parse_number<int64_t>(text);
}

void append_joined(const std::vector<std::string>& values, std::string& out) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    out += values[i];
  }
}

}  // namespace

Result<LabelRequirement> LabelRequirement::make(std::string key, LabelOperator op, std::vector<std::string> values) {
  if (const Faults faults = check_qualified_name(key); !faults.empty()) return bad_request("key: Invalid value: \"" + key + "\": " + faults.front());
  LabelRequirement requirement;
  switch (op) {
    case LabelOperator::In:
    case LabelOperator::NotIn:
      if (values.empty()) return bad_request("values: Invalid value: []: an in or notin requirement needs at least one value");
      break;
    case LabelOperator::Exists:
    case LabelOperator::DoesNotExist:
      if (!values.empty()) return bad_request("values: Invalid value: a requirement of existence takes no values");
      break;
    default:
      if (values.size() != 1) return bad_request("values: Invalid value: this operator takes exactly one value");
  }
  if (op == LabelOperator::GreaterThan || op == LabelOperator::LessThan) {
    const auto bound = parse_int(values[0]);
    if (!bound) return bad_request("values[0]: Invalid value: \"" + values[0] + "\": a comparison needs an integer");
    requirement.bound_ = *bound;
  }
  for (std::size_t i = 0; i < values.size(); ++i)
    if (const Faults faults = check_label_value(values[i]); !faults.empty())
      return bad_request("values[" + std::to_string(i) + "][" + key + "]: Invalid value: \"" + values[i] + "\": " + faults.front());
  std::ranges::sort(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
  requirement.key_ = std::move(key);
  requirement.op_ = op;
  requirement.values_ = std::move(values);
  return requirement;
}

bool LabelRequirement::matches_value(std::string_view value) const {
  switch (op_) {
    case LabelOperator::Equals:
    case LabelOperator::DoubleEquals: return value == values_[0];
    case LabelOperator::NotEquals: return value != values_[0];
    case LabelOperator::In: return std::ranges::binary_search(values_, value);
    case LabelOperator::NotIn: return !std::ranges::binary_search(values_, value);
    case LabelOperator::Exists: return true;
    case LabelOperator::DoesNotExist: return false;
    case LabelOperator::GreaterThan:
    case LabelOperator::LessThan: {
      const auto number = parse_int(value);
      if (!number) return false;
      return op_ == LabelOperator::GreaterThan ? *number > bound_ : *number < bound_;
    }
  }
  return false;
}

void LabelRequirement::append_to(std::string& out) const {
  if (op_ == LabelOperator::DoesNotExist) out += '!';
  out += key_;
  switch (op_) {
    case LabelOperator::Exists:
    case LabelOperator::DoesNotExist: return;
    case LabelOperator::Equals: out += '='; break;
    case LabelOperator::DoubleEquals: out += "=="; break;
    case LabelOperator::NotEquals: out += "!="; break;
    case LabelOperator::GreaterThan: out += '>'; break;
    case LabelOperator::LessThan: out += '<'; break;
    case LabelOperator::In:
    case LabelOperator::NotIn:
      out += op_ == LabelOperator::In ? " in (" : " notin (";
      append_joined(values_, out);
      out += ')';
      return;
  }
  append_joined(values_, out);
}

LabelSelector::LabelSelector(std::vector<LabelRequirement> requirements) : requirements_(std::move(requirements)) {
  std::ranges::stable_sort(requirements_, {}, &LabelRequirement::key);
}

LabelSelector LabelSelector::nothing() {
  LabelSelector selector;
  selector.nothing_ = true;
  return selector;
}

Result<LabelSelector> LabelSelector::parse(std::string_view text) {
  TRY_ASSIGN(auto requirements, parse_label_requirements(text));
  return LabelSelector(std::move(requirements));
}

LabelSelector LabelSelector::from_set(const FlatMap<std::string>& labels) {
  std::vector<LabelRequirement> requirements;
  for (const auto& [key, value] : labels)
    if (auto requirement = LabelRequirement::make(key, LabelOperator::Equals, {value})) {
      requirements.push_back(std::move(*requirement));
    } else {
      return nothing();  // no object can carry an invalid label
    }
  return LabelSelector(std::move(requirements));
}

std::optional<std::string_view> LabelSelector::exact_value(std::string_view key) const {
  for (const LabelRequirement& requirement : requirements_) {
    if (requirement.key() != key || requirement.values().size() != 1) continue;
    const LabelOperator op = requirement.op();
    if (op == LabelOperator::Equals || op == LabelOperator::DoubleEquals || op == LabelOperator::In) return requirement.values()[0];
  }
  return std::nullopt;
}

std::string LabelSelector::to_string() const {
  std::string out;
  for (const LabelRequirement& requirement : requirements_) {
    if (!out.empty()) out += ',';
    requirement.append_to(out);
  }
  return out;
}

std::optional<LabelOperator> parse_expression_operator(std::string_view name) {
  if (name == "In") return LabelOperator::In;
  if (name == "NotIn") return LabelOperator::NotIn;
  if (name == "Exists") return LabelOperator::Exists;
  if (name == "DoesNotExist") return LabelOperator::DoesNotExist;
  return std::nullopt;
}

}  // namespace pintle::apimachinery
