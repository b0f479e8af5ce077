// FieldErrors: what is wrong with an object, field by field. They become one Invalid status (422) whose causes carry
// upstream's cause types and paths. However much is wrong with it, an object makes a bounded answer: further errors are counted only,
// and told of at the end of the message.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/type.h"
#include "apimachinery/validation/field_path.h"
#include "base/status.h"

namespace pintle::apimachinery {

constexpr std::size_t field_errors_max = 500;
constexpr std::size_t field_errors_bytes_max = 256 << 10;  // of paths and messages; the error that passes it is the last one kept
constexpr std::size_t shown_value_bytes_max = 8 << 10;     // then it is cut short, and "..." stands behind it

// A value as an error shows it: text in quotes, numbers and booleans bare. Anything else: give its JSON as `raw`.
class BadValue {
 public:
  BadValue(std::string_view text);
  BadValue(const std::string& text) : BadValue(std::string_view(text)) {}
  BadValue(const char* text) : BadValue(std::string_view(text)) {}
  BadValue(bool value) : shown_(value ? "true" : "false") {}
  BadValue(int value) : shown_(std::to_string(value)) {}
  BadValue(int64_t value) : shown_(std::to_string(value)) {}
  BadValue(uint64_t value) : shown_(std::to_string(value)) {}
  BadValue(std::nullptr_t) : shown_("null") {}
  static BadValue raw(std::string shown);
  // What is too large, or of no use, to be shown: the error speaks of the value without it.
  static BadValue omitted() { return BadValue(Omitted{}); }
  const std::string& shown() const { return shown_; }
  // "Invalid value" and the value, if it is shown.
  std::string behind(std::string_view words) const { return shown_.empty() ? std::string(words) : std::string(words) + ": " + shown_; }

 private:
  struct Omitted {};
  explicit BadValue(Omitted) {}
  std::string shown_;
};

class FieldErrors {
 public:
  void required(const FieldPath& path, std::string_view detail = "");
  void invalid(const FieldPath& path, const BadValue& value, std::string_view detail);
  // One Invalid for each message; formats.h returns such lists.
  void invalid_all(const FieldPath& path, const BadValue& value, std::span<const std::string> messages);
  // What is supported is shown sorted, as sets are; not_listed shows it in the order given, as the enum of a schema.
  void not_supported(const FieldPath& path, const BadValue& value, std::span<const std::string_view> supported);
  void not_listed(const FieldPath& path, const BadValue& value, std::span<const std::string_view> listed);
  void duplicate(const FieldPath& path, const BadValue& value);
  void forbidden(const FieldPath& path, std::string_view detail);
  void not_found(const FieldPath& path, const BadValue& value);
  void too_long(const FieldPath& path, std::size_t max_bytes);
  void too_many(const FieldPath& path, std::size_t actual, std::size_t max);
  void type_invalid(const FieldPath& path, const BadValue& value, std::string_view detail);
  void internal(const FieldPath& path, std::string_view detail);
  void append(FieldErrors more);

  bool empty() const { return causes_.empty(); }
  // Nothing more is kept. Who finds errors by the thousands asks first, and counts further ones with leave_out() instead of wording them.
  bool full() const { return causes_.size() >= field_errors_max || bytes_ > field_errors_bytes_max; }
  void leave_out() { ++left_out_; }
  std::size_t size() const { return causes_.size() + left_out_; }     // of all errors
  const std::vector<StatusCause>& causes() const { return causes_; }  // of those kept
  // Reason Invalid, details{group, kind, name, causes}. Call it only when there is an error.
  Status to_status(std::string_view group, std::string_view kind, std::string_view name) const;
  // Nothing wrong, or to_status().
  Result<Unit> result(std::string_view group, std::string_view kind, std::string_view name) const;

 private:
  void keep(StatusCause cause);
  void add(std::string_view type, const FieldPath& path, std::string message);
  std::vector<StatusCause> causes_;
  std::size_t bytes_ = 0;
  std::size_t left_out_ = 0;
};

}  // namespace pintle::apimachinery
