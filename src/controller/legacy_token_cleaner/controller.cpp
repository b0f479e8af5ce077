#include "controller/legacy_token_cleaner/controller.h"

#include <map>
#include <set>

#include "client/work_queue.h"
#include "component/log.h"
#include "controller/legacy_token_cleaner/plan.h"
#include "controller/objects/json_text.h"
#include "controller/objects/token_secrets.h"
#include "rules/pod_references.h"

namespace pintle::controller::legacy_token_cleaner {

using api::core_v1::ConfigMap;
using api::core_v1::Pod;
using api::core_v1::Secret;
using api::core_v1::ServiceAccount;

namespace {

using SecretPtr = std::shared_ptr<const Secret>;
constexpr int64_t pods_at_a_time = 500;

class LegacyTokenCleaner final : public Controller {
 public:
  explicit LegacyTokenCleaner(ControllerDeps deps)
      : deps_(deps),
        secrets_(objects::token_secrets(deps.informers)),
        accounts_(deps.informers.of<ServiceAccount>()),
        loop_(deps.loop(deps.name), [this](rt::Context ctx, std::string) { return look(std::move(ctx)); }) {}
  void start() override {
    loop_.queue().add("");
    loop_.start(1);
  }
  rt::Task<void> stop() override { co_await loop_.stop(); }

 private:
  rt::Task<Result<Unit>> look(rt::Context ctx);
  std::map<std::string, std::vector<SecretPtr>> unused_by_namespace(Period period);
  rt::Task<Result<std::set<std::string>>> mounted_in(rt::Context ctx, std::string ns);
  rt::Task<Result<Unit>> step(rt::Context ctx, SecretPtr secret, Period period);

  ControllerDeps deps_;
  client::Informer<Secret> secrets_;
  client::Informer<ServiceAccount> accounts_;
  client::ControlLoop loop_;  // one key
};

std::map<std::string, std::vector<SecretPtr>> LegacyTokenCleaner::unused_by_namespace(Period period) {
  std::map<std::string, std::vector<SecretPtr>> out;
  for (const auto& secret : secrets_.list()) {
    const std::string* name = secret->metadata.annotations.get(apimachinery::account_name_annotation);
    const auto account = name != nullptr ? accounts_.get(secret->metadata.namespace_, *name) : nullptr;
    if (is_unused(*secret, account.get(), period)) out[secret->metadata.namespace_].push_back(secret);
  }
  return out;
}

// The manager's own pods lack their environment; a namespace is read anew, once a day, if it has a token to be judged.
rt::Task<Result<std::set<std::string>>> LegacyTokenCleaner::mounted_in(rt::Context ctx, std::string ns) {
  std::set<std::string> out;
  client::ListOptions page;
  page.namespace_name = std::move(ns);
  page.limit = pods_at_a_time;
  do {
    client::ListOptions options = page;
    CO_TRY_ASSIGN(auto pods, co_await deps_.informers.client().list<Pod>(ctx, std::move(options)));
    for (const Pod& pod : pods.items)
      for (std::string& name : rules::secret_names(pod)) out.insert(std::move(name));
    page.continue_token = std::move(pods.continue_token);
  } while (!page.continue_token.empty());
  co_return out;
}

rt::Task<Result<Unit>> LegacyTokenCleaner::step(rt::Context ctx, SecretPtr secret, Period period) {
  const auto& meta = secret->metadata;
  const std::string key = client::object_key(meta.namespace_, meta.name);
  Result<Unit> done = Unit{};
  switch (next_step(*secret, period)) {
    case Step::Wait: break;
    case Step::Mark: {
      component::log::info(0, "A service account token that nobody uses is marked invalid", {{"secret", key}});
      std::string patch = R"({"metadata":{"uid":)" + objects::json_string(meta.uid) + R"(,"labels":{)" +
                          objects::json_string(apimachinery::invalid_since_label) + ":" + objects::json_string(apimachinery::to_day(period.now)) +
                          "}}}";
      auto marked = co_await deps_.client.patch<Secret>(std::move(ctx), meta.namespace_, meta.name, client::PatchType::Merge, std::move(patch));
      if (!marked) done = Unexpected(std::move(marked).error());
      break;
    }
    case Step::Remove: {
      component::log::info(0, "A service account token that nobody has missed is deleted", {{"secret", key}});
      client::DeleteOptions options;
      options.precondition_resource_version = meta.resource_version;
      done = co_await deps_.client.remove<Secret>(std::move(ctx), meta.namespace_, meta.name, std::move(options));
      break;
    }
  }
  if (!done && (done.error().reason == Reason::NotFound || done.error().reason == Reason::Conflict)) co_return Unit{};
  co_return done;
}

rt::Task<Result<Unit>> LegacyTokenCleaner::look(rt::Context ctx) {
  Period period;
  period.now = std::chrono::duration_cast<std::chrono::seconds>(deps_.runtime.clock().wall_now().time_since_epoch()).count();
  period.clean_up_seconds = std::chrono::duration_cast<std::chrono::seconds>(deps_.options.legacy_token_clean_up_period).count();
  auto map =
      co_await deps_.client.get<ConfigMap>(ctx, std::string(apimachinery::token_tracking_namespace), std::string(apimachinery::token_tracking_name));
  if (!map) co_return Unexpected(std::move(map).error());
  const auto enough = noted_long_enough(*map, period);
  if (!enough) co_return error(Reason::InternalError, "the ConfigMap " + map->metadata.name + " does not say since when tokens are watched");
  if (*enough) {
    CO_TRY_ASSIGN(auto unused, contained([&] { return unused_by_namespace(period); }));
    for (auto& [ns, secrets] : unused) {
      CO_TRY_ASSIGN(const auto mounted, co_await mounted_in(ctx, ns));
      for (SecretPtr& secret : secrets)
        if (!mounted.contains(secret->metadata.name)) CO_TRY(co_await step(ctx, std::move(secret), period));
    }
  }
  loop_.queue().add_after("", look_interval);
  co_return Unit{};
}

}  // namespace

std::unique_ptr<Controller> make_legacy_token_cleaner(ControllerDeps deps) { return std::make_unique<LegacyTokenCleaner>(std::move(deps)); }

}  // namespace pintle::controller::legacy_token_cleaner
