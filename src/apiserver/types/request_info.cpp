#include "apiserver/types/request_info.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "apimachinery/selectors/field_selector.h"
#include "apimachinery/selectors/label_selector.h"
#include "apiserver/types/query.h"
#include "net/url.h"

namespace pintle::apiserver {
namespace {

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

// The name that the field selector of a list or watch demands. A query that does not parse demands nothing: it will be
// refused.
std::optional<std::string> demanded_name(const Query& query) {
  if (query.get("fieldSelector").empty()) return std::nullopt;
  if (!query.integer("limit") || !query.integer("timeoutSeconds")) return std::nullopt;
  if (!apimachinery::LabelSelector::parse(query.get("labelSelector"))) return std::nullopt;
  const auto fields = apimachinery::FieldSelector::parse(query.get("fieldSelector"));
  if (!fields) return std::nullopt;
  const auto name = fields->exact_value("metadata.name");
  return name ? std::optional<std::string>(*name) : std::nullopt;
}

bool valid_path_segment(std::string_view name) { return name != "." && name != ".." && name.find_first_of("/%") == std::string_view::npos; }

std::string_view verb_of_method(std::string_view method) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> verbs{
      {{"POST", "create"}, {"GET", "get"}, {"HEAD", "get"}, {"PUT", "update"}, {"PATCH", "patch"}, {"DELETE", "delete"}}};
  for (const auto& [name, verb] : verbs)
    if (name == method) return verb;
  return "";
}

// A request without a name is about the collection; a field selector may name the one object all the same.
void settle_collection_verb(RequestInfo& info, const Query& query) {
  if (!info.name.empty()) return;
  if (info.verb == "delete") info.verb = "deletecollection";
  if (info.verb != "get") return;
  info.verb = query.boolean("watch") ? "watch" : "list";
  auto name = demanded_name(query);
  if (name && valid_path_segment(*name)) info.name = std::move(*name);
}

PathForm form_of(std::size_t parts) {
  constexpr std::array forms{PathForm::Collection, PathForm::Item, PathForm::Subresource, PathForm::Longer};
  return forms[std::min(parts, forms.size()) - 1];
}

// Takes "watch/" or "proxy/" off; what is left at `at` is the resource or "namespaces".
Result<Unit> take_prefix(RequestInfo& info, std::span<const std::string> parts, std::size_t& at) {
  if (parts[at] != "watch" && parts[at] != "proxy") return Unit{};
  if (parts.size() - at < 2) return bad_request("the path \"" + info.path + "\" names no resource after its verb");
  info.prefix = parts[at] == "watch" ? PathPrefix::Watch : PathPrefix::Proxy;
  info.verb = parts[at++];
  return Unit{};
}

}  // namespace

Result<RequestInfo> parse_request_info(std::string_view method, std::string_view path, const Query& query) {
  auto decoded = net::percent_decode(path);
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

  info.verb = verb_of_method(method);
  TRY(take_prefix(info, parts, at));
  if (parts[at] == "namespaces" && parts.size() - at > 1) {
    info.ns = parts[at + 1];
    info.in_namespace = parts.size() - at > 2 && parts[at + 2] != "status" && parts[at + 2] != "finalize";
    if (info.in_namespace) at += 2;
  }
  info.parts.assign(std::make_move_iterator(parts.begin() + static_cast<std::ptrdiff_t>(at)), std::make_move_iterator(parts.end()));
  info.form = form_of(info.parts.size());
  info.resource = info.parts[0];
  if (info.parts.size() >= 2) info.name = info.parts[1];
  if (info.parts.size() >= 3 && info.prefix != PathPrefix::Proxy) info.subresource = info.parts[2];

  settle_collection_verb(info, query);
  if (info.prefix == PathPrefix::None && (info.verb == "list" || info.verb == "watch" || info.verb == "deletecollection")) {
    info.label_selector = query.get("labelSelector");
    info.field_selector = query.get("fieldSelector");
  }
  return info;
}

}  // namespace pintle::apiserver
