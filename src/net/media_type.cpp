#include "net/media_type.h"

#include <algorithm>
#include <charconv>

#include "net/text.h"

namespace pintle::net {

namespace {

// Takes a token or a quoted string off `text`.
std::optional<std::string> take_value(std::string_view& text) {
  std::string value;
  if (!text.starts_with('"')) {
    std::size_t n = 0;
    while (n < text.size() && is_token_char(text[n])) ++n;
    value = std::string(text.substr(0, n));
    text.remove_prefix(n);
    if (value.empty()) return std::nullopt;
    return value;
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return value;
    }
    if (text[i] == '\\' && ++i == text.size()) break;
    value += text[i];
  }
  return std::nullopt;
}

bool parse_parameters(std::string_view text, MediaType& out) {
  while (true) {
    text = trim(text);
    if (text.empty()) return true;
    if (text.front() != ';') return false;
    text = trim(text.substr(1));
    if (text.empty()) return true;  // a trailing semicolon
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) return false;
    const auto name = trim(text.substr(0, equals));
    text = trim(text.substr(equals + 1));
    auto value = take_value(text);
    if (!is_token(name) || !value) return false;
    out.parameters.emplace_back(to_lower(name), std::move(*value));
  }
}

std::optional<double> parse_quality(std::string_view text) {
  double q = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), q, std::chars_format::fixed);
  if (ec != std::errc() || end != text.data() + text.size() || q < 0 || q > 1) return std::nullopt;
  return q;
}

int specificity(const AcceptClause& clause) {
  if (clause.media.type == "*") return 0;
  if (clause.media.subtype == "*") return 1;
  return 2 + static_cast<int>(clause.media.parameters.size());
}

// Takes the q parameter out. False if it is malformed.
bool take_quality(AcceptClause& clause) {
  auto& parameters = clause.media.parameters;
  const auto found = std::find_if(parameters.begin(), parameters.end(), [](const auto& p) { return p.first == "q"; });
  if (found == parameters.end()) return true;
  const auto q = parse_quality(found->second);
  if (!q) return false;
  clause.q = *q;
  parameters.erase(found);
  return true;
}

}  // namespace

std::string_view MediaType::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return {};
}

std::optional<MediaType> parse_media_type(std::string_view text) {
  const auto semicolon = text.find(';');
  const auto essence = trim(text.substr(0, semicolon));
  const auto slash = essence.find('/');
  if (slash == std::string_view::npos || !is_token(essence.substr(0, slash)) || !is_token(essence.substr(slash + 1))) return std::nullopt;
  MediaType out{to_lower(essence.substr(0, slash)), to_lower(essence.substr(slash + 1)), {}};
  if (semicolon != std::string_view::npos && !parse_parameters(text.substr(semicolon), out)) return std::nullopt;
  return out;
}

std::vector<AcceptClause> parse_accept(std::string_view header) {
  std::vector<AcceptClause> out;
  if (trim(header).empty()) {
    out.push_back({MediaType{"*", "*", {}}, 1});
    return out;
  }
  for (auto element : split_list(header)) {
    if (element == "*" || element.starts_with("*;")) {
      // Some clients write "*" for "*/*".
      AcceptClause any{MediaType{"*", "*", {}}, 1};
      if (parse_parameters(element.substr(1), any.media) && take_quality(any) && any.q > 0) out.push_back(std::move(any));
      continue;
    }
    auto media = parse_media_type(element);
    if (!media) continue;
    AcceptClause clause{std::move(*media), 1};
    if (take_quality(clause) && clause.q > 0) out.push_back(std::move(clause));
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const AcceptClause& a, const AcceptClause& b) { return a.q != b.q ? a.q > b.q : specificity(a) > specificity(b); });
  return out;
}

bool accepts_encoding(std::string_view header, std::string_view coding) {
  std::optional<bool> named, any;
  for (auto element : split_list(header)) {
    const auto semicolon = element.find(';');
    const auto name = trim(element.substr(0, semicolon));
    bool accepted = true;
    if (semicolon != std::string_view::npos) {
      const auto parameter = trim(element.substr(semicolon + 1));
      if (parameter.starts_with("q=")) accepted = parse_quality(trim(parameter.substr(2))).value_or(0) > 0;
    }
    if (equal_fold(name, coding)) named = accepted;
    if (name == "*") any = accepted;
  }
  return named.value_or(any.value_or(false));
}

}  // namespace pintle::net
