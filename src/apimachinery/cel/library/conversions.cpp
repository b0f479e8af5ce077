// Conversions of the language: bool(), bytes(), double(), duration(), dyn(), int(), string(), timestamp(), type(), uint().
#include "apimachinery/cel/library/libraries.h"
#include "apimachinery/cel/literals.h"
#include "apimachinery/cel/numbers.h"
#include "apimachinery/cel/text.h"
#include "apimachinery/cel/time_value.h"
#include "base/parse_number.h"
#include "codec/json_text.h"

namespace pintle::apimachinery::cel {
namespace {

Value same(const Call& call) { return call[0]; }

Value unreadable(const Call& call, const Type& into) {
  return call.fail("type conversion error from '" + std::string(type_of(call[0]).name) + "' to '" + std::string(into.name) + "'");
}

Value text_to_bool(const Call& call) {
  const std::string_view t = call[0].text();
  for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"})
    if (t == yes) return Value::of(true);
  for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"})
    if (t == no) return Value::of(false);
  return unreadable(call, types::boolean);
}
Value text_to_bytes(const Call& call) { return Value::bytes(call[0].text()); }

Value int_to_double(const Call& call) { return Value::of(static_cast<double>(call[0].as_int())); }
Value uint_to_double(const Call& call) { return Value::of(static_cast<double>(call[0].as_uint())); }
Value text_to_double(const Call& call) {
  const auto value = parse_double(call[0].text());
  return value ? Value::of(*value) : unreadable(call, types::floating);
}

Value double_to_int_value(const Call& call) {
  const auto value = double_to_int(call[0].as_double());
  return value ? Value::of(*value) : call.fail("integer overflow");
}
Value duration_to_int(const Call& call) { return Value::of(call[0].as_duration()); }
Value timestamp_to_int(const Call& call) { return Value::of(call[0].as_timestamp().seconds); }
Value uint_to_int(const Call& call) {
  return call[0].as_uint() > static_cast<uint64_t>(INT64_MAX) ? call.fail("integer overflow") : Value::of(static_cast<int64_t>(call[0].as_uint()));
}
std::string_view without_plus(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  return text;
}
Value text_to_int(const Call& call) {
  const auto value = parse_number<int64_t>(without_plus(call[0].text()));
  return value ? Value::of(*value) : unreadable(call, types::integer);
}
Value text_to_uint(const Call& call) {
  const auto value = parse_number<uint64_t>(call[0].text());
  return value ? Value::of(*value) : unreadable(call, types::uinteger);
}
Value double_to_uint_value(const Call& call) {
  const auto value = double_to_uint(call[0].as_double());
  return value ? Value::of(*value) : call.fail("unsigned integer overflow");
}
Value int_to_uint(const Call& call) {
  return call[0].as_int() < 0 ? call.fail("unsigned integer overflow") : Value::of(static_cast<uint64_t>(call[0].as_int()));
}

Value int_to_duration(const Call& call) { return Value::duration(call[0].as_int()); }
Value text_to_duration(const Call& call) {
  const auto nanos = parse_duration_text(call[0].text());
  return nanos ? Value::duration(*nanos) : unreadable(call, types::duration);
}
Value int_to_timestamp(const Call& call) {
  const int64_t seconds = call[0].as_int();
  if (seconds < timestamp_seconds_min || seconds > timestamp_seconds_max) return call.fail("timestamp overflow");
  return Value::of(Timestamp{seconds, 0});
}
Value text_to_timestamp(const Call& call) {
  const auto time = parse_timestamp(call[0].text());
  return time ? Value::of(*time) : unreadable(call, types::timestamp);
}

Value bytes_to_text(const Call& call) {
  return codec::is_valid_utf8(call[0].text()) ? Value::of(call[0].text()) : call.fail("invalid UTF-8 in bytes, cannot convert to string");
}
Value scalar_to_text(const Call& call) { return Value::of(call.arena.copy(std::string_view(scalar_text(call[0])))); }

Value type_of_value(const Call& call) { return Value::of(type_of(call[0])); }

const Overload bool_overloads[] = {{"bool_to_bool", false, of<&types::boolean>, &types::boolean, same},
                                   {"string_to_bool", false, of<&types::string>, &types::boolean, text_to_bool}};
const Overload bytes_overloads[] = {{"bytes_to_bytes", false, of<&types::bytes>, &types::bytes, same},
                                    {"string_to_bytes", false, of<&types::string>, &types::bytes, text_to_bytes}};
const Overload double_overloads[] = {{"double_to_double", false, of<&types::floating>, &types::floating, same},
                                     {"int64_to_double", false, of<&types::integer>, &types::floating, int_to_double},
                                     {"string_to_double", false, of<&types::string>, &types::floating, text_to_double},
                                     {"uint64_to_double", false, of<&types::uinteger>, &types::floating, uint_to_double}};
const Overload duration_overloads[] = {{"duration_to_duration", false, of<&types::duration>, &types::duration, same},
                                       {"int64_to_duration", false, of<&types::integer>, &types::duration, int_to_duration},
                                       {"string_to_duration", false, of<&types::string>, &types::duration, text_to_duration}};
const Overload dyn_overloads[] = {{"to_dyn", false, of<&types::a>, &types::dyn, same}};
const Overload int_overloads[] = {{"int64_to_int64", false, of<&types::integer>, &types::integer, same},
                                  {"double_to_int64", false, of<&types::floating>, &types::integer, double_to_int_value},
                                  {"duration_to_int64", false, of<&types::duration>, &types::integer, duration_to_int},
                                  {"string_to_int64", false, of<&types::string>, &types::integer, text_to_int},
                                  {"timestamp_to_int64", false, of<&types::timestamp>, &types::integer, timestamp_to_int},
                                  {"uint64_to_int64", false, of<&types::uinteger>, &types::integer, uint_to_int}};
const Overload string_overloads[] = {{"string_to_string", false, of<&types::string>, &types::string, same},
                                     {"bool_to_string", false, of<&types::boolean>, &types::string, scalar_to_text},
                                     {"bytes_to_string", false, of<&types::bytes>, &types::string, bytes_to_text},
                                     {"double_to_string", false, of<&types::floating>, &types::string, scalar_to_text},
                                     {"duration_to_string", false, of<&types::duration>, &types::string, scalar_to_text},
                                     {"int64_to_string", false, of<&types::integer>, &types::string, scalar_to_text},
                                     {"timestamp_to_string", false, of<&types::timestamp>, &types::string, scalar_to_text},
                                     {"uint64_to_string", false, of<&types::uinteger>, &types::string, scalar_to_text}};
const Overload timestamp_overloads[] = {{"timestamp_to_timestamp", false, of<&types::timestamp>, &types::timestamp, same},
                                        {"int64_to_timestamp", false, of<&types::integer>, &types::timestamp, int_to_timestamp},
                                        {"string_to_timestamp", false, of<&types::string>, &types::timestamp, text_to_timestamp}};
const Overload uint_overloads[] = {{"uint64_to_uint64", false, of<&types::uinteger>, &types::uinteger, same},
                                   {"double_to_uint64", false, of<&types::floating>, &types::uinteger, double_to_uint_value},
                                   {"int64_to_uint64", false, of<&types::integer>, &types::uinteger, int_to_uint},
                                   {"string_to_uint64", false, of<&types::string>, &types::uinteger, text_to_uint}};
const Overload type_overloads[] = {{"type", false, of<&types::a>, &types::type_a, type_of_value}};

const Function functions[] = {{"bool", bool_overloads}, {"bytes", bytes_overloads}, {"double", double_overloads}, {"duration", duration_overloads},
                              {"dyn", dyn_overloads},   {"int", int_overloads},     {"string", string_overloads}, {"timestamp", timestamp_overloads},
                              {"uint", uint_overloads}, {"type", type_overloads}};

}  // namespace

std::span<const Function> conversion_functions() { return functions; }

}  // namespace pintle::apimachinery::cel
