#include "apiserver/custom/conversion.h"

#include <algorithm>
#include <vector>

#include "api/codec.h"
#include "api/custom_object.h"
#include "apiserver/callout/callouts.h"
#include "apiserver/custom/conversion_review.h"
#include "apiserver/registry/resource.h"
#include "apiserver/types/uid.h"
#include "rt/combine.h"
#include "rt/executor.h"
#include "rt/runtime.h"

namespace pintle::apiserver::custom {
namespace {

using registry::VersionBinding;
using registry::VersionConverter;
using Version = api::apiextensions_v1::CustomResourceDefinitionVersion;

// Much is read where it keeps nobody waiting.
rt::Task<Result<std::vector<api::Object>>> where_there_is_time(std::size_t bytes, rt::Task<Result<std::vector<api::Object>>> work) {
  if (bytes <= registry::converted_quick_bytes_max) return work;
  return rt::run_on(rt::Executor::current().runtime().long_executor(), std::move(work));
}

// Strategy None: members stay as they are, as far as the schema of the other version declares them.
class SchemaConverter final : public VersionConverter {
 public:
  rt::Task<Result<std::vector<api::Object>>> convert(rt::Context, std::vector<Item> items, const VersionBinding& to) const override {
    std::size_t bytes = 0;
    for (const Item& item : items) bytes += item.json.size();
    return where_there_is_time(bytes, settle(std::move(items), to));
  }

 private:
  static rt::Task<Result<std::vector<api::Object>>> settle(std::vector<Item> items, const VersionBinding& to) {
    std::vector<api::Object> out;
    out.reserve(items.size());
    for (const Item& item : items) {
      api::Object object(api::type_of<api::CustomObject>());
      CO_TRY(api::decode_json(item.json.view(), object.type(), object.data()));
      CO_TRY(to.shape->settle_converted(object));
      out.push_back(std::move(object));
    }
    co_return out;
  }
};

class WebhookConverter final : public VersionConverter {
 public:
  WebhookConverter(std::unique_ptr<const ReviewCaller> caller, std::string_view review, rt::Random& random)
      : caller_(std::move(caller)), review_(review), random_(random) {}

  rt::Task<Result<std::vector<api::Object>>> convert(rt::Context ctx, std::vector<Item> items, const VersionBinding& to) const override {
    const ConversionReview review{review_, new_uid(random_), &to, &items};
    if (review_.empty()) co_return error(Reason::Unknown, "no supported conversion review versions");
    auto answer = co_await caller_->ask(ctx, review_question(review));
    if (!answer) co_return Unexpected(review_failure(review, answer.error().message));
    const std::size_t bytes = answer->size();
    co_return co_await where_there_is_time(bytes, read(review, std::move(*answer)));
  }

 private:
  static rt::Task<Result<std::vector<api::Object>>> read(const ConversionReview& review, Bytes answer) {
    co_return read_review_answer(review, answer.view());
  }

  const std::unique_ptr<const ReviewCaller> caller_;
  const std::string review_;
  rt::Random& random_;
};

class WebhookCaller final : public ReviewCaller {
 public:
  WebhookCaller(callout::Callouts& callouts, const api::apiextensions_v1::WebhookClientConfig& config) : callouts_(callouts) {
    target_.url = config.url.value_or("");
    target_.ca_bundle = config.ca_bundle;
    if (!config.service) return;
    target_.service = callout::ServiceName{config.service->namespace_, config.service->name, config.service->port.value_or(443)};
    target_.path = config.service->path.value_or("");
  }
  rt::Task<Result<Bytes>> ask(rt::Context ctx, Bytes question) const override {
    co_return co_await callouts_.post(ctx, target_, std::move(question), conversion_timeout, conversion_answer_bytes_max);
  }

 private:
  callout::Callouts& callouts_;
  callout::Target target_;
};

template <class T>
bool equal_parts(const T& a, const T& b) {
  return api::equal(api::type_of<T>(), &a, &b);
}

// Whether both say the same of an object's members, and of what it can be selected by.
bool alike(const Version& a, const Version& b) {
  const bool schemas = a.schema.has_value() == b.schema.has_value() && (!a.schema || equal_parts(*a.schema, *b.schema));
  return schemas && std::ranges::equal(a.selectable_fields, b.selectable_fields, [](const auto& x, const auto& y) { return equal_parts(x, y); });
}

}  // namespace

std::shared_ptr<const VersionConverter> make_webhook_converter(std::unique_ptr<const ReviewCaller> caller,
                                                               const std::vector<std::string>& review_versions, rt::Random& random) {
  return std::make_shared<const WebhookConverter>(std::move(caller), review_version(review_versions), random);
}

std::shared_ptr<const VersionConverter> make_converter(const api::apiextensions_v1::CustomResourceDefinition& definition,
                                                       const ConversionDeps& deps) {
  const auto& versions = definition.spec.versions;
  if (versions.size() < 2) return nullptr;
  const auto& conversion = definition.spec.conversion;
  if (conversion && conversion->strategy == "Webhook" && conversion->webhook && conversion->webhook->client_config)
    return make_webhook_converter(std::make_unique<const WebhookCaller>(deps.callouts, *conversion->webhook->client_config),
                                  conversion->webhook->conversion_review_versions, deps.random);
  if (std::ranges::all_of(versions, [&](const Version& version) { return alike(version, versions.front()); })) return nullptr;
  return std::make_shared<const SchemaConverter>();
}

}  // namespace pintle::apiserver::custom
