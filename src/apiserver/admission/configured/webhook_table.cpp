#include "apiserver/admission/configured/webhook_table.h"

#include <algorithm>
#include <iterator>

#include "apiserver/callout/client_config.h"
#include "component/log.h"

namespace pintle::apiserver::admission::configured {

namespace {

constexpr std::string_view group = "admissionregistration.k8s.io";
constexpr int32_t timeout_seconds_default = 10;  // of objects that were written before it was filled in

callout::Target target_of(const v1::WebhookClientConfig& client, const client::KubeconfigUsers* users) {
  callout::Target out = callout::target_of(client);
  if (users != nullptr) out.credentials = credentials_for(*users, host_and_port(out));
  return out;
}

std::string review_version_of(const std::vector<std::string>& accepted) {
  const auto known = std::ranges::find_if(accepted, [](const std::string& one) { return one == "v1" || one == "v1beta1"; });
  return known == accepted.end() ? "" : *known;
}

bool is_reinvocable(const v1::MutatingWebhook& webhook) { return webhook.reinvocation_policy == "IfNeeded"; }
bool is_reinvocable(const v1::ValidatingWebhook&) { return false; }

template <class Hook>
Webhook make_webhook(const std::string& configuration, const Hook& hook, const client::KubeconfigUsers* users) {
  Webhook out;
  out.configuration = configuration;
  out.name = hook.name;
  out.target = target_of(hook.client_config, users);
  out.selection = selection_of_webhook(hook);
  out.review_version = review_version_of(hook.admission_review_versions);
  out.timeout = std::chrono::seconds(hook.timeout_seconds.value_or(timeout_seconds_default));
  out.ignore_failure = hook.failure_policy == "Ignore";
  out.without_side_effects = hook.side_effects == "None" || hook.side_effects == "NoneOnDryRun";
  out.reinvocable = is_reinvocable(hook);
  if (hook.match_conditions.empty()) return out;
  auto conditions = expressions::MatchConditions::make(hook.match_conditions, false);
  if (conditions) {
    out.conditions = std::move(*conditions);
  } else {
    // They were compiled when they were written: by a server that knew another language. Nothing is selected less for that.
    component::log::error("The match conditions of a webhook cannot be compiled", conditions.error());
  }
  return out;
}

template <class Configuration>
std::vector<Webhook> read_webhooks(const ResourceReader& reader, const GroupResource& resource, const client::KubeconfigUsers* users) {
  std::vector<Webhook> out;
  for (const auto& cached : reader.list(resource, "")) {
    const auto object = reader.decode(resource, *cached);
    if (!object) continue;
    const auto& configuration = object->template as<Configuration>();
    for (const auto& hook : configuration.webhooks) out.push_back(make_webhook(configuration.metadata.name, hook, users));
  }
  std::ranges::stable_sort(out, {}, &Webhook::configuration);
  return out;
}

}  // namespace

Webhooks::Webhooks(std::vector<Webhook> all) : all_(std::move(all)) {
  const auto add = [](std::vector<uint32_t>& to, uint32_t index) {
    if (to.empty() || to.back() != index) to.push_back(index);
  };
  for (uint32_t i = 0; i < all_.size(); ++i)
    for (const auto& rule : all_[i].selection.rules)
      for (const std::string& pattern : rule.resources) {
        const std::string_view resource = std::string_view(pattern).substr(0, pattern.find('/'));
        add(resource == "*" ? of_any_ : by_resource_[std::string(resource)], i);
      }
}

std::vector<uint32_t> Webhooks::naming(std::string_view resource) const {
  const auto found = by_resource_.find(resource);
  if (found == by_resource_.end()) return of_any_;
  std::vector<uint32_t> out;
  std::ranges::set_union(found->second, of_any_, std::back_inserter(out));
  return out;
}

WebhookTable::WebhookTable(const ResourceReader& reader, bool mutating, std::shared_ptr<const client::KubeconfigUsers> users)
    : reader_(reader), mutating_(mutating), users_(std::move(users)) {}

std::shared_ptr<const Webhooks> WebhookTable::now() {
  if (!changes_->any && empty_) return nullptr;
  const GroupResource resource{std::string(group), mutating_ ? "mutatingwebhookconfigurations" : "validatingwebhookconfigurations"};
  ThreadLock lock(mutex_);
  if (!std::exchange(subscribed_, true))
    const_cast<ResourceReader&>(reader_).subscribe(resource, [changes = changes_](const storage::CacheEvent&) { changes->any = true; });
  if (changes_->any.exchange(false)) {
    auto all = mutating_ ? read_webhooks<v1::MutatingWebhookConfiguration>(reader_, resource, users_.get())
                         : read_webhooks<v1::ValidatingWebhookConfiguration>(reader_, resource, users_.get());
    empty_ = all.empty();
    webhooks_ = all.empty() ? nullptr : std::make_shared<const Webhooks>(std::move(all));
  }
  return webhooks_;
}

}  // namespace pintle::apiserver::admission::configured
