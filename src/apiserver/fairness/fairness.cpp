#include "apiserver/fairness/fairness.h"

#include <algorithm>

#include "apiserver/types/user_info.h"
#include "base/check.h"

namespace pintle::apiserver::fairness {

namespace {

namespace api_objects = api::flowcontrol_v1;
constexpr std::string_view group = "flowcontrol.apiserver.k8s.io";
constexpr std::string_view exempt_name = "exempt";
constexpr std::string_view catch_all_name = "catch-all";
constexpr int64_t catch_all_shares = 5;
constexpr int32_t catch_all_precedence = 10000;

const GroupResource schemas_resource{std::string(group), "flowschemas"};
const GroupResource levels_resource{std::string(group), "prioritylevelconfigurations"};

}  // namespace

LevelSpec mandatory_level(bool exempt) {
  LevelSpec spec;
  spec.name = exempt ? exempt_name : catch_all_name;
  spec.shares = exempt ? 0 : catch_all_shares;
  spec.queues.exempt = exempt;
  return spec;
}

FlowSchema mandatory_schema(bool exempt) {
  const std::vector<std::string> all{"*"};
  FlowSchema schema;
  schema.name = exempt ? exempt_name : catch_all_name;
  schema.level = schema.name;
  schema.precedence = exempt ? 1 : catch_all_precedence;
  schema.distinguisher = exempt ? Distinguisher::None : Distinguisher::User;
  FlowRule rule;
  rule.subjects.push_back({FlowSubject::Kind::Group, "", exempt ? std::string(group_masters) : "*"});
  rule.resources.push_back({all, all, all, all, true});
  rule.paths.push_back({all, all});
  schema.rules.push_back(std::move(rule));
  return schema;
}

std::shared_ptr<Fairness> Fairness::make(FairnessDeps deps) {
  std::shared_ptr<Fairness> out(new Fairness(deps));
  out->follow();
  return out;
}

Fairness::Fairness(FairnessDeps deps)
    : deps_(deps), seed_(deps.runtime.random().next_u64()), metrics_(deps.metrics), period_began_(deps.runtime.clock().now()) {}

void Fairness::follow() {
  const auto to = [this](void (Fairness::*handler)(const storage::CacheEvent&)) {
    return [weak = weak_from_this(), handler](const storage::CacheEvent& event) {
      if (const auto self = weak.lock()) (*self.*handler)(event);
    };
  };
  digest_pending_ = true;  // one digestion of all that is there
  deps_.reader.subscribe(levels_resource, to(&Fairness::on_level));
  deps_.reader.subscribe(schemas_resource, to(&Fairness::on_schema));
  digest();
}

void Fairness::on_schema(const storage::CacheEvent& event) {
  if (!event.object) return;
  const std::string name(event.object->header().name);
  ThreadLock lock(mutex_);
  schemas_.erase(name);
  if (event.type != storage::CacheEventType::Deleted) {
    const auto object = deps_.reader.decode(schemas_resource, *event.object);
    if (!object) return;
    const auto& schema = object->as<api_objects::FlowSchema>();
    StoredSchema stored{compile(schema), "", ""};
    for (const auto& condition : schema.status.conditions) {
      if (condition.type != "Dangling") continue;
      stored.dangling = condition.status;
      stored.dangling_reason = condition.reason;
    }
    schemas_.emplace(name, std::move(stored));
  }
  lock.unlock();
  digest_soon();
}

void Fairness::on_level(const storage::CacheEvent& event) {
  if (!event.object) return;
  const std::string name(event.object->header().name);
  ThreadLock lock(mutex_);
  specs_.erase(name);
  if (event.type != storage::CacheEventType::Deleted) {
    const auto object = deps_.reader.decode(levels_resource, *event.object);
    if (!object) return;
    if (auto spec = compile(object->as<api_objects::PriorityLevelConfiguration>())) specs_.emplace(name, std::move(*spec));
  }
  lock.unlock();
  digest_soon();
}

// What comes together is digested once.
void Fairness::digest_soon() {
  if (digest_pending_.exchange(true)) return;
  deps_.runtime.executor(0).post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->digest();
  });
}

void Fairness::digest() {
  std::function<void()> tell;
  {
    ThreadLock lock(mutex_);
    digest_pending_ = false;
    digest_levels();
    digest_flows();
    tell = on_upkeep_;
  }
  if (tell) tell();
}

// Levels that are gone go on until those who are at them have left.
void Fairness::digest_levels() {
  std::map<std::string, LevelSpec> wanted = specs_;
  for (const bool exempt : {true, false}) {
    LevelSpec mandatory = mandatory_level(exempt);
    wanted.try_emplace(mandatory.name, std::move(mandatory));
  }
  for (const auto& [name, spec] : wanted) {
    auto& level = levels_[name];
    if (!level) level = std::make_shared<PriorityLevel>(deps_.runtime, metrics_, name, spec.queues.exempt);
    level->set_quiescing(false);
  }
  std::erase_if(levels_, [&](const auto& item) {
    if (wanted.contains(item.first)) return false;
    if (item.second->idle()) return true;
    item.second->set_quiescing(true);
    wanted.emplace(item.first, item.second->spec());
    return false;
  });
  std::vector<int64_t> shares;
  for (const auto& [name, level] : levels_) shares.push_back(wanted.at(name).shares);
  const std::vector<int> nominal = nominal_seats(deps_.seats, shares);
  std::size_t i = 0;
  for (const auto& [name, level] : levels_) level->configure(wanted.at(name), nominal[i++]);
  share_seats(false, 0);
}

void Fairness::digest_flows() {
  auto made = std::make_shared<Configuration>();
  std::vector<FlowSchema> schemas;
  for (const auto& [name, stored] : schemas_) {
    const auto level = levels_.find(stored.compiled.level);
    if (level != levels_.end() && !level->second->quiescing()) schemas.push_back(stored.compiled);
  }
  const auto has = [&](std::string_view name) {
    return std::any_of(schemas.begin(), schemas.end(), [&](const FlowSchema& schema) { return schema.name == name; });
  };
  const bool add_exempt = !has(exempt_name), add_catch_all = !has(catch_all_name);
  sort_for_matching(schemas);
  if (add_exempt) schemas.insert(schemas.begin(), mandatory_schema(true));
  if (add_catch_all) schemas.push_back(mandatory_schema(false));
  std::map<std::string, std::vector<std::string>> kept;
  for (FlowSchema& schema : schemas) {
    const auto& level = levels_.at(schema.level);
    kept[schema.level].push_back(schema.name);
    Flow flow{std::move(schema), level, nullptr, level->spec().uid};
    flow.stats = level->flow(flow.schema.name);
    made->flows.push_back(std::move(flow));
  }
  for (const auto& [name, level] : levels_) level->forget_flows(kept[name]);
  for (const Flow& flow : made->flows)
    if (flow.schema.name == catch_all_name) made->catch_all = &flow;
  CHECK(made->catch_all != nullptr, "there is always a catch-all");
  configuration_.store(std::move(made));
}

Classified Fairness::classify(const UserInfo& user, const RequestInfo& info) const {
  Classified out;
  out.configuration = configuration_.load();
  out.flow = out.configuration->catch_all;
  for (const Flow& flow : out.configuration->flows) {
    if (!flow.schema.matches(user, info)) continue;
    out.flow = &flow;
    break;
  }
  out.distinguisher = out.flow->schema.flow(user, info);
  return out;
}

Seat::Entry Fairness::enter(Seat& seat, Classified classified, const UserInfo& user, const RequestInfo& info, const Work& work) {
  if (!classified.flow->level->exempt()) note_use();
  const uint64_t hash = hash_flow(seed_, classified.flow->schema.name, classified.distinguisher);
  return seat.enter(deps_.runtime.clock(), std::move(classified), hash, user, info, work);
}

// Seats move only while there is something to move them for.
void Fairness::note_use() {
  if (!used_.load(std::memory_order_relaxed)) used_.store(true, std::memory_order_relaxed);
  if (!armed_.load(std::memory_order_relaxed) && !armed_.exchange(true)) arm();
}

void Fairness::arm() {
  rt::Executor* executor = rt::Executor::current_or_null();
  if (executor == nullptr) executor = &deps_.runtime.executor(0);
  executor->post_at(deps_.runtime.clock().now() + borrowing_period, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_period();
  });
}

void Fairness::on_period() {
  const bool used = used_.exchange(false);
  bool waits = false;
  {
    ThreadLock lock(mutex_);
    const rt::TimePoint now = deps_.runtime.clock().now();
    const int64_t periods = std::max<int64_t>(1, (now - period_began_) / borrowing_period);
    period_began_ = now;
    share_seats(true, periods);
    for (const auto& [name, level] : levels_) waits = waits || !level->idle();
  }
  if (used || waits) return arm();
  armed_ = false;
}

void Fairness::share_seats(bool new_period, int64_t periods) {
  std::vector<LevelDemand> demands;
  for (const auto& [name, level] : levels_) demands.push_back(new_period ? level->end_period(periods) : level->demand());
  const Limits limits = next_limits(deps_.seats, demands);
  fraction_ = limits.fraction;
  std::size_t i = 0;
  for (const auto& [name, level] : levels_) {
    level->set_limit(limits.seats[i], limits.targets[i]);
    ++i;
  }
}

Fairness::Upkeep Fairness::upkeep() const {
  Upkeep out;
  ThreadLock lock(mutex_);
  for (const auto& [name, stored] : schemas_) {
    const std::string& level = stored.compiled.level;
    const bool dangling = !specs_.contains(level) && level != exempt_name && level != catch_all_name;
    if (stored.dangling == (dangling ? "True" : "False") && stored.dangling_reason == (dangling ? "NotFound" : "Found")) continue;
    out.dangling.push_back({name, level, dangling});
  }
  return out;
}

void Fairness::on_upkeep(std::function<void()> callback) {
  ThreadLock lock(mutex_);
  on_upkeep_ = std::move(callback);
}

std::vector<std::shared_ptr<PriorityLevel>> Fairness::levels() const {
  std::vector<std::shared_ptr<PriorityLevel>> out;
  ThreadLock lock(mutex_);
  for (const auto& [name, level] : levels_) out.push_back(level);
  return out;
}

}  // namespace pintle::apiserver::fairness
