#include "apimachinery/selectors/field_selector.h"

namespace pintle::apimachinery {
namespace {

constexpr std::size_t requirements_max = 100;  // each is asked of every object of a list; then BadRequest

// The terms between commas that no backslash escapes.
std::vector<std::string_view> split_terms(std::string_view text) {
  std::vector<std::string_view> terms;
  std::size_t begin = 0;
  bool escaped = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (escaped) {
      escaped = false;
    } else if (text[i] == '\\') {
      escaped = true;
    } else if (text[i] == ',') {
      terms.push_back(text.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  terms.push_back(text.substr(begin));
  return terms;
}

Result<std::string> unescape(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    char c = value[i];
    if (c == ',' || c == '=') return bad_request("invalid field selector: unescaped character in value: " + std::string(1, c));
    if (c == '\\') {
      const char follows = i + 1 < value.size() ? value[i + 1] : '\0';
      if (follows != '\\' && follows != ',' && follows != '=')
        return bad_request("invalid field selector: invalid escape sequence: " + std::string(value.substr(i, 2)));
      c = follows;
      ++i;
    }
    out += c;
  }
  return out;
}

Result<FieldRequirement> parse_term(std::string_view term, std::string_view text) {
  for (std::size_t i = 0; i < term.size(); ++i) {
    const std::string_view rest = term.substr(i);
    const bool differs = rest.starts_with("!=");
    const bool twice = rest.starts_with("==");
    if (!differs && rest.front() != '=') continue;
    TRY_ASSIGN(std::string value, unescape(rest.substr(differs || twice ? 2 : 1)));
    return FieldRequirement{std::string(term.substr(0, i)), std::move(value), !differs};
  }
  return bad_request("invalid selector: '" + std::string(text) + "'; can't understand '" + std::string(term) + "'");
}

}  // namespace

Result<FieldSelector> FieldSelector::parse(std::string_view text) {
  FieldSelector selector;
  for (const std::string_view term : split_terms(text)) {
    if (term.empty()) continue;
    TRY_ASSIGN(FieldRequirement requirement, parse_term(term, text));
    if (requirement.field.empty() && requirement.value.empty()) continue;  // "=", "!=": no demand at all
    if (selector.requirements_.size() == requirements_max)
      return bad_request("a field selector has at most " + std::to_string(requirements_max) + " requirements");
    selector.requirements_.push_back(std::move(requirement));
  }
  return selector;
}

std::optional<std::string_view> FieldSelector::exact_value(std::string_view field) const {
  for (const FieldRequirement& requirement : requirements_)
    if (requirement.equals && requirement.field == field) return requirement.value;
  return std::nullopt;
}

std::string FieldSelector::to_string() const {
  std::string out;
  for (const FieldRequirement& requirement : requirements_) {
    if (!out.empty()) out += ',';
    out += requirement.field;
    out += requirement.equals ? "=" : "!=";
    for (const char c : requirement.value) {
      if (c == '\\' || c == ',' || c == '=') out += '\\';
      out += c;
    }
  }
  return out;
}

}  // namespace pintle::apimachinery
