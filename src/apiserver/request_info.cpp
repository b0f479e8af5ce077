#include "apiserver/request_info.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

namespace pintle::apiserver {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// nullopt if a '%' is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return out;
}

std::vector<std::string> split_path(std::string_view path) {
  while (!path.empty() && path.front() == '/') path.remove_prefix(1);
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  std::vector<std::string> parts;
  if (path.empty()) return parts;
  while (true) {
    const auto slash = path.find('/');
    parts.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

// The parameters that decide the verb and the name. As in Go, a pair that does not decode is left out.
struct ListQuery {
  std::optional<std::string> watch, label_selector, field_selector;
  bool well_formed = true;  // what has to be a number is one
};

bool is_integer(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return !text.empty() && text.size() <= 19 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

ListQuery read_list_query(std::string_view query) {
  ListQuery out;
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (pair.empty() || pair.find(';') != std::string_view::npos) continue;
    const auto equals = pair.find('=');
    const auto key = percent_decode(pair.substr(0, equals), true);
    auto value = percent_decode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    if (!key || !value) continue;
    const auto keep_first = [&](std::optional<std::string>& slot) {
      if (!slot) slot = std::move(*value);
    };
    if (*key == "watch") keep_first(out.watch);
    else if (*key == "labelSelector") keep_first(out.label_selector);
    else if (*key == "fieldSelector") keep_first(out.field_selector);
    else if ((*key == "limit" || *key == "timeoutSeconds") && !value->empty() && !is_integer(*value)) out.well_formed = false;
  }
  return out;
}

bool truthy(std::string_view value) {
  std::string lower(value);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower != "false" && lower != "0";
}

// The value that a field selector demands of metadata.name, if it demands one.
std::optional<std::string> required_name(std::string_view selector) {
  std::string term;
  const auto name_of = [](std::string_view t) -> std::optional<std::string> {
    constexpr std::string_view key = "metadata.name";
    if (!t.starts_with(key)) return std::nullopt;
    t.remove_prefix(key.size());
    if (t.starts_with("==")) t.remove_prefix(2);
    else if (t.starts_with("=")) t.remove_prefix(1);
    else return std::nullopt;
    std::string value;
    for (std::size_t i = 0; i < t.size(); ++i) {
      if (t[i] == '\\' && i + 1 < t.size()) ++i;
      value.push_back(t[i]);
    }
    return value;
  };
  for (std::size_t i = 0; i <= selector.size(); ++i) {
    if (i == selector.size() || selector[i] == ',') {
      if (auto name = name_of(term)) return name;
      term.clear();
    } else {
      term.push_back(selector[i]);
      if (selector[i] == '\\' && i + 1 < selector.size()) term.push_back(selector[++i]);
    }
  }
  return std::nullopt;
}

bool valid_path_segment(std::string_view name) {
  return name != "." && name != ".." && name.find_first_of("/%") == std::string_view::npos;
}

std::string_view verb_of_method(std::string_view method) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> verbs{
      {{"POST", "create"}, {"GET", "get"}, {"HEAD", "get"}, {"PUT", "update"}, {"PATCH", "patch"}, {"DELETE", "delete"}}};
  for (const auto& [name, verb] : verbs)
    if (name == method) return verb;
  return "";
}

// A request without a name is about the collection; a field selector may name the one object all the same.
void settle_collection_verb(RequestInfo& info, const ListQuery& query) {
  if (info.name.empty() && info.verb == "get") {
    info.verb = query.watch && truthy(*query.watch) ? "watch" : "list";
    if (query.well_formed && query.field_selector) {
      auto name = required_name(*query.field_selector);
      if (name && valid_path_segment(*name)) info.name = std::move(*name);
    }
  } else if (info.name.empty() && info.verb == "delete") {
    info.verb = "deletecollection";
  }
}

}  // namespace

Result<RequestInfo> parse_request_info(std::string_view method, std::string_view path, std::string_view query) {
  auto decoded = percent_decode(path, false);
  if (!decoded) return bad_request("the path \"" + std::string(path) + "\" is not correctly percent-encoded");
  RequestInfo info;
  info.path = std::move(*decoded);
  info.verb.assign(method);
  std::transform(info.verb.begin(), info.verb.end(), info.verb.begin(), [](unsigned char c) { return std::tolower(c); });

  std::vector<std::string> parts = split_path(info.path);
  if (parts.size() < 3 || (parts[0] != "api" && parts[0] != "apis")) return info;
  std::size_t at = 1;
  if (parts[0] == "apis") {
    if (parts.size() < 4) {
      info.api_prefix = std::move(parts[0]);
      return info;
    }
    info.group = std::move(parts[at++]);
  }
  info.api_prefix = std::move(parts[0]);
  info.is_resource = true;
  info.version = std::move(parts[at++]);

  bool verb_in_path = false;
  if (parts[at] == "watch" || parts[at] == "proxy") {
    if (parts.size() - at < 2) return bad_request("the path \"" + info.path + "\" names no resource after its verb");
    info.verb = std::move(parts[at++]);
    verb_in_path = true;
  } else {
    info.verb = verb_of_method(method);
  }

  if (parts[at] == "namespaces" && parts.size() - at > 1) {
    info.ns = parts[at + 1];
    const bool more = parts.size() - at > 2;
    if (more && parts[at + 2] != "status" && parts[at + 2] != "finalize") at += 2;
  }
  info.parts.assign(std::make_move_iterator(parts.begin() + static_cast<std::ptrdiff_t>(at)), std::make_move_iterator(parts.end()));
  info.resource = info.parts[0];
  if (info.parts.size() >= 2) info.name = info.parts[1];
  if (info.parts.size() >= 3 && info.verb != "proxy") info.subresource = info.parts[2];

  const ListQuery list = read_list_query(query);
  settle_collection_verb(info, list);
  if (!verb_in_path && (info.verb == "list" || info.verb == "watch" || info.verb == "deletecollection")) {
    info.label_selector = list.label_selector.value_or("");
    info.field_selector = list.field_selector.value_or("");
  }
  return info;
}

}  // namespace pintle::apiserver
