// Values against schemas. The order of checks, and which of several errors is told of where one of many schemas should hold, follow
// upstream's validator: it counts what matched in each, and shows the errors of the best.
#include "apimachinery/schema/validate.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "apimachinery/schema/place.h"
#include "apimachinery/schema/print.h"
#include "apimachinery/schema/ratcheting.h"
#include "codec/json.h"
#include "codec/json_text.h"

namespace pintle::apimachinery::schema {
namespace {

using codec::Value;
using Kind = Value::Kind;

struct Outcome {
  bool valid = true;
  std::size_t matches = 0;  // how much held; it chooses among schemas none of which holds
  void add(const Outcome& part) {
    valid = valid && part.valid;
    matches += part.matches;
  }
};

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::Null: return "null";
    case Kind::Bool: return "boolean";
    case Kind::Int: return "integer";
    case Kind::Double: return "number";
    case Kind::String: return "string";
    case Kind::Array: return "array";
    case Kind::Object: return "object";
  }
  return {};
}

std::string_view type_text(const Node& node) { return node.int_or_string ? "integer,string" : type_name(node.type); }

// Integers as far as a double tells them apart, near enough.
bool is_json_integer(double value) {
  constexpr double largest = 9007199254740991.0, epsilon = 1e-9;
  if (!std::isfinite(value) || std::fabs(value) > largest) return false;
  const double whole = std::trunc(value);
  if (value == whole) return true;
  if (whole == 0) return false;
  return std::fabs(value - whole) / (std::fabs(value) + std::fabs(whole)) < epsilon;
}

int64_t to_int64(double value) {
  if (value >= 9223372036854775807.0) return INT64_MAX;
  if (value <= -9223372036854775808.0) return INT64_MIN;
  return static_cast<int64_t>(value);
}

bool fits_integer(double value, bool wide) {
  if (value != std::trunc(value)) return false;
  return wide ? value >= -9223372036854775808.0 && value < 9223372036854775808.0 : value >= INT32_MIN && value <= INT32_MAX;
}

constexpr double float_end = 0x1.ffffffp127;  // what from here on rounds to a float is infinite

int64_t characters(std::string_view text) {
  return std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

// A number is converted to the kind that is listed first, so that upstream takes 2.5 for a listed 2.
bool equals_enumerated(const Value& value, const Value& listed) {
  if (value.is_number() && listed.is_int()) return (value.is_int() ? value.as_int() : to_int64(value.as_double())) == listed.as_int();
  if (value.is_number() && listed.is_double()) return value.as_double() == listed.as_double();
  return !value.is_null() && value == listed;
}

bool has_duplicates(const Value::Array& items) {
  std::unordered_set<std::string> seen;
  for (const Value& item : items) {
    std::string key(1, static_cast<char>('0' + static_cast<int>(item.kind())));
    codec::append_json(item, key);
    if (!seen.insert(std::move(key)).second) return true;
  }
  return false;
}

class Validator {
 public:
  Validator(const FieldPath& base, FieldErrors& errors) : base_(base), base_text_(base.empty() ? "" : base.to_string()), errors_(errors) {}

  void run(const Node& node, const Value& value, const Value* old) {
    const Place top;
    visit(node, value, top, old ? Predecessor{old, &node} : Predecessor(), true);
    if (steps_ > validation_steps_max)
      errors_.invalid(base_, "", "validation takes more than " + std::to_string(validation_steps_max) + " steps; the rest was not checked");
  }

 private:
  // A value and, on updates, its predecessor: nothing is wrong with what has not changed.
  Outcome visit(const Node& node, const Value& value, const Place& place, Predecessor old, bool report) {
    if (old.value && ratcheting_.equal(*old.schema, value, *old.value)) return {};
    return check(node, value, place, old, report);
  }

  Outcome check(const Node& node, const Value& value, const Place& place, Predecessor old, bool report) {
    if (++steps_ > validation_steps_max) return {false, 0};
    if (report && errors_.full()) {
      const Outcome silent = check(node, value, place, old, false);
      if (!silent.valid) errors_.leave_out();
      return silent;
    }
    if (value.is_null()) return check_null(node, place, report);
    Outcome all{true, 1};
    const Restrictions* restrictions = node.restrictions;
    if (node.type != ValueType::Any || node.int_or_string || (restrictions && restrictions->enforces_format())) {
      const bool fits = check_type(node, value, place, report);
      all.add({fits, fits ? 2u : 1u});
    }
    all.matches += 2;  // junctors
    if (restrictions && restrictions->junctors) all.add(check_junctors(*restrictions->junctors, value, place, report));
    if (value.is_string()) {
      all.matches += 1;
      if (restrictions) all.add(check_string(*restrictions, value.as_string(), place, report));
    } else if (value.is_number()) {
      all.matches += 2;
      if (restrictions && (restrictions->bounds || node.type == ValueType::Integer || restrictions->number_format != NumberFormat::None)) {
        all.add({check_number(node, value, place, report), 0});
      } else if (node.type == ValueType::Integer) {
        all.add({in_range(node, value, "Checked", place, report), 0});
      }
    } else if (value.is_array()) {
      all.matches += 2;
      all.add(check_array(node, value.as_array(), place, old, report));
    }
    all.matches += 1;  // enumeration
    if (restrictions) steps_ += restrictions->enumeration.size() + restrictions->required.size();
    if (restrictions && !restrictions->enumeration.empty()) all.add({check_enumeration(*restrictions, value, place, report), 0});
    if (value.is_object()) {
      all.matches += 1;
      all.add(check_object(node, value.as_object(), place, old, report));
    }
    return all;
  }

  Outcome check_null(const Node& node, const Place& place, bool report) {
    Outcome all{true, 1};
    if ((node.type != ValueType::Any || node.int_or_string) && !node.nullable) {
      all = {false, 0};
      if (report) report_type(place, type_text(node), "null");
    }
    if (node.restrictions && !node.restrictions->enumeration.empty()) {
      all.valid = false;
      if (report) report_enumeration(*node.restrictions, Value(), place);
    }
    return all;
  }

  bool check_type(const Node& node, const Value& value, const Place& place, bool report) {
    const Kind kind = value.kind();
    const bool takes_integer = node.type == ValueType::Integer || node.int_or_string;
    const bool is_type = node.int_or_string ? kind == Kind::Int || kind == Kind::String : type_name(node.type) == kind_name(kind);
    const bool is_number = (kind == Kind::Double && takes_integer && is_json_integer(value.as_double())) ||
                           (kind == Kind::Int && node.type == ValueType::Number && !node.int_or_string);
    const bool formatted = node.restrictions && node.restrictions->enforces_format();
    const bool is_text_or_list = kind == Kind::String || kind == Kind::Array;
    if (formatted && !is_text_or_list && !is_type && !is_number) {
      if (report) report_type(place, node.restrictions->format, kind == Kind::Int ? "int64" : kind == Kind::Double ? "float64" : "");
      return false;
    }
    // Upstream leaves text, and lists, to the format.
    if (formatted && is_text_or_list && !takes_integer && node.type != ValueType::Number) return true;
    if (is_type || is_number) return true;
    if (report) report_type(place, type_text(node), kind_name(kind));
    return false;
  }

  // Predecessors do not count in here, as upstream has it.
  Outcome check_junctors(const Junctors& junctors, const Value& value, const Place& place, bool report) {
    Outcome all;
    if (!junctors.any_of.empty()) all.add(check_any_of(junctors.any_of, value, place, report));
    if (!junctors.one_of.empty()) all.add(check_one_of(junctors.one_of, value, place, report));
    if (!junctors.all_of.empty()) all.add(check_all_of(junctors.all_of, value, place, report));
    if (junctors.not_ && compete(*junctors.not_, value, place).valid) {
      all.valid = false;
      if (report) report_plain(codec::go_quote(place.text()) + " must not validate the schema (not)");
    }
    return all;
  }

  // One of several schemas that the value may hold against: in silence.
  Outcome compete(const Node& node, const Value& value, const Place& place) { return check(node, value, place, {}, false); }

  Outcome check_any_of(std::span<const Node> nodes, const Value& value, const Place& place, bool report) {
    const Node* best = nullptr;
    Outcome best_outcome;
    for (const Node& node : nodes) {
      const Outcome outcome = compete(node, value, place);
      if (outcome.valid) return outcome;
      if (best == nullptr || outcome.matches > best_outcome.matches) {
        best = &node;
        best_outcome = outcome;
      }
    }
    if (report) {
      report_plain(codec::go_quote(place.text()) + " must validate at least one schema (anyOf)");
      check(*best, value, place, {}, true);
    }
    return best_outcome;
  }

  Outcome check_one_of(std::span<const Node> nodes, const Value& value, const Place& place, bool report) {
    const Node* best = nullptr;
    Outcome best_outcome, first_success;
    std::size_t valid = 0;
    for (const Node& node : nodes) {
      const Outcome outcome = compete(node, value, place);
      if (outcome.valid) {
        if (++valid == 1) first_success = outcome;
        best = nullptr;
      } else if (valid == 0 && (best == nullptr || outcome.matches > best_outcome.matches)) {
        best = &node;
        best_outcome = outcome;
      }
    }
    if (valid == 1) return first_success;
    if (report) {
      const std::string found = valid == 0 ? "Found none valid" : "Found " + std::to_string(valid) + " valid alternatives";
      report_plain(codec::go_quote(place.text()) + " must validate one and only one schema (oneOf). " + found);
      if (best) check(*best, value, place, {}, true);
    }
    return {false, best ? best_outcome.matches : 0};
  }

  Outcome check_all_of(std::span<const Node> nodes, const Value& value, const Place& place, bool report) {
    Outcome all;
    std::size_t valid = 0;
    for (const Node& node : nodes) {
      const Outcome outcome = check(node, value, place, {}, report);
      valid += outcome.valid;
      all.add(outcome);
    }
    if (!all.valid && report)
      report_plain(codec::go_quote(place.text()) + " must validate all the schemas (allOf)" + (valid == 0 ? ". None validated" : ""));
    return all;
  }

  Outcome check_string(const Restrictions& restrictions, const std::string& text, const Place& place, bool report) {
    Outcome all{check_text(restrictions, text, place, report), 0};
    if (restrictions.string_format) {
      const bool fits = restrictions.string_format(text);
      all.add({fits, 1});
      if (!fits && report) report_type(place, restrictions.format, text);
    }
    return all;
  }

  bool check_text(const Restrictions& restrictions, const std::string& text, const Place& place, bool report) {
    if (const Sizes* sizes = restrictions.sizes; sizes && (sizes->max_length || sizes->min_length)) {
      const int64_t length = characters(text);
      if (sizes->max_length && length > *sizes->max_length) {
        if (report) with_path(place, [&](const FieldPath& path) { fresh().too_long(path, static_cast<std::size_t>(*sizes->max_length)); });
        return false;
      }
      if (sizes->min_length && length < *sizes->min_length) {
        if (report) report_invalid(place, text, "should be at least " + std::to_string(*sizes->min_length) + " chars long");
        return false;
      }
    }
    if (restrictions.pattern && !restrictions.pattern->matches(text)) {
      if (report) report_invalid(place, text, "should match '" + std::string(restrictions.pattern->text()) + "'");
      return false;
    }
    return true;
  }

  bool check_number(const Node& node, const Value& value, const Place& place, bool report) {
    bool valid = in_range(node, value, "Checked", place, report);
    const Bounds* bounds = node.restrictions->bounds;
    if (bounds == nullptr) return valid;
    // As integers where the value is one and the bound fits the type; else as doubles, and then the value is shown as one.
    const auto as_integers = [&](double bound, std::string_view what) {
      const bool fits = in_range(node, bound, what, place, report);
      valid = valid && fits;
      return fits && value.is_int();
    };
    const auto shown = [&](bool native) { return native ? bad_value(value) : BadValue::raw(print_double(value.as_double())); };
    if (bounds->multiple_of) {
      const bool native = as_integers(*bounds->multiple_of, "MultipleOf");
      valid = check_multiple(value, *bounds->multiple_of, native, place, report) && valid;
    }
    if (bounds->minimum) {
      const bool native = as_integers(*bounds->minimum, "Minimum boundary");
      const int64_t least = to_int64(*bounds->minimum);
      const bool below = native                      ? bounds->exclusive_minimum ? value.as_int() <= least : value.as_int() < least
                         : bounds->exclusive_minimum ? value.as_double() <= *bounds->minimum
                                                     : value.as_double() < *bounds->minimum;
      if (below && report)
        report_invalid(place, shown(native),
                       std::string("should be greater than ") + (bounds->exclusive_minimum ? "" : "or equal to ") +
                           (native ? std::to_string(least) : print_double(*bounds->minimum)));
      valid = valid && !below;
    }
    if (bounds->maximum) {
      const bool native = as_integers(*bounds->maximum, "Maximum boundary");
      const int64_t most = to_int64(*bounds->maximum);
      const bool above = native                      ? bounds->exclusive_maximum ? value.as_int() >= most : value.as_int() > most
                         : bounds->exclusive_maximum ? value.as_double() >= *bounds->maximum
                                                     : value.as_double() > *bounds->maximum;
      if (above && report)
        report_invalid(place, shown(native),
                       std::string("should be less than ") + (bounds->exclusive_maximum ? "" : "or equal to ") +
                           (native ? std::to_string(most) : print_double(*bounds->maximum)));
      valid = valid && !above;
    }
    return valid;
  }

  bool check_multiple(const Value& value, double factor, bool native, const Place& place, bool report) {
    const int64_t whole = to_int64(factor);
    if (native ? whole <= 0 : factor <= 0) {
      const std::string shown = native ? std::to_string(whole) : print_double(factor);
      if (report) report_message(place, BadValue::raw(shown), "factor MultipleOf declared for " + place.text() + " must be positive: " + shown);
      return false;
    }
    const double number = value.as_double();
    if (native ? value.as_int() % whole == 0 : is_json_integer(factor < 1 ? 1 / factor * number : number / factor)) return true;
    if (report)
      report_invalid(place, native ? bad_value(value) : BadValue::raw(print_double(number)),
                     "should be a multiple of " + (native ? std::to_string(whole) : print_double(factor)));
    return false;
  }

  // Whether a number, or a bound, fits the type and format.
  bool in_range(const Node& node, const Value& value, std::string_view what, const Place& place, bool report) {
    if (node.int_or_string) return true;
    const NumberFormat format = node.restrictions ? node.restrictions->number_format : NumberFormat::None;
    bool fits = true;
    if (node.type == ValueType::Integer) {
      const bool wide = format != NumberFormat::Int32;
      fits = value.is_int() ? wide || (value.as_int() >= INT32_MIN && value.as_int() <= INT32_MAX) : fits_integer(value.as_double(), wide);
    } else if (format == NumberFormat::Float) {
      fits = std::fabs(value.as_double()) < float_end;
    }
    if (!fits && report) {
      const std::string named = format == NumberFormat::None ? " (default format)" : " with format " + std::string(node.restrictions->format);
      report_plain(std::string(what) + " value must be of type " + std::string(type_name(node.type)) + named + " in " + place.text());
    }
    return fits;
  }

  Outcome check_array(const Node& node, const Value::Array& items, const Place& place, Predecessor old, bool report) {
    Outcome all;
    if (node.items) {
      std::optional<OldItems> old_items;
      if (old.value) old_items.emplace(*old.schema, *old.value);
      for (std::size_t i = 0; i < items.size(); ++i)
        all.add(visit(*node.items, items[i], place.item(i), old_items ? old_items->of(items[i]) : Predecessor(), report));
    }
    const Sizes* sizes = node.restrictions ? node.restrictions->sizes : nullptr;
    if (sizes == nullptr) return all;
    const auto count = static_cast<int64_t>(items.size());
    if (sizes->min_items && count < *sizes->min_items) {
      all.valid = false;
      if (report) report_invalid(place, count, "should have at least " + std::to_string(*sizes->min_items) + " items");
    }
    if (sizes->max_items && count > *sizes->max_items) {
      all.valid = false;
      if (report) report_too_many(place, count, *sizes->max_items);
    }
    if (sizes->unique_items && has_duplicates(items)) {
      all.valid = false;
      if (report) report_invalid(place, "", "shouldn't contain duplicates");
    }
    return all;
  }

  Outcome check_object(const Node& node, const Value::Object& object, const Place& place, Predecessor old, bool report) {
    Outcome all;
    const auto count = static_cast<int64_t>(object.size());
    if (const Sizes* sizes = node.restrictions ? node.restrictions->sizes : nullptr) {
      if (sizes->min_properties && count < *sizes->min_properties) {
        all.valid = false;
        if (report) report_invalid(place, count, "should have at least " + std::to_string(*sizes->min_properties) + " properties");
      }
      if (sizes->max_properties && count > *sizes->max_properties) {
        all.valid = false;
        if (report) report_too_many(place, count, *sizes->max_properties);
      }
    }
    if (!node.properties.empty() || node.has_additional) {
      for (const auto& [name, member] : object) {
        if (const Node* declared = node.property(name)) {
          all.add(visit(*declared, member, place.child(name), old.member(name, place.is_top()), report));
        } else if (node.has_additional && !node.allows_additional) {
          all.valid = false;
          if (report && !is_full()) report_message(place, name, place.text() + "." + name + " in body is a forbidden property");
        } else if (node.additional) {
          all.add(visit(*node.additional, member, place.dotted(name), old.member(name, place.is_top()), report));
        }
      }
    }
    if (node.restrictions) {
      for (const std::string_view name : node.restrictions->required) {
        if (object.contains(name)) continue;
        all.valid = false;
        if (report) with_path(place.dotted(name), [&](const FieldPath& path) { fresh().required(path); });
      }
    }
    return all;
  }

  bool check_enumeration(const Restrictions& restrictions, const Value& value, const Place& place, bool report) {
    for (const Value& listed : restrictions.enumeration)
      if (equals_enumerated(value, listed)) return true;
    if (report) report_enumeration(restrictions, value, place);
    return false;
  }

  void report_enumeration(const Restrictions& restrictions, const Value& value, const Place& place) {
    std::vector<std::string> texts;
    for (const Value& listed : restrictions.enumeration) texts.push_back(listed.is_string() ? listed.as_string() : codec::to_json(listed));
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    with_path(place, [&](const FieldPath& path) { fresh().not_listed(path, bad_value(value), views); });
  }
  void report_type(const Place& place, std::string_view type, std::string_view value) {
    const BadValue bad(value);
    const std::string text = place.text() + " in body must be of type " + std::string(type) + ": " + bad.shown();
    with_path(place, [&](const FieldPath& path) { fresh().type_invalid(path, bad, text); });
  }
  void report_invalid(const Place& place, const BadValue& value, const std::string& what) {
    report_message(place, value, place.text() + " in body " + what);
  }
  void report_message(const Place& place, const BadValue& value, const std::string& message) {
    with_path(place, [&](const FieldPath& path) { fresh().invalid(path, value, message); });
  }
  void report_too_many(const Place& place, int64_t actual, int64_t max) {
    with_path(place, [&](const FieldPath& path) { fresh().too_many(path, static_cast<std::size_t>(actual), static_cast<std::size_t>(max)); });
  }
  // Errors that upstream gives no place.
  void report_plain(const std::string& message) {
    fresh().invalid(base_, "", message);
    take_fresh();
  }

  template <class Report>
  void with_path(const Place& place, Report report) {
    if (is_full()) return;
    const std::string text = place.text_under(base_text_);
    report(text.empty() ? FieldPath() : FieldPath(text));
    take_fresh();
  }
  bool is_full() {
    if (!errors_.full()) return false;
    errors_.leave_out();
    return true;
  }
  // An error is told of once, though several schemas find it.
  FieldErrors& fresh() { return fresh_.emplace(); }
  void take_fresh() {
    const StatusCause& cause = fresh_->causes().front();
    if (reported_.size() >= field_errors_max || reported_.insert(cause.field + '\0' + cause.message).second) errors_.append(std::move(*fresh_));
  }

  const FieldPath base_;
  const std::string base_text_;
  FieldErrors& errors_;
  Ratcheting ratcheting_;
  std::optional<FieldErrors> fresh_;
  std::unordered_set<std::string> reported_;
  std::size_t steps_ = 0;
};

}  // namespace

void validate_value(const Node& schema, const Value& value, const FieldPath& path, FieldErrors& errors) {
  Validator(path, errors).run(schema, value, nullptr);
}

void validate_value_update(const Node& schema, const Value& value, const Value* old, const FieldPath& path, FieldErrors& errors) {
  Validator(path, errors).run(schema, value, old);
}

void validate_object(const Node& root, const Value& object, FieldErrors& errors) {
  validate_value(root, object, FieldPath(), errors);
  validate_embedded(root, object, FieldPath(), errors);
  validate_lists(root, object, FieldPath(), errors);
}

namespace {

bool lists_are_valid(const Node& root, const Value& object) {
  FieldErrors errors;
  validate_lists(root, object, FieldPath(), errors);
  return errors.empty();
}

}  // namespace

void validate_object_update(const Node& root, const Value& object, const Value& old, FieldErrors& errors) {
  validate_value_update(root, object, &old, FieldPath(), errors);
  validate_embedded(root, object, FieldPath(), errors);
  if (lists_are_valid(root, old)) validate_lists(root, object, FieldPath(), errors);
}

void validate_status_update(const Node& root, const Value& object, const Value& old, FieldErrors& errors) {
  const Node* schema = root.property("status");
  const Value* status = object.find("status");
  if (schema && status) validate_value_update(*schema, *status, old.find("status"), FieldPath("status"), errors);
  if (lists_are_valid(root, old)) validate_lists(root, object, FieldPath(), errors);
}

bool blocks_expressions(const FieldErrors& errors) {
  return std::ranges::any_of(errors.causes(), [](const StatusCause& cause) {
    return cause.type == "FieldValueNotSupported" || cause.type == "FieldValueRequired" || cause.type == "FieldValueTooLong" ||
           cause.type == "FieldValueTooMany" || cause.type == "FieldValueTypeInvalid";
  });
}

void report_skipped_expressions(FieldErrors& errors) {
  errors.invalid(FieldPath(), nullptr,
                 "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation");
}

bool equal_for_ratcheting(const Node& schema, const Value& value, const Value& old) { return Ratcheting().equal(schema, value, old); }

}  // namespace pintle::apimachinery::schema
