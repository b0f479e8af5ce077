#include "apimachinery/schema/columns.h"

#include <algorithm>
#include <chrono>

#include "apimachinery/schema/print.h"
#include "apimachinery/table/duration.h"

namespace pintle::apimachinery::schema {
namespace {

using codec::Value;

constexpr std::string_view name_doc = "The name of the object, unique among those of its kind in its namespace. It cannot be updated.";
constexpr std::string_view age_doc = "When the object was created, by the server's clock.";

Value age_cell(const std::string& text, const api::Time& now) {
  if (text.empty() || text == "null") return "<unknown>";
  const auto time = api::parse_time(text);
  if (!time) return "<invalid>";
  if (time->zero()) return "<unknown>";
  using namespace std::chrono;
  constexpr int64_t seconds_max = INT64_MAX / 1'000'000'000 - 1;  // what a duration can hold
  const int64_t since = std::clamp(now.seconds - time->seconds, -seconds_max, seconds_max);
  return human_duration(seconds(since) + nanoseconds(now.nanos - time->nanos));
}

Value integer_cell(const Value& value) {
  if (value.is_int()) return value;
  const double number = value.as_double();
  // Beyond int64 there is no integer to show.
  if (!(number > -9223372036854775808.0 && number < 9223372036854775808.0)) return {};
  return static_cast<int64_t>(number);
}

}  // namespace

Value cell_of(std::string_view type, const Value& value, const api::Time& now) {
  if (type == "string") return print_value(value);
  if (type == "integer" && value.is_number()) return integer_cell(value);
  if (type == "number" && value.is_number()) return value.as_double();
  if (type == "boolean" && value.is_bool()) return value;
  if (type == "date" && value.is_string()) return age_cell(value.as_string(), now);
  return {};
}

Columns::Columns(const std::vector<api::apiextensions_v1::CustomResourceColumnDefinition>& columns) {
  definitions_.push_back({"Name", "string", "name", std::string(name_doc), 0});
  if (columns.empty()) {
    definitions_.push_back({"Age", "date", "", std::string(age_doc), 0});
    if (auto path = JsonPath::compile(".metadata.creationTimestamp")) paths_.push_back(std::move(*path));
  }
  for (const auto& column : columns) {
    auto path = JsonPath::compile(column.json_path);
    if (!path) return;
    const std::string from = "Custom resource definition column (in JSONPath format): " + column.json_path;
    definitions_.push_back({column.name, column.type, column.format, column.description.empty() ? from : column.description, column.priority});
    paths_.push_back(std::move(*path));
  }
}

std::vector<const Value*> Columns::values(const Value& object) const {
  std::vector<const Value*> out;
  for (const JsonPath& path : paths_) {
    const auto found = path.find(object);
    out.push_back(found && !found->empty() ? found->front() : nullptr);
  }
  return out;
}

std::vector<Value> Columns::cells(const Value& object, const api::Time& now) const {
  std::vector<Value> cells;
  cells.reserve(definitions_.size());
  const Value* metadata = object.find("metadata");
  cells.emplace_back(metadata ? metadata->string_at("name") : std::string_view());
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    const auto found = paths_[i].find(object);
    cells.push_back(found && !found->empty() ? cell_of(definitions_[i + 1].type, *found->front(), now) : Value());
  }
  return cells;
}

}  // namespace pintle::apimachinery::schema
