#include "apiserver/aggregation/remote_documents.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/gen/meta_v1.h"
#include "apimachinery/discovery/content_hash.h"
#include "apiserver/published/v3_of_v2.h"
#include "codec/json.h"
#include "rt/combine.h"

namespace pintle::apiserver::aggregation {

namespace {

namespace aggregated = api::apidiscovery_v2;
namespace meta = api::meta_v1;

constexpr std::string_view discovery_accept =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

// The value of a member of a JSON object, as it stands; "": there is no such member, or no such object.
std::string_view member(std::string_view object, std::string_view name) {
  codec::JsonReader reader(object);
  if (reader.peek() != codec::JsonReader::Token::Object || !reader.enter_object()) return {};
  bool first = true;
  std::string_view key, raw, found;
  while (reader.next_key(first, key)) {
    const bool wanted = key == name;
    if (!reader.read_raw(raw)) return {};
    if (wanted) found = raw;
  }
  return reader.ok() ? found : std::string_view();
}

std::string member_text(std::string_view object, std::string_view name) {
  codec::JsonReader reader(member(object, name));
  std::string out;
  if (reader.peek() == codec::JsonReader::Token::String) (void)reader.read_string(out);
  return out;
}

// The elements of a JSON array, as they stand.
template <class Each>
void elements(std::string_view array, Each each) {
  codec::JsonReader reader(array);
  if (reader.peek() != codec::JsonReader::Token::Array || !reader.enter_array()) return;
  bool first = true;
  std::string_view raw;
  while (reader.next_element(first))
    if (!reader.read_raw(raw) || !each(raw)) return;
}

Result<Unit> check_resources(std::string_view resources) {
  std::size_t count = 0;
  elements(resources, [&](std::string_view resource) {
    elements(member(resource, "subresources"), [&](std::string_view) { return ++count <= discovery_resources_max; });
    return ++count <= discovery_resources_max;
  });
  if (count > discovery_resources_max)
    return bad_request(fmt::format("the discovery document lists more than {} resources", discovery_resources_max));
  return Unit{};
}

// Clients read the kinds without asking whether they are there.
void complete(aggregated::APIVersionDiscovery& version) {
  for (auto& resource : version.resources) {
    resource.response_kind.ensure();
    for (auto& subresource : resource.subresources) subresource.response_kind.ensure();
  }
}

Result<aggregated::APIVersionDiscovery> read_aggregated(std::string_view json, const Remote& remote) {
  std::string_view found;
  elements(member(json, "items"), [&](std::string_view group) {
    if (member_text(member(group, "metadata"), "name") != remote.group) return true;
    elements(member(group, "versions"), [&](std::string_view version) {
      if (member_text(version, "version") == remote.version) found = version;
      return found.empty();
    });
    return found.empty();
  });
  aggregated::APIVersionDiscovery out;
  if (found.empty()) return out;
  TRY(check_resources(member(found, "resources")));
  TRY(api::decode_json(found, api::type_of<aggregated::APIVersionDiscovery>(), &out));
  return out;
}

void set_kind(Box<meta::GroupVersionKind>& kind, const meta::APIResource& of) {
  auto& out = kind.ensure();
  out.group = of.group;
  out.version = of.version;
  out.kind = of.kind;
}

Result<aggregated::APIVersionDiscovery> read_plain(std::string_view json) {
  TRY(check_resources(member(json, "resources")));
  meta::APIResourceList list;
  TRY(api::decode_json(json, api::type_of<meta::APIResourceList>(), &list));
  aggregated::APIVersionDiscovery out;
  std::map<std::string, std::size_t, std::less<>> places;
  const auto place = [&](std::string_view name, const meta::APIResource& of) -> aggregated::APIResourceDiscovery& {
    const auto [it, fresh] = places.emplace(name, out.resources.size());
    if (fresh) {
      auto& made = out.resources.emplace_back();
      made.resource = name;
      made.scope = of.namespaced ? "Namespaced" : "Cluster";
    }
    return out.resources[it->second];
  };
  for (const meta::APIResource& resource : list.resources) {
    const std::string_view name = resource.name;
    const auto slash = name.find('/');
    auto& entry = place(name.substr(0, slash), resource);
    if (slash != name.npos) {
      auto& subresource = entry.subresources.emplace_back();
      subresource.subresource = name.substr(slash + 1);
      set_kind(subresource.response_kind, resource);
      subresource.verbs = resource.verbs;
      continue;
    }
    set_kind(entry.response_kind, resource);
    entry.singular_resource = resource.singular_name;
    entry.verbs = resource.verbs;
    entry.short_names = resource.short_names;
    entry.categories = resource.categories;
  }
  return out;
}

bool is_aggregated(std::string_view content_type) {
  return content_type.starts_with("application/json") && content_type.find("g=apidiscovery.k8s.io") != content_type.npos &&
         content_type.find("as=APIGroupDiscoveryList") != content_type.npos;
}

// What a server says is read where long steps do no harm: a document may be some megabytes of nothing but commas.
template <class T>
rt::Task<T> read_apart(rt::Task<T> reading) {
  co_return co_await rt::run_on(rt::Executor::current().runtime().long_executor(), std::move(reading));
}

rt::Task<Result<std::shared_ptr<const codec::Value>>> parse_document(Bytes json) {
  CO_TRY_ASSIGN(codec::Value document, codec::parse_json(json.view()));
  if (!document.is_object()) co_return bad_request("the OpenAPI document is no object");
  co_return std::make_shared<const codec::Value>(std::move(document));
}

rt::Task<Result<aggregated::APIVersionDiscovery>> parse_discovery(Bytes json, RemotePtr remote, bool plain) {
  co_return read_discovery(json.view(), *remote, plain);
}

rt::Task<Result<std::string>> parse_openapi_v3_hash(Bytes json, RemotePtr remote) { co_return read_openapi_v3_hash(json.view(), *remote); }

rt::Task<std::string> hash_of(Bytes text) { co_return apimachinery::content_hash(text.view()); }

rt::Task<std::shared_ptr<const published::Document>> v3_document(std::shared_ptr<const codec::Value> v2, RemotePtr remote) {
  const codec::Value document = published::v3_of_v2(*v2, remote->root());
  if (document.is_null()) co_return nullptr;
  const std::string text = codec::to_json(document);
  auto out = std::make_shared<published::Document>();
  out->etag = "\"" + apimachinery::content_hash(text) + "\"";
  out->content_type = "application/json";
  published::Stretch& all = out->stretches.emplace_back();
  all.packed = std::make_shared<const published::Packed>(text);
  co_return out;
}

bool is_hash(std::string_view text) {
  const auto plain = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_'; };
  return !text.empty() && text.size() <= openapi_hash_bytes_max && std::ranges::all_of(text, plain);
}

UserInfo user(std::string_view name, bool master) {
  UserInfo out;
  out.name = name;
  if (master) out.groups.emplace_back(group_masters);
  return out;
}

Unexpected<Status> bad_answer(std::string_view path, int status) {
  return error(Reason::ServiceUnavailable, fmt::format("the answer to {} is {}", path, status));
}

}  // namespace

Result<aggregated::APIVersionDiscovery> read_discovery(std::string_view json, const Remote& remote, bool plain) {
  codec::JsonReader whole(json);
  if (!whole.skip_value()) return bad_request("the discovery document is no JSON");
  TRY_ASSIGN(aggregated::APIVersionDiscovery out, plain ? read_plain(json) : read_aggregated(json, remote));
  complete(out);
  out.version = remote.version;
  return out;
}

Result<std::string> read_openapi_v3_hash(std::string_view json, const Remote& remote) {
  codec::JsonReader whole(json);
  if (!whole.skip_value()) return bad_request("the index of OpenAPI documents is no JSON");
  const std::string path = remote.root().substr(1);
  const std::string_view entry = member(member(json, "paths"), path);
  if (entry.empty()) return "";
  // As its server tells it, which wants to be asked for it; or what else the place says, which tells one document from the next too.
  const std::string url = member_text(entry, "serverRelativeURL");
  const auto at = url.find("hash=");
  std::string hash = at == url.npos ? "" : url.substr(at + 5, url.find('&', at) - at - 5);
  return is_hash(hash) ? std::move(hash) : apimachinery::content_hash(entry);
}

rt::Task<Result<Unit>> RemoteDocuments::refresh_discovery(rt::Context ctx, RemotePtr remote, bool* changed) {
  const rt::Context bounded = ctx.with_timeout(discovery_timeout);
  const UserInfo asker = user("system:kube-aggregator", true);
  Question question{asker, "/apis", std::string(discovery_accept), discovery_etag_, discovery_bytes_max};
  CO_TRY_ASSIGN(Answer answer, co_await backends_.ask(bounded, remote, std::move(question)));
  if (answer.status == 304 && !discovery_etag_.empty()) co_return Unit{};
  const bool plain = answer.status != 200 || !is_aggregated(answer.content_type);
  if (plain) {
    if (answer.status == 503) co_return bad_answer("/apis", answer.status);
    Question again{asker, remote->root(), "application/json", "", discovery_bytes_max};
    CO_TRY_ASSIGN(answer, co_await backends_.ask(bounded, remote, std::move(again)));
    if (answer.status != 200) co_return bad_answer(remote->root(), answer.status);
  }
  CO_TRY_ASSIGN(aggregated::APIVersionDiscovery read, co_await read_apart(parse_discovery(answer.body, remote, plain)));
  discovery_etag_ = plain ? "" : answer.etag;
  read.freshness.clear();
  if (api::equal(api::type_of<aggregated::APIVersionDiscovery>(), &read, &discovery_)) co_return Unit{};
  discovery_ = std::move(read);
  *changed = true;
  co_return Unit{};
}

rt::Task<Result<Unit>> RemoteDocuments::refresh_openapi_v2(rt::Context ctx, RemotePtr remote, bool* changed) {
  const rt::Context bounded = ctx.with_timeout(openapi_timeout);
  const UserInfo asker = user("system:aggregator", false);
  Question question{asker, "/openapi/v2", "application/json", openapi_v2_etag_, openapi_v2_bytes_max};
  CO_TRY_ASSIGN(const Answer answer, co_await backends_.ask(bounded, remote, std::move(question)));
  if (answer.status == 304 && !openapi_v2_etag_.empty()) co_return Unit{};
  if (answer.status == 404) {
    *changed |= openapi_v2_ != nullptr;
    openapi_v2_ = nullptr;
    openapi_v2_etag_.clear();
    openapi_v2_text_hash_.clear();
    co_return Unit{};
  }
  if (answer.status != 200) co_return bad_answer("/openapi/v2", answer.status);
  const std::string hash = co_await read_apart(hash_of(answer.body));
  openapi_v2_etag_ = answer.etag;
  if (hash == openapi_v2_text_hash_) co_return Unit{};
  CO_TRY_ASSIGN(openapi_v2_, co_await read_apart(parse_document(answer.body)));
  openapi_v2_text_hash_ = hash;
  *changed = true;
  co_return Unit{};
}

rt::Task<Result<Unit>> RemoteDocuments::refresh_openapi_v3(rt::Context ctx, RemotePtr remote, bool* changed) {
  const rt::Context bounded = ctx.with_timeout(openapi_timeout);
  const UserInfo asker = user("system:aggregator", false);
  Question question{asker, "/openapi/v3", "application/json", "", openapi_v3_index_bytes_max};
  CO_TRY_ASSIGN(const Answer answer, co_await backends_.ask(bounded, remote, std::move(question)));
  std::string hash;
  if (answer.status == 200) {
    CO_TRY_ASSIGN(hash, co_await read_apart(parse_openapi_v3_hash(answer.body, remote)));
  } else if (answer.status != 404) {
    co_return bad_answer("/openapi/v3", answer.status);
  }
  *changed |= hash != openapi_v3_hash_;
  openapi_v3_hash_ = std::move(hash);
  co_return Unit{};
}

rt::Task<Result<Unit>> RemoteDocuments::refresh(rt::Context ctx, RemotePtr remote, bool* changed) {
  *changed = false;
  auto discovery = co_await refresh_discovery(ctx, remote, changed);
  *changed |= stale_ != !discovery;
  stale_ = !discovery;
  if (!discovery) co_return discovery;
  auto v3 = co_await refresh_openapi_v3(ctx, remote, changed);
  auto v2 = co_await refresh_openapi_v2(ctx, remote, changed);
  if (!has_openapi_v3() && made_of_ != openapi_v2_) {
    co_await make_openapi_v3(remote);
    *changed = true;
  }
  co_return v3 ? v2 : v3;
}

rt::Task<void> RemoteDocuments::make_openapi_v3(RemotePtr remote) {
  made_of_ = openapi_v2_;
  made_openapi_v3_ = nullptr;
  if (made_of_) made_openapi_v3_ = co_await read_apart(v3_document(made_of_, remote));
}

published::FurtherVersion RemoteDocuments::version(const Remote& remote) const {
  published::FurtherVersion out;
  out.group = remote.group;
  out.version = remote.version;
  out.priority = remote.priority;
  out.discovery = discovery_;
  out.discovery.version = remote.version;
  out.discovery.freshness = stale_ ? "Stale" : "Current";
  out.openapi_v2 = openapi_v2_;
  out.openapi_v3_hash = openapi_v3_hash_;
  if (const auto made = made_openapi_v3()) out.openapi_v3_hash = made->etag.substr(1, made->etag.size() - 2);
  return out;
}

}  // namespace pintle::apiserver::aggregation
