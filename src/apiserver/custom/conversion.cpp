#include "apiserver/custom/conversion.h"

#include <algorithm>
#include <vector>

#include "api/codec.h"
#include "api/custom_object.h"
#include "apiserver/callout/client_config.h"
#include "apiserver/custom/conversion_review.h"
#include "apiserver/registry/resource.h"
#include "rt/combine.h"
#include "rt/executor.h"
#include "rt/runtime.h"
#include "rt/uid.h"

namespace pintle::apiserver::custom {
namespace {

using registry::VersionBinding;
using registry::VersionConverter;
using Version = api::apiextensions_v1::CustomResourceDefinitionVersion;

// Much is read where it keeps nobody waiting.
template <class T>
rt::Task<T> where_there_is_time(std::size_t bytes, rt::Task<T> work) {
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

using Converted = Expected<std::vector<api::Object>, ConversionFailure>;

class WebhookConverter final : public VersionConverter {
 public:
  WebhookConverter(const api::apiextensions_v1::CustomResourceDefinition& definition, const ConversionDeps& deps)
      : definition_(definition.metadata.name),
        target_(callout::target_of(*definition.spec.conversion->webhook->client_config)),
        review_(review_version(definition.spec.conversion->webhook->conversion_review_versions)),
        deps_(deps) {}

  rt::Task<Result<std::vector<api::Object>>> convert(rt::Context ctx, std::vector<Item> items, const VersionBinding& to) const override {
    if (review_.empty()) co_return error(Reason::Unknown, "no supported conversion review versions");
    const rt::TimePoint begun = deps_.clock.now();
    ConversionMetrics::Call call{definition_, items.front().from->kind->gvk.version, to.kind->gvk.version};
    const ConversionReview review{std::string(review_), rt::new_uid(deps_.random), &to, &items};
    Converted converted = co_await ask(ctx, review);
    if (!converted) call.fault = converted.error().fault;
    call.took = deps_.clock.now() - begun;
    if (deps_.metrics != nullptr && !ctx.done()) deps_.metrics->called(call);
    if (!converted) co_return Unexpected(Status(std::move(converted.error())));
    co_return std::move(*converted);
  }

 private:
  rt::Task<Converted> ask(rt::Context ctx, const ConversionReview& review) const {
    auto answer = co_await deps_.callouts.post(ctx, target_, review_question(review), conversion_timeout, conversion_answer_bytes_max);
    if (!answer) co_return Unexpected(review_failure(review, answer.error().message));
    const std::size_t bytes = answer->size();
    co_return co_await where_there_is_time(bytes, read(review, std::move(*answer)));
  }
  static rt::Task<Converted> read(const ConversionReview& review, Bytes answer) { co_return read_review_answer(review, answer.view()); }

  const std::string definition_;
  const callout::Target target_;
  const std::string review_;
  const ConversionDeps deps_;
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

std::shared_ptr<const VersionConverter> make_converter(const api::apiextensions_v1::CustomResourceDefinition& definition,
                                                       const ConversionDeps& deps) {
  const auto& versions = definition.spec.versions;
  if (versions.size() < 2) return nullptr;
  const auto& conversion = definition.spec.conversion;
  if (conversion && conversion->strategy == "Webhook" && conversion->webhook && conversion->webhook->client_config)
    return std::make_shared<const WebhookConverter>(definition, deps);
  if (std::ranges::all_of(versions, [&](const Version& version) { return alike(version, versions.front()); })) return nullptr;
  return std::make_shared<const SchemaConverter>();
}

}  // namespace pintle::apiserver::custom
