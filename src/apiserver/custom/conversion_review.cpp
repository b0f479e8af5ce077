#include "apiserver/custom/conversion_review.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/custom_object.h"
#include "apimachinery/validation/object_meta.h"
#include "codec/bounded_json.h"
#include "codec/go_type.h"

namespace pintle::apiserver::custom {
namespace {

using apimachinery::FieldErrors;
using apimachinery::FieldPath;
using codec::Value;

constexpr std::string_view group = "apiextensions.k8s.io";

std::string shown(const api::GroupVersionKind& kind) { return fmt::format("{}/{}, Kind={}", kind.group, kind.version, kind.kind); }

std::string webhook_of(const ConversionReview& review) { return "conversion webhook for " + shown(review.items->front().from->kind->gvk); }

Unexpected<Status> failed(const ConversionReview& review, std::string_view what) {
  return error(Reason::Unknown, webhook_of(review) + std::string(what));
}

// "" where there is no text.
std::string_view text_at(const Value* object, std::string_view name) {
  if (object == nullptr || !object->is_object()) return {};
  const Value* member = object->find(name);
  return member != nullptr && member->is_string() ? std::string_view(member->as_string()) : std::string_view();
}

Result<Unit> check_same(std::string_view what, std::string_view original, std::string_view converted) {
  if (original == converted) return Unit{};
  return error(Reason::Unknown, fmt::format("must have the same {}: {} != {}", what, original, converted));
}

std::string text_of(const FieldErrors& errors) {
  std::vector<std::string> texts;
  for (const StatusCause& cause : errors.causes()) texts.push_back(cause.field + ": " + cause.message);
  return texts.size() == 1 ? texts.front() : fmt::format("[{}]", fmt::join(texts, ", "));
}

// Labels or annotations as the answer has them.
Result<Unit> take_texts(const Value& metadata, std::string_view name, FlatMap<std::string>& into) {
  const Value* given = metadata.find(name);
  if (given == nullptr || given->is_null()) {
    into = {};
    return Unit{};
  }
  if (!given->is_object())
    return error(Reason::Unknown, fmt::format("invalid metadata.{} of type {} in converted object", name, codec::go_type(*given)));
  FlatMap<std::string> taken;
  for (const auto& [key, value] : given->as_object()) {
    if (!value.is_string())
      return error(Reason::Unknown, fmt::format("metadata.{}[{}] must be a string, but is {} in converted object", name, key, codec::go_type(value)));
    taken[key] = value.as_string();
  }
  if (!(taken == into)) {
    FieldErrors errors;
    if (name == "labels")
      apimachinery::validate_labels(taken, FieldPath("metadata", "labels"), errors);
    else
      apimachinery::validate_annotations(taken, FieldPath("metadata", "annotation"), errors);
    if (!errors.empty()) return error(Reason::Unknown, text_of(errors));
  }
  into = std::move(taken);
  return Unit{};
}

Result<Unit> check_result(const ConversionReview& review, const Value& answer) {
  const std::string wanted = std::string(group) + "/" + review.version;
  const std::string_view version = text_at(&answer, "apiVersion"), kind = text_at(&answer, "kind");
  if (review.version == "v1" && (version != wanted || kind != "ConversionReview"))
    return error(Reason::Unknown, fmt::format("expected webhook response of {}, Kind=ConversionReview, got {}, Kind={}", wanted,
                                              version.empty() ? "/" : version, kind));
  const Value* response = answer.find("response");
  if (response == nullptr || !response->is_object()) return error(Reason::Unknown, "no response provided");
  if (const std::string_view uid = text_at(response, "uid"); review.version == "v1" && uid != review.uid)
    return error(Reason::Unknown, fmt::format("expected response.uid=\"{}\", got \"{}\"", review.uid, uid));
  const Value* result = response->find("result");
  const std::string_view status = text_at(result, "status");
  if (status == "Success") return Unit{};
  if (const std::string_view message = text_at(result, "message"); !message.empty()) return error(Reason::Unknown, std::string(message));
  return error(Reason::Unknown, fmt::format("response.result.status was '{}', not 'Success'", status));
}

// The words around what is wrong with one object: those for lists and for single objects differ.
std::string at_index(const ConversionReview& review, std::size_t index, std::string_view what) {
  if (review.items->size() > 1) return fmt::format(" returned invalid converted object at index {}: {}", index, what);
  return fmt::format(" returned invalid object at index {}: {}", index, what);
}

Result<api::Object> read_object(const ConversionReview& review, std::size_t index, Value& given) {
  const registry::VersionConverter::Item& item = (*review.items)[index];
  const bool alone = review.items->size() == 1;
  const api::GroupVersionKind& wanted = review.to->kind->gvk;
  if (!given.is_object()) return failed(review, at_index(review, index, fmt::format("no JSON object, but {}", codec::go_type(given))));
  const std::string_view version = text_at(&given, "apiVersion"), kind = text_at(&given, "kind");
  if (kind.empty()) return failed(review, at_index(review, index, "Object 'Kind' is missing"));
  if (version != review.to->api_version)
    return failed(review, at_index(review, index, fmt::format("invalid groupVersion (expected {}, received {})", review.to->api_version, version)));
  if (kind != wanted.kind) return failed(review, at_index(review, index, fmt::format("invalid kind (expected {}, received {})", wanted.kind, kind)));

  api::Object object(api::type_of<api::CustomObject>());
  TRY(api::decode_json(item.json.view(), object.type(), object.data()));
  auto& custom = object.as<api::CustomObject>();
  const Value* metadata = given.find("metadata");
  const auto check = [&]() -> Result<Unit> {
    TRY(check_same("name", custom.metadata.name, text_at(metadata, "name")));
    TRY(check_same("namespace", custom.metadata.namespace_, text_at(metadata, "namespace")));
    return check_same("UID", custom.metadata.uid, text_at(metadata, "uid"));
  };
  if (auto checked = check(); !checked) {
    const std::string& why = checked.error().message;
    return failed(review, alone ? " returned invalid object: " + why : at_index(review, index, why));
  }
  const auto take = [&]() -> Result<Unit> {
    if (metadata == nullptr) return error(Reason::Unknown, "missing metadata in converted object");
    if (!metadata->is_object())
      return error(Reason::Unknown, fmt::format("invalid metadata of type {} in converted object", codec::go_type(*metadata)));
    TRY(take_texts(*metadata, "labels", custom.metadata.labels));
    return take_texts(*metadata, "annotations", custom.metadata.annotations);
  };
  if (auto taken = take(); !taken) {
    const std::string& why = taken.error().message;
    return failed(review,
                  alone ? " returned invalid metadata: " + why : fmt::format(" returned invalid metadata in object at index {}: {}", index, why));
  }
  for (const char* name : {"apiVersion", "kind", "metadata"}) given.as_object().erase(name);
  custom.rest.members = std::move(given);
  if (auto settled = review.to->shape->settle_converted(object); !settled) return failed(review, at_index(review, index, settled.error().message));
  return object;
}

}  // namespace

std::string_view review_version(const std::vector<std::string>& taken) {
  for (const std::string& version : taken)
    if (version == "v1" || version == "v1beta1") return version;
  return {};
}

Bytes review_question(const ConversionReview& review) {
  std::size_t bytes = 512;
  for (const auto& item : *review.items) bytes += item.json.size() + item.from->json_head.size() + 1;
  std::string out;
  out.reserve(bytes);
  out += fmt::format(R"({{"kind":"ConversionReview","apiVersion":"{}/{}","request":{{"uid":"{}","desiredAPIVersion":"{}","objects":[)", group,
                     review.version, review.uid, review.to->api_version);
  bool first = true;
  for (const auto& item : *review.items) {
    if (!std::exchange(first, false)) out += ',';
    out.append(item.from->json_head.view()).append(item.json.view(), 1);
  }
  out += R"(]},"response":{"uid":"","convertedObjects":null,"result":{"metadata":{}}}})";
  return Bytes(std::move(out));
}

Expected<std::vector<api::Object>, ConversionFailure> read_review_answer(const ConversionReview& review, std::string_view answer) {
  const auto fail = [](ConversionFault fault, Status why) { return Unexpected(ConversionFailure{std::move(why), fault}); };
  auto parsed = codec::parse_json_within(conversion_decoded_bytes_max, answer);
  if (!parsed)
    return fail(ConversionFault::Call, failed(review, " failed: couldn't get version/kind; json parse error: " + parsed.error().message).error());
  if (auto checked = check_result(review, *parsed); !checked)
    return fail(ConversionFault::MalformedResponse, failed(review, " failed: " + checked.error().message).error());
  Value none;
  Value* objects = parsed->find("response")->find("convertedObjects");
  if (objects == nullptr || !objects->is_array()) objects = &none;
  const std::size_t count = objects->is_array() ? objects->as_array().size() : 0;
  if (count != review.items->size())
    return fail(ConversionFault::PartialResponse,
                failed(review, fmt::format(" returned {} objects, expected {}", count, review.items->size())).error());
  std::vector<api::Object> out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto object = read_object(review, i, objects->as_array()[i]);
    if (!object) return fail(ConversionFault::InvalidObject, std::move(object.error()));
    out.push_back(std::move(*object));
  }
  return out;
}

ConversionFailure review_failure(const ConversionReview& review, std::string_view why) {
  return {failed(review, " failed: " + std::string(why)).error(), ConversionFault::Call};
}

}  // namespace pintle::apiserver::custom
