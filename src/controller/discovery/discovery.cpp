#include "controller/discovery/discovery.h"

#include <algorithm>
#include <set>

#include "net/url.h"

namespace pintle::controller::discovery {

namespace {

std::string text_of(const codec::Value& object, std::string_view key) {
  const codec::Value* value = object.find(key);
  return value != nullptr && value->is_string() ? value->as_string() : std::string();
}

bool flag_of(const codec::Value& object, std::string_view key) {
  const codec::Value* value = object.find(key);
  return value != nullptr && value->is_bool() && value->as_bool();
}

// The resources of one APIResourceList.
std::vector<ServedResource> read_list(const codec::Value& list, const std::string& group, const std::string& version) {
  std::vector<ServedResource> out;
  const codec::Value* resources = list.find("resources");
  if (resources == nullptr || !resources->is_array()) return out;
  for (const codec::Value& item : resources->as_array()) {
    ServedResource served;
    served.resource.name = text_of(item, "name");
    if (served.resource.name.contains('/')) continue;
    served.resource.group = group;
    served.resource.version = version;
    served.resource.kind = text_of(item, "kind");
    served.resource.namespaced = flag_of(item, "namespaced");
    if (const codec::Value* verbs = item.find("verbs"); verbs != nullptr && verbs->is_array())
      for (const codec::Value& verb : verbs->as_array())
        if (verb.is_string()) served.verbs.push_back(verb.as_string());
    out.push_back(std::move(served));
  }
  return out;
}

struct GroupVersion {
  std::string group;
  std::string version;
};

// A group's versions, the preferred one first.
void add_versions(const codec::Value& group, std::vector<GroupVersion>& out) {
  const std::string name = text_of(group, "name");
  std::string preferred;
  if (const codec::Value* value = group.find("preferredVersion")) preferred = text_of(*value, "version");
  if (!preferred.empty()) out.push_back({name, preferred});
  const codec::Value* versions = group.find("versions");
  if (versions == nullptr || !versions->is_array()) return;
  for (const codec::Value& version : versions->as_array())
    if (std::string text = text_of(version, "version"); text != preferred) out.push_back({name, std::move(text)});
}

// Of every group.
std::vector<GroupVersion> read_groups(const codec::Value& list) {
  std::vector<GroupVersion> out;
  const codec::Value* groups = list.find("groups");
  if (groups == nullptr || !groups->is_array()) return out;
  for (const codec::Value& group : groups->as_array()) add_versions(group, out);
  return out;
}

std::string path_of(const GroupVersion& gv) { return gv.group.empty() ? "/api/" + gv.version : "/apis/" + gv.group + "/" + gv.version; }

}  // namespace

bool ServedResource::can(std::string_view verb) const { return std::ranges::find(verbs, verb) != verbs.end(); }

const ServedResource* ServedResources::of_kind(std::string_view group, std::string_view kind) const {
  for (const ServedResource& served : resources)
    if (served.resource.group == group && served.resource.kind == kind) return &served;
  return nullptr;
}

rt::Task<Result<ServedResources>> discover(client::Client& client, rt::Context ctx) {
  ServedResources out;
  auto groups = co_await client.ask_json(ctx, "GET", "/apis", "", "");
  if (!groups) co_return Unexpected(std::move(groups).error());
  std::vector<GroupVersion> wanted = read_groups(*groups);
  GroupVersion core{"", "v1"};
  wanted.insert(wanted.begin(), std::move(core));
  std::set<std::pair<std::string, std::string>> seen;
  for (const GroupVersion& gv : wanted) {
    auto list = co_await client.ask_json(ctx, "GET", path_of(gv), "", "");
    if (!list) {
      if (list.error().reason != Reason::NotFound) out.failed_groups.push_back(gv.group + "/" + gv.version + ": " + list.error().message);
      continue;
    }
    for (ServedResource& served : read_list(*list, gv.group, gv.version))
      if (seen.emplace(gv.group, served.resource.name).second) out.resources.push_back(std::move(served));
  }
  co_return out;
}

rt::Task<Result<std::optional<ServedResource>>> find_kind(client::Client& client, rt::Context ctx, std::string group, std::string kind) {
  std::vector<GroupVersion> versions;
  if (group.empty()) {
    versions.push_back({"", "v1"});
  } else {
    auto answer = co_await client.ask_json(ctx, "GET", "/apis/" + net::percent_encode(group), "", "");
    if (!answer && answer.error().reason == Reason::NotFound) co_return std::nullopt;
    if (!answer) co_return Unexpected(std::move(answer).error());
    add_versions(*answer, versions);
  }
  for (const GroupVersion& gv : versions) {
    auto list = co_await client.ask_json(ctx, "GET", path_of(gv), "", "");
    if (!list && list.error().reason == Reason::NotFound) continue;
    if (!list) co_return Unexpected(std::move(list).error());
    for (ServedResource& served : read_list(*list, gv.group, gv.version))
      if (served.resource.kind == kind) co_return std::optional(std::move(served));
  }
  co_return std::nullopt;
}

}  // namespace pintle::controller::discovery
