#include "apiserver/endpoints/request_limits.h"

#include <charconv>

#include "apiserver/authorization/authorizer.h"
#include "apiserver/fairness/estimate.h"
#include "apiserver/types/errors.h"

namespace pintle::apiserver::endpoints {

namespace {

constexpr double ratio_bounds[] = {0, 0.001, 0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1};

bool read_only(const RequestInfo& info) { return info.verb == "get" || info.verb == "list" || info.verb == "watch"; }

// "": 0, as is what will be refused when it is read.
std::size_t limit_of(const Query& query) {
  const std::string_view text = query.get("limit");
  std::size_t limit = 0;
  std::from_chars(text.data(), text.data() + text.size(), limit);
  return limit;
}

// Whose header names are told to every client: objects' UIDs, as their names are the administrator's own affair.
void tell_classification(exchange::Exchange& exchange, const fairness::Flow& flow) {
  net::Headers& headers = exchange.writer.headers();
  headers.set("x-kubernetes-pf-flowschema-uid", flow.schema.uid);
  headers.set("x-kubernetes-pf-prioritylevel-uid", flow.level_uid);
}

}  // namespace

void Place::release() {
  seat_.release();
  if (counter_ != nullptr) counter_->fetch_sub(1);
  if (gauge_ != nullptr) gauge_->add(-1);
  if (ratios_ != nullptr) ratios_->note(reading_, false, -1);
  counter_ = nullptr;
  gauge_ = nullptr;
  ratios_ = nullptr;
}

StoredBytes::StoredBytes(registry::InstalledRegistry& registry) {
  for (const auto& resource : registry.resources()) {
    const auto store = registry.find(resource->name());
    if (store == nullptr) continue;
    auto bytes = std::make_shared<std::atomic<int64_t>>(0);
    bytes_.emplace(store.get(), bytes);
    store->cache().on_event([bytes](const storage::CacheEvent& event) {
      int64_t change = 0;
      if (event.object && event.type != storage::CacheEventType::Deleted) change += static_cast<int64_t>(event.object->wire().size());
      if (event.previous) change -= static_cast<int64_t>(event.previous->wire().size());
      bytes->fetch_add(change, std::memory_order_relaxed);
    });
  }
}

int64_t StoredBytes::average(registry::ResourceStore& store) const {
  const auto found = bytes_.find(&store);
  const auto count = static_cast<int64_t>(store.cache().count(""));
  return found == bytes_.end() || count == 0 ? 0 : found->second->load(std::memory_order_relaxed) / count;
}

ReadWriteRatios::ReadWriteRatios(const ApiServerOptions& options, rt::Clock& clock)
    : clock_(clock),
      kinds_{Kind{0, {ratio_bounds, clock.now()}}, Kind{0, {ratio_bounds, clock.now()}}, Kind{0, {ratio_bounds, clock.now()}},
             Kind{0, {ratio_bounds, clock.now()}}} {
  kinds_[0].ratio.set_bound(std::max(1, options.max_mutating_requests_inflight), clock.now());
  kinds_[2].ratio.set_bound(std::max(1, options.max_requests_inflight), clock.now());
}

void ReadWriteRatios::note(bool reading, bool waiting, int delta) {
  ThreadLock lock(mutex_);
  Kind& kind = kinds_[(reading ? 2 : 0) + (waiting ? 1 : 0)];
  kind.now += delta;
  kind.ratio.set(kind.now, clock_.now());
}

void ReadWriteRatios::write(std::string& out) {
  constexpr std::string_view name = "apiserver_flowcontrol_read_vs_write_current_requests";
  constexpr std::string_view labels[] = {"phase", "request_kind"};
  component::metrics::write_head(out, name, "Requests of a kind and a phase by the most there could be, by time in nanoseconds.", "histogram");
  ThreadLock lock(mutex_);
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    const std::string values[] = {i % 2 == 0 ? "executing" : "waiting", i < 2 ? "mutating" : "readOnly"};
    kinds_[i].ratio.write(out, name, labels, values, clock_.now());
  }
}

RequestLimits::RequestLimits(registry::InstalledRegistry& registry, const ApiServerOptions& options, rt::Clock& clock, fairness::Fairness* fairness,
                             RequestMetrics& metrics)
    : registry_(registry),
      options_(options),
      fairness_(fairness),
      stored_(registry),
      ratios_(options, clock),
      reading_now_(metrics.inflight_read()),
      mutating_now_(metrics.inflight_mutating()),
      reading_waiting_(metrics.inqueue_read()),
      mutating_waiting_(metrics.inqueue_mutating()) {}

rt::Task<Result<Unit>> RequestLimits::enter(exchange::Exchange& exchange, Place& place, bool long_running) {
  const bool watch = exchange.info.is_resource && exchange.info.verb == "watch";
  if (long_running && (!watch || fairness_ == nullptr)) co_return Unit{};
  if (fairness_ == nullptr) {
    CO_TRY(enter_counter(exchange, place));
  } else {
    CO_TRY(co_await enter_level(exchange, place, watch));
  }
  place.gauge_ = read_only(exchange.info) ? &reading_now_ : &mutating_now_;
  place.gauge_->add(1);
  place.ratios_ = &ratios_;
  place.reading_ = read_only(exchange.info);
  ratios_.note(place.reading_, false, 1);
  co_return Unit{};
}

Result<Unit> RequestLimits::enter_counter(exchange::Exchange& exchange, Place& place) {
  const bool reading = read_only(exchange.info);
  std::atomic<int>& counter = reading ? reading_ : mutating_;
  const int limit = reading ? options_.max_requests_inflight : options_.max_mutating_requests_inflight;
  const int now = counter.fetch_add(1) + 1;
  place.counter_ = &counter;
  if (limit <= 0 || now <= limit || exchange.scope.user.in_group(group_masters)) return Unit{};
  place.release();
  return Unexpected(errors::too_many_requests());
}

rt::Task<Result<Unit>> RequestLimits::enter_level(exchange::Exchange& exchange, Place& place, bool watch) {
  fairness::Classified classified = fairness_->classify(exchange.scope.user, exchange.info);
  tell_classification(exchange, *classified.flow);
  const fairness::Work work = estimate(exchange, classified, watch);
  fairness::Seat::Entry entry = fairness_->enter(place.seat_, std::move(classified), exchange.scope.user, exchange.info, work);
  if (entry == fairness::Seat::Entry::Waiting) {
    component::metrics::Gauge& waiting = read_only(exchange.info) ? reading_waiting_ : mutating_waiting_;
    waiting.add(1);
    ratios_.note(read_only(exchange.info), true, 1);
    const rt::Duration limit = options_.request_timeout.count() > 0 ? options_.request_timeout / queue_wait_part : queue_wait_max;
    const bool seated = co_await place.seat_.wait(exchange.ctx, limit);
    waiting.add(-1);
    ratios_.note(read_only(exchange.info), true, -1);
    entry = seated ? fairness::Seat::Entry::Seated : fairness::Seat::Entry::Refused;
  }
  if (entry == fairness::Seat::Entry::Refused) co_return Unexpected(errors::too_many_requests());
  if (watch) place.watch_ = fairness_->watches().add(exchange.info);
  co_return Unit{};
}

fairness::Work RequestLimits::estimate(const exchange::Exchange& exchange, const fairness::Classified& classified, bool watch) const {
  const RequestInfo& info = exchange.info;
  const uint32_t level_max = classified.flow->level->seats_max();
  if (!info.is_resource) return {};
  if (watch) return exchange.query.boolean("sendInitialEvents") ? estimate_list(exchange, level_max) : fairness::Work{};
  if (info.verb == "list" || info.verb == "deletecollection") return estimate_list(exchange, level_max);
  if (read_only(info)) return {};
  const std::size_t watchers = fairness_->watches().woken_by(info);
  classified.flow->stats->watchers.observe(static_cast<double>(watchers));
  return fairness::write_work(watchers, level_max);
}

// By what the namespace holds, as that is what a list reads here.
fairness::Work RequestLimits::estimate_list(const exchange::Exchange& exchange, uint32_t level_max) const {
  const RequestInfo& info = exchange.info;
  const auto found = registry_.find_served(info.group, info.version, info.resource);
  if (found.store == nullptr) return {};
  const storage::WatchCache& cache = found.store->cache();
  fairness::ListedObjects objects;
  objects.count = cache.count(info.ns.empty() ? found.resource->prefix() : found.resource->prefix_of(info.ns));
  objects.average_bytes = stored_.average(*found.store);
  return fairness::list_work(objects, limit_of(exchange.query), !info.name.empty(), level_max);
}

}  // namespace pintle::apiserver::endpoints
