// LIST and WATCH: which state answers, by resourceVersion, resourceVersionMatch, limit and continue.
#include <algorithm>
#include <limits>

#include "apiserver/registry/continue_token.h"
#include "apiserver/registry/converted_watcher.h"
#include "apiserver/registry/resource_store.h"
#include "apiserver/types/errors.h"

namespace pintle::apiserver::registry {

namespace {

constexpr int64_t newest_revision = -1;   // in a continue token: whatever the state is by then
constexpr std::size_t range_chunk = 500;  // objects read at once when selectors may drop some

// The one value of a field that the cache finds objects and wakes watchers by; nullptr: none.
const apimachinery::FieldRequirement* demanded_value(const apimachinery::FieldSelector& fields) {
  const auto& all = fields.requirements();
  const auto found =
      std::ranges::find_if(all, [](const auto& one) { return one.equals && !one.value.empty() && !one.field.starts_with("metadata."); });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

rt::Task<Result<ListAnswer>> ResourceStore::list(rt::Context ctx, Selection selection, ListParameters parameters) {
  if (!cached_versions_->differ() || selection.version == nullptr) co_return co_await list_stored(ctx, std::move(selection), std::move(parameters));
  if (!selection.fields.empty()) co_return co_await list_selected(ctx, std::move(selection), std::move(parameters));
  const VersionBinding& version = *selection.version;
  CO_TRY_ASSIGN(ListAnswer answer, co_await list_stored(ctx, std::move(selection), std::move(parameters)));
  CO_TRY_ASSIGN(answer.items, co_await cached_versions_->show(ctx, std::move(answer.items), version));
  co_return answer;
}

// What fields select is known once it is converted: stored pages are read on until one is full.
rt::Task<Result<ListAnswer>> ResourceStore::list_selected(rt::Context ctx, Selection selection, ListParameters parameters) {
  const std::size_t limit = parameters.limit > 0 ? static_cast<std::size_t>(parameters.limit) : std::numeric_limits<std::size_t>::max();
  const std::size_t prefix_size = resource_.prefix_of(selection.ns).size();
  ListAnswer answer;
  for (bool first = true;; first = false) {
    CO_TRY_ASSIGN(ListAnswer page, co_await list_stored(ctx, selection, parameters));
    if (first) answer.revision = page.revision;
    answer.expired = page.expired && answer.items.empty();
    answer.continue_token = std::move(page.continue_token);
    if (page.expired) co_return answer;
    CO_TRY_ASSIGN(page.items, co_await cached_versions_->show(ctx, std::move(page.items), *selection.version));
    for (std::size_t i = 0; i < page.items.size(); ++i) {
      if (!matches_fields(selection.fields, page.items[i]->header())) continue;
      answer.items.push_back(std::move(page.items[i]));
      if (answer.items.size() < limit) continue;
      const std::string_view key = answer.items.back()->key();
      if (i + 1 < page.items.size()) answer.continue_token = encode_continue({answer.revision, std::string(key.substr(prefix_size)) + '\0'});
      co_return answer;
    }
    if (answer.continue_token.empty()) co_return answer;
    parameters.continue_token = answer.continue_token;
    parameters.resource_version.clear();
    parameters.revision = 0;
    parameters.match = VersionMatch::Unset;
    parameters.limit = std::min<int64_t>(parameters.limit * 2, range_chunk);  // they are few: more of them are looked at at once
  }
}

rt::Task<Result<ListAnswer>> ResourceStore::list_stored(rt::Context ctx, Selection selection, ListParameters parameters) {
  if (!parameters.continue_token.empty()) {
    if (!parameters.resource_version.empty() && parameters.resource_version != "0")
      co_return bad_request("a resourceVersion cannot go with continue");
    CO_TRY_ASSIGN(ContinueToken token, decode_continue(parameters.continue_token));
    if (token.revision <= 0) {
      CO_TRY_ASSIGN(token.revision, co_await deps_.store.current_revision(ctx));
    }
    auto page = co_await list_at(ctx, selection, parameters, token.revision, token.start, true);
    if (page || page.error().reason != Reason::Expired) co_return page;
    ListAnswer expired;
    expired.expired = true;
    expired.continue_token = encode_continue({newest_revision, token.start});
    co_return expired;
  }
  const bool exact =
      parameters.match == VersionMatch::Exact || (parameters.match == VersionMatch::Unset && parameters.limit > 0 && parameters.revision > 0);
  if (exact) co_return co_await list_at(ctx, selection, parameters, parameters.revision, "", true);
  // resourceVersion=0: whatever the cache holds.
  if (parameters.resource_version != "0") CO_TRY(co_await wait_for_revision(ctx, parameters.revision));
  co_return co_await list_at(ctx, selection, parameters, 0, "", false);
}

// The page that begins at `start`; at `revision` if `at_revision`, else from the cache as it is.
rt::Task<Result<ListAnswer>> ResourceStore::list_at(rt::Context ctx, const Selection& selection, const ListParameters& parameters, int64_t revision,
                                                    std::string start, bool at_revision) {
  const std::string prefix = resource_.prefix_of(selection.ns);
  const std::size_t limit = static_cast<std::size_t>(parameters.limit);
  const bool everything = selection.everything();
  const bool single = !selection.name.empty() && (!selection.ns.empty() || !resource_.namespaced());
  ListAnswer answer;
  const auto finish = [&](std::string_view last_key, int64_t remaining) {
    answer.continue_token = encode_continue({answer.revision, std::string(last_key.substr(prefix.size())) + '\0'});
    if (everything) answer.remaining = remaining;
  };

  if (start.empty() || start.back() == '\0') {
    storage::CacheListOptions options;
    options.prefix = single ? resource_.key(selection.ns, selection.name) : prefix;
    options.limit = limit;
    options.match = predicate(selection);
    const auto* demanded = cached_versions_->differ() ? nullptr : demanded_value(selection.fields);
    if (demanded != nullptr) {
      options.index_field = demanded->field;
      options.index_value = demanded->value;
    }
    if (!start.empty()) options.after = prefix + start.substr(0, start.size() - 1);
    storage::CacheList page = cache_->list(options);
    if (!at_revision || page.revision == revision) {
      answer.items = std::move(page.items);
      answer.revision = page.revision;
      if (page.more && !single && !answer.items.empty()) finish(answer.items.back()->key(), page.remaining);
      co_return answer;
    }
  }

  CO_TRY_ASSIGN(const int64_t current, co_await deps_.store.current_revision(ctx));
  if (revision > current) co_return Unexpected(errors::too_large_resource_version(revision, current));
  const storage::Predicate match = predicate(selection);
  answer.revision = revision;
  std::string from = prefix + start;
  while (true) {
    storage::RangeRequest request;
    request.start = from;
    request.end = storage::prefix_end(prefix);
    request.limit = limit == 0 || !everything ? range_chunk : limit;
    request.revision = revision;
    CO_TRY_ASSIGN(storage::RangeResult range, co_await deps_.store.range(ctx, request));
    int64_t left = range.count;
    for (storage::KeyValue& stored : range.items) {
      --left;
      from = stored.key + '\0';
      auto loaded = codec_.load(stored);
      if (!loaded || (match && !match(loaded->header))) continue;
      answer.items.push_back(std::make_shared<const storage::CachedObject>(codec_, stored, std::move(*loaded)));
      if (limit == 0 || answer.items.size() < limit) continue;
      if (left > 0) finish(stored.key, left);
      co_return answer;
    }
    if (!range.more) co_return answer;
  }
}

rt::Task<Result<std::unique_ptr<storage::CacheWatcher>>> ResourceStore::watch(rt::Context ctx, Selection selection, ListParameters parameters) {
  storage::CacheWatchOptions options;
  options.prefix = resource_.prefix_of(selection.ns);
  options.bookmarks = parameters.allow_bookmarks;
  options.match = predicate(selection);
  const bool converted = cached_versions_->differ() && selection.version != nullptr;
  options.previous = converted && !selection.fields.empty();
  const auto* demanded = converted ? nullptr : demanded_value(selection.fields);
  if (demanded != nullptr) {
    options.index_field = demanded->field;
    options.index_value = demanded->value;
  } else if (!selection.name.empty()) {
    options.index_field = "metadata.name";
    options.index_value = selection.name;
  }
  const bool initial = parameters.send_initial_events ? *parameters.send_initial_events : parameters.revision == 0;
  if (parameters.send_initial_events.value_or(false)) {
    if (parameters.resource_version != "0") CO_TRY(co_await wait_for_revision(ctx, parameters.revision));
    options.send_initial = true;
  } else if (initial) {
    if (parameters.resource_version.empty()) CO_TRY(co_await wait_for_revision(ctx, 0));
  } else if (parameters.revision == 0) {
    CO_TRY(co_await wait_for_revision(ctx, 0));
    options.revision = std::max<int64_t>(cache_->revision(), 1);
  } else {
    options.revision = parameters.revision;
  }
  auto watcher = cache_->watch(std::move(options));
  if (!watcher || !converted) co_return watcher;
  co_return std::make_unique<ConvertedWatcher>(std::move(*watcher), cached_versions_, *selection.version, std::move(selection.fields));
}

}  // namespace pintle::apiserver::registry
