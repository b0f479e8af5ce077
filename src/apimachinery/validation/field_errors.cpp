#include "apimachinery/validation/field_errors.h"

#include <algorithm>

#include "codec/json_text.h"

namespace pintle::apimachinery {
namespace {

std::string with_detail(std::string message, std::string_view detail) {
  if (!detail.empty()) {
    message += ": ";
    message += detail;
  }
  return message;
}

}  // namespace

BadValue::BadValue(std::string_view text) : shown_(codec::go_quote(text)) {}

void FieldErrors::add(std::string_view type, const FieldPath& path, std::string message) {
  causes_.push_back({std::string(type), std::move(message), path.to_string()});
}

void FieldErrors::required(const FieldPath& path, std::string_view detail) {
  add("FieldValueRequired", path, with_detail("Required value", detail));
}

void FieldErrors::invalid(const FieldPath& path, const BadValue& value, std::string_view detail) {
  add("FieldValueInvalid", path, with_detail("Invalid value: " + value.shown(), detail));
}

void FieldErrors::invalid_all(const FieldPath& path, const BadValue& value, std::span<const std::string> messages) {
  for (const std::string& message : messages) invalid(path, value, message);
}

void FieldErrors::not_supported(const FieldPath& path, const BadValue& value, std::span<const std::string_view> supported) {
  std::vector<std::string_view> sorted(supported.begin(), supported.end());
  std::ranges::sort(sorted);
  std::string message = "Unsupported value: " + value.shown();
  for (std::size_t i = 0; i < sorted.size(); ++i) message += (i == 0 ? ": supported values: " : ", ") + codec::go_quote(sorted[i]);
  add("FieldValueNotSupported", path, std::move(message));
}

void FieldErrors::duplicate(const FieldPath& path, const BadValue& value) {
  add("FieldValueDuplicate", path, "Duplicate value: " + value.shown());
}

void FieldErrors::forbidden(const FieldPath& path, std::string_view detail) {
  add("FieldValueForbidden", path, with_detail("Forbidden", detail));
}

void FieldErrors::not_found(const FieldPath& path, const BadValue& value) {
  add("FieldValueNotFound", path, "Not found: " + value.shown());
}

void FieldErrors::too_long(const FieldPath& path, std::size_t max_bytes) {
  add("FieldValueTooLong", path, "Too long: may not be more than " + std::to_string(max_bytes) + " bytes");
}

void FieldErrors::too_many(const FieldPath& path, std::size_t actual, std::size_t max) {
  add("FieldValueTooMany", path,
      "Too many: " + std::to_string(actual) + ": must have at most " + std::to_string(max) + (max == 1 ? " item" : " items"));
}

void FieldErrors::type_invalid(const FieldPath& path, const BadValue& value, std::string_view detail) {
  add("FieldValueTypeInvalid", path, with_detail("Invalid value: " + value.shown(), detail));
}

void FieldErrors::internal(const FieldPath& path, std::string_view detail) {
  add("InternalError", path, with_detail("Internal error", detail));
}

void FieldErrors::append(FieldErrors more) {
  causes_.insert(causes_.end(), std::make_move_iterator(more.causes_.begin()), std::make_move_iterator(more.causes_.end()));
}

Status FieldErrors::to_status(std::string_view group, std::string_view kind, std::string_view name) const {
  std::vector<std::string> messages;   // each text once
  for (const StatusCause& cause : causes_) {
    std::string message = cause.field == "<nil>" ? cause.message : cause.field + ": " + cause.message;
    if (std::ranges::find(messages, message) == messages.end()) messages.push_back(std::move(message));
  }
  std::string all;
  for (const std::string& message : messages) all += (all.empty() ? "" : ", ") + message;
  Status status;
  status.reason = Reason::Invalid;
  status.message = std::string(kind);
  if (!group.empty()) status.message += "." + std::string(group);
  status.message += " " + codec::go_quote(name) + " is invalid: " + (messages.size() > 1 ? "[" + all + "]" : all);
  status.details.name = name;
  status.details.group = group;
  status.details.kind = kind;
  status.details.causes = causes_;
  return status;
}

Result<Unit> FieldErrors::result(std::string_view group, std::string_view kind, std::string_view name) const {
  if (causes_.empty()) return Unit{};
  return std::unexpected(to_status(group, kind, name));
}

}  // namespace pintle::apimachinery
