// The webhooks of the configurations that are there, made ready to be asked; made anew only when those are others.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/admission/configured/matching.h"
#include "apiserver/admission/configured/webhook_credentials.h"
#include "apiserver/admission/expressions/match_conditions.h"
#include "base/mutex.h"

namespace pintle::apiserver::admission::configured {

struct Webhook {
  std::string configuration;
  std::string name;
  callout::Target target;
  Selection selection;
  std::shared_ptr<const expressions::MatchConditions> conditions;  // nullptr: none
  std::string review_version;                                      // v1 or v1beta1; "": it accepts neither
  rt::Duration timeout{};
  bool ignore_failure = false;
  bool without_side_effects = false;  // none at all, or none in a dry run
  bool reinvocable = false;           // reinvocationPolicy IfNeeded
};

// Constant once made.
class Webhooks {
 public:
  explicit Webhooks(std::vector<Webhook> all);
  const std::vector<Webhook>& all() const { return all_; }
  // Indexes of those with a rule that names the resource, in their order.
  std::vector<uint32_t> naming(std::string_view resource) const;

 private:
  std::vector<Webhook> all_;
  std::map<std::string, std::vector<uint32_t>, std::less<>> by_resource_;
  std::vector<uint32_t> of_any_;
};

// By configuration's name, then as the configuration lists them. Thread-safe.
class WebhookTable {
 public:
  // `users`: what webhooks are shown; nullptr: nothing.
  WebhookTable(const ResourceReader& reader, bool mutating, std::shared_ptr<const client::KubeconfigUsers> users);
  // nullptr: there are none, which costs two loads to know.
  std::shared_ptr<const Webhooks> now();

 private:
  struct Changes {
    std::atomic<bool> any = true;
  };
  const ResourceReader& reader_;
  const bool mutating_;
  const std::shared_ptr<const client::KubeconfigUsers> users_;
  const std::shared_ptr<Changes> changes_ = std::make_shared<Changes>();  // outlives the table: whoever tells of changes does
  std::atomic<bool> empty_ = true;
  ThreadMutex mutex_;
  bool subscribed_ GUARDED_BY(mutex_) = false;
  std::shared_ptr<const Webhooks> webhooks_ GUARDED_BY(mutex_);
};

}  // namespace pintle::apiserver::admission::configured
