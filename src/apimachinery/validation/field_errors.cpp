#include "apimachinery/validation/field_errors.h"

#include <algorithm>
#include <unordered_set>

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

// As much of a text as an error shows, whole characters.
std::string_view cut(std::string_view text) {
  if (text.size() <= shown_value_bytes_max) return text;
  std::size_t end = shown_value_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

BadValue::BadValue(std::string_view text) : shown_(codec::go_quote(cut(text))) {
  if (text.size() > shown_value_bytes_max) shown_ += "...";
}

BadValue BadValue::raw(std::string shown) {
  BadValue value(nullptr);
  if (shown.size() > shown_value_bytes_max) shown = std::string(cut(shown)) + "...";
  value.shown_ = std::move(shown);
  return value;
}

void FieldErrors::keep(StatusCause cause) {
  if (full()) {
    ++left_out_;
    return;
  }
  bytes_ += cause.message.size() + cause.field.size();
  causes_.push_back(std::move(cause));
}

void FieldErrors::add(std::string_view type, const FieldPath& path, std::string message) {
  if (full()) {
    ++left_out_;
    return;
  }
  keep({std::string(type), std::move(message), path.to_string()});
}

void FieldErrors::required(const FieldPath& path, std::string_view detail) { add("FieldValueRequired", path, with_detail("Required value", detail)); }

void FieldErrors::invalid(const FieldPath& path, const BadValue& value, std::string_view detail) {
  add("FieldValueInvalid", path, with_detail(value.behind("Invalid value"), detail));
}

void FieldErrors::invalid_all(const FieldPath& path, const BadValue& value, std::span<const std::string> messages) {
  for (const std::string& message : messages) invalid(path, value, message);
}

void FieldErrors::not_supported(const FieldPath& path, const BadValue& value, std::span<const std::string_view> supported) {
  std::vector<std::string_view> sorted(supported.begin(), supported.end());
  std::ranges::sort(sorted);
  not_listed(path, value, sorted);
}

void FieldErrors::not_listed(const FieldPath& path, const BadValue& value, std::span<const std::string_view> listed) {
  std::string message = "Unsupported value: " + value.shown();
  for (std::size_t i = 0; i < listed.size(); ++i) message += (i == 0 ? ": supported values: " : ", ") + codec::go_quote(listed[i]);
  add("FieldValueNotSupported", path, std::move(message));
}

void FieldErrors::duplicate(const FieldPath& path, const BadValue& value) { add("FieldValueDuplicate", path, value.behind("Duplicate value")); }

void FieldErrors::forbidden(const FieldPath& path, std::string_view detail) { add("FieldValueForbidden", path, with_detail("Forbidden", detail)); }

void FieldErrors::not_found(const FieldPath& path, const BadValue& value) { add("FieldValueNotFound", path, "Not found: " + value.shown()); }

void FieldErrors::too_long(const FieldPath& path, std::size_t max_bytes) {
  add("FieldValueTooLong", path, "Too long: may not be more than " + std::to_string(max_bytes) + (max_bytes == 1 ? " byte" : " bytes"));
}

void FieldErrors::too_many(const FieldPath& path, std::size_t actual, std::size_t max) {
  add("FieldValueTooMany", path,
      "Too many: " + std::to_string(actual) + ": must have at most " + std::to_string(max) + (max == 1 ? " item" : " items"));
}

void FieldErrors::type_invalid(const FieldPath& path, const BadValue& value, std::string_view detail) {
  add("FieldValueTypeInvalid", path, with_detail("Invalid value: " + value.shown(), detail));
}

void FieldErrors::internal(const FieldPath& path, std::string_view detail) { add("InternalError", path, with_detail("Internal error", detail)); }

void FieldErrors::append(FieldErrors more) {
  for (StatusCause& cause : more.causes_) keep(std::move(cause));
  left_out_ += more.left_out_;
}

Status FieldErrors::to_status(std::string_view group, std::string_view kind, std::string_view name) const {
  std::unordered_set<std::string> messages;  // each text once
  std::string all;
  const auto add_message = [&](std::string message) {
    if (!messages.insert(message).second) return;
    all += all.empty() ? "" : ", ";
    all += message;
  };
  for (const StatusCause& cause : causes_) add_message(cause.field == "<nil>" ? cause.message : cause.field + ": " + cause.message);
  if (left_out_ > 0) add_message("and " + std::to_string(left_out_) + " more errors");
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
  return Unexpected(to_status(group, kind, name));
}

}  // namespace pintle::apimachinery
