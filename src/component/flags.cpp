#include "component/flags.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/check.h"
#include "base/ip_address.h"
#include "component/log.h"

namespace pintle::component {
namespace {

struct DurationUnit {
  std::string_view name;
  double nanos;
};
// Longest names first, so that "ms" is not read as "m".
constexpr DurationUnit duration_units[] = {{"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};

template <class T>
bool parse_number(std::string_view text, T& out) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failure == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::optional<bool> parse_go_bool(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"})
    if (text == yes) return true;
  for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"})
    if (text == no) return false;
  return std::nullopt;
}

namespace {

// One record of comma-separated values; a value may stand in double quotes.
Result<std::vector<std::string>> split_csv(std::string_view text) {
  std::vector<std::string> out;
  if (text.empty()) return out;
  std::string item;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"') {
        item += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        item += text[++i];
      } else {
        quoted = false;
      }
    } else if (c == '"' && item.empty()) {
      quoted = true;
    } else if (c == ',') {
      out.push_back(std::move(item));
      item.clear();
    } else {
      item += c;
    }
  }
  if (quoted) return bad_request("a quote is not closed");
  out.push_back(std::move(item));
  return out;
}

bool is_quantity(std::string_view text) {
  const std::size_t digits = text.find_first_not_of("+-0123456789.");
  const std::string_view suffix = digits == std::string_view::npos ? std::string_view() : text.substr(digits);
  if (text.empty() || digits == 0) return false;
  for (const std::string_view known : {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "n", "u", "m", "k", "M", "G", "T", "P", "E"})
    if (suffix == known) return true;
  int exponent = 0;
  return (suffix[0] == 'e' || suffix[0] == 'E') && parse_number(suffix.substr(1), exponent);
}

Result<Unit> check_map(std::string_view value) {
  auto items = split_csv(value);
  if (!items) return Unexpected(items.error());
  for (const std::string& item : *items)
    if (item.find('=') == std::string::npos && item.find(':') == std::string::npos) return bad_request("must be a list of key=value");
  return Unit{};
}

// What is wrong with `value` for the type, or nothing.
Result<Unit> check_value(FlagType type, std::string_view value) {
  switch (type) {
    case FlagType::Bool:
      if (!parse_go_bool(value)) return bad_request("must be true or false");
      return Unit{};
    case FlagType::Int: {
      int64_t number = 0;
      if (!parse_number(value, number)) return bad_request("must be an integer");
      return Unit{};
    }
    case FlagType::Float: {
      double number = 0;
      if (!parse_number(value, number)) return bad_request("must be a number");
      return Unit{};
    }
    case FlagType::Duration: {
      auto duration = parse_go_duration(value);
      if (!duration) return Unexpected(duration.error());
      return Unit{};
    }
    case FlagType::Ip:
      if (!value.empty() && !parse_address(value)) return bad_request("must be an IP address");
      return Unit{};
    case FlagType::PortRange: {
      auto range = parse_port_range(value);
      if (!range) return Unexpected(range.error());
      return Unit{};
    }
    case FlagType::Quantity:
      if (!is_quantity(value)) return bad_request("must be a quantity such as 10Mi");
      return Unit{};
    case FlagType::Int32Slice: {
      auto items = split_csv(value);
      if (!items) return Unexpected(items.error());
      for (const std::string& item : *items) {
        int32_t number = 0;
        if (!parse_number(std::string_view(item), number)) return bad_request("must be a list of integers");
      }
      return Unit{};
    }
    case FlagType::CertKey:
      if (value.find(',') == std::string_view::npos) return bad_request("must be certificate,key or certificate,key:domain,...");
      return Unit{};
    case FlagType::Map: return check_map(value);
    case FlagType::FileLevels: {
      auto levels = log::parse_vmodule(value);
      if (!levels) return Unexpected(levels.error());
      return Unit{};
    }
    case FlagType::Strings: {
      auto items = split_csv(value);
      if (!items) return Unexpected(items.error());
      return Unit{};
    }
    case FlagType::String:
    case FlagType::StringArray:
    case FlagType::Version: return Unit{};
  }
  return Unit{};
}

std::string_view type_name(FlagType type) {
  switch (type) {
    case FlagType::Bool: return "";
    case FlagType::Int: return "int";
    case FlagType::Float: return "float";
    case FlagType::String: return "string";
    case FlagType::Duration: return "duration";
    case FlagType::Strings: return "strings";
    case FlagType::StringArray: return "stringArray";
    case FlagType::Ip: return "ip";
    case FlagType::PortRange: return "portRange";
    case FlagType::Map: return "key=value,...";
    case FlagType::Quantity: return "quantity";
    case FlagType::Int32Slice: return "ints";
    case FlagType::CertKey: return "cert,key";
    case FlagType::FileLevels: return "pattern=N,...";
    case FlagType::Version: return "version";
  }
  return "";
}

// Whether the values say what the flag's default says, in whatever spelling.
bool is_default(const FlagSpec& spec, const std::vector<std::string>& values) {
  const auto number = [](std::string_view text) {
    double out = 0;
    return text.empty() || parse_number(text, out) ? out : std::nan("");
  };
  const auto nanos = [](std::string_view text) { return text.empty() ? rt::Duration(0) : parse_go_duration(text).value_or(rt::Duration(0)); };
  std::string given;
  for (const std::string& value : values) given += (given.empty() ? "" : ",") + value;
  switch (spec.type) {
    case FlagType::Bool: return parse_go_bool(given) == parse_go_bool(spec.default_value.empty() ? "false" : spec.default_value);
    case FlagType::Int:
    case FlagType::Float: return number(given) == number(spec.default_value);
    case FlagType::Duration: return nanos(given) == nanos(spec.default_value);
    default: return given == spec.default_value || (given.empty() && spec.default_value == "[]");
  }
}

bool adds_up(FlagType type) {
  return type == FlagType::Strings || type == FlagType::StringArray || type == FlagType::Map || type == FlagType::CertKey ||
         type == FlagType::Int32Slice;
}

}  // namespace

Result<rt::Duration> parse_go_duration(std::string_view text) {
  const auto wrong = [&] { return bad_request(fmt::format("\"{}\" is no duration such as 1m30s", text)); };
  std::string_view rest = text;
  bool negative = false;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (rest == "0") return rt::Duration(0);
  if (rest.empty()) return wrong();
  double total = 0;
  while (!rest.empty()) {
    const std::size_t digits = rest.find_first_not_of("0123456789.");
    double number = 0;
    if (digits == 0 || digits == std::string_view::npos || !parse_number(rest.substr(0, digits), number)) return wrong();
    rest.remove_prefix(digits);
    const auto unit =
        std::find_if(std::begin(duration_units), std::end(duration_units), [&](const DurationUnit& u) { return rest.starts_with(u.name); });
    if (unit == std::end(duration_units)) return wrong();
    total += number * unit->nanos;
    rest.remove_prefix(unit->name.size());
  }
  if (total > 9.2e18) return wrong();
  return rt::Duration(static_cast<int64_t>(std::llround(negative ? -total : total)));
}

Result<std::pair<uint16_t, uint16_t>> parse_port_range(std::string_view text) {
  const std::size_t mark = text.find_first_of("-+");
  int first = 0;
  int last = 0;
  const auto wrong = [&] { return bad_request(fmt::format("\"{}\" is no port range such as 30000-32767", text)); };
  if (!parse_number(text.substr(0, mark), first)) return wrong();
  last = first;
  if (mark != std::string_view::npos) {
    if (!parse_number(text.substr(mark + 1), last)) return wrong();
    if (text[mark] == '+') last += first;
  }
  if (first < 1 || last > 65535 || last < first) return wrong();
  return std::pair(static_cast<uint16_t>(first), static_cast<uint16_t>(last));
}

FlagSet::FlagSet(std::string program, std::span<const FlagSpec> specs) : program_(std::move(program)), specs_(specs) {}

const FlagSpec* FlagSet::find(std::string_view name) const {
  const auto it = std::find_if(specs_.begin(), specs_.end(), [&](const FlagSpec& spec) { return spec.name == name; });
  if (it == specs_.end() && name == help_flag.name) return &help_flag;
  return it == specs_.end() ? nullptr : &*it;
}

const FlagSpec* FlagSet::find_short(char name) const {
  const auto it = std::find_if(specs_.begin(), specs_.end(), [&](const FlagSpec& spec) { return spec.short_name == name; });
  if (it == specs_.end() && name == help_flag.short_name) return &help_flag;
  return it == specs_.end() ? nullptr : &*it;
}

const FlagSpec& FlagSet::require(std::string_view name) const {
  const FlagSpec* spec = find(name);
  CHECK(spec != nullptr, name);
  return *spec;
}

Result<Unit> FlagSet::store(const FlagSpec& spec, std::string_view value) {
  if (auto checked = check_value(spec.type, value); !checked)
    return bad_request(fmt::format("invalid argument \"{}\" for --{}: {}", value, spec.name, checked.error().message));
  if (spec.name == "version") version_ = value;
  if (spec.name == "help") help_ = *parse_go_bool(value);
  auto& values = values_[spec.name];
  const bool first = values.empty();
  if (!adds_up(spec.type)) values.clear();
  values.emplace_back(value);
  if (first && spec.deprecated) deprecated_used_.emplace_back(spec.name);
  if (first && !spec.effective && spec.unbuilt == WithoutEffect::Announced) without_effect_.emplace_back(spec.name);
  return Unit{};
}

void FlagSet::take_arguments(std::string what, std::size_t most) {
  arguments_help_ = std::move(what);
  arguments_max_ = most;
}

Result<Unit> FlagSet::parse(std::span<const char* const> args) {
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string_view arg = args[i];
    if (arguments_.size() < arguments_max_ && !arg.starts_with('-')) {
      arguments_.emplace_back(arg);
      continue;
    }
    if (arguments_max_ > 0 && !arg.starts_with('-')) return bad_request(fmt::format("unexpected argument \"{}\" (see {} --help)", arg, program_));
    if (arg.size() < 2 || arg[0] != '-') return bad_request(fmt::format("unexpected argument \"{}\": {} takes flags only", arg, program_));
    std::string_view name;
    std::optional<std::string_view> value;
    const FlagSpec* spec = nullptr;
    if (arg[1] == '-') {
      const std::size_t equals = arg.find('=');
      name = arg.substr(2, equals == std::string_view::npos ? equals : equals - 2);
      if (equals != std::string_view::npos) value = arg.substr(equals + 1);
      spec = find(name);
    } else {
      name = arg.substr(1, 1);
      if (arg.size() > 2) value = arg.substr(arg[2] == '=' ? 3 : 2);
      spec = find_short(arg[1]);
    }
    if (spec == nullptr) return bad_request(fmt::format("unknown flag: {} (see {} --help)", arg.substr(0, arg.find('=')), program_));
    if (!value) {
      if (spec->type == FlagType::Bool || spec->type == FlagType::Version) {
        value = "true";
      } else if (i + 1 < args.size()) {
        value = args[++i];
      } else {
        return bad_request(fmt::format("flag needs an argument: --{}", spec->name));
      }
    }
    TRY(store(*spec, *value));
  }
  return help_ || !version_.empty() ? Result<Unit>(Unit{}) : refuse_unbuilt();
}

Result<Unit> FlagSet::refuse_unbuilt() const {
  for (const auto& [name, values] : values_) {
    const FlagSpec& spec = require(name);
    if (spec.effective || spec.unbuilt != WithoutEffect::Refused || is_default(spec, values)) continue;
    return bad_request(fmt::format("--{}: this release does not have what the flag asks for, and {} does not start without it", name, program_));
  }
  return Unit{};
}

std::vector<std::string> FlagSet::without_effect() const {
  std::vector<std::string> out;
  for (const std::string& name : without_effect_)
    if (!is_default(require(name), values_.find(name)->second)) out.push_back(name);
  return out;
}

bool FlagSet::is_set(std::string_view name) const { return values_.contains(require(name).name); }

std::string_view FlagSet::raw(const FlagSpec& spec) const {
  const auto it = values_.find(spec.name);
  return it == values_.end() ? spec.default_value : std::string_view(it->second.back());
}

bool FlagSet::get_bool(std::string_view name) const {
  const FlagSpec& spec = require(name);
  CHECK(spec.type == FlagType::Bool, name);
  return parse_go_bool(raw(spec)).value_or(false);
}

int64_t FlagSet::get_int(std::string_view name) const {
  const FlagSpec& spec = require(name);
  CHECK(spec.type == FlagType::Int, name);
  int64_t number = 0;
  parse_number(raw(spec), number);
  return number;
}

double FlagSet::get_float(std::string_view name) const {
  const FlagSpec& spec = require(name);
  CHECK(spec.type == FlagType::Float, name);
  double number = 0;
  parse_number(raw(spec), number);
  return number;
}

std::string FlagSet::get_string(std::string_view name) const {
  const FlagSpec& spec = require(name);
  CHECK(!adds_up(spec.type), name);
  return std::string(raw(spec));
}

rt::Duration FlagSet::get_duration(std::string_view name) const {
  const FlagSpec& spec = require(name);
  CHECK(spec.type == FlagType::Duration, name);
  const std::string_view text = raw(spec);
  return text.empty() ? rt::Duration(0) : parse_go_duration(text).value_or(rt::Duration(0));
}

std::vector<std::string> FlagSet::get_list(std::string_view name) const {
  const FlagSpec& spec = require(name);
  CHECK(adds_up(spec.type) && spec.type != FlagType::Map, name);
  std::vector<std::string> out;
  const auto it = values_.find(spec.name);
  if (it == values_.end()) return split_csv(spec.default_value).value_or(std::vector<std::string>());
  for (const std::string& value : it->second) {
    if (spec.type == FlagType::StringArray || spec.type == FlagType::CertKey) {
      out.push_back(value);
      continue;
    }
    for (std::string& item : split_csv(value).value_or(std::vector<std::string>())) out.push_back(std::move(item));
  }
  return out;
}

std::map<std::string, std::string> FlagSet::get_map(std::string_view name) const {
  const FlagSpec& spec = require(name);
  CHECK(spec.type == FlagType::Map, name);
  std::map<std::string, std::string> out;
  const auto it = values_.find(spec.name);
  if (it == values_.end()) return out;
  for (const std::string& value : it->second) {
    for (const std::string& item : split_csv(value).value_or(std::vector<std::string>())) {
      const std::size_t equals = item.find('=');
      if (equals == std::string::npos) {
        out[item] = "true";
      } else {
        out[item.substr(0, equals)] = item.substr(equals + 1);
      }
    }
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> FlagSet::values() const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const FlagSpec& spec : specs_) {
    std::string text(raw(spec));
    const auto given = values_.find(spec.name);
    if (adds_up(spec.type) && given != values_.end()) text = fmt::format("{}", fmt::join(given->second, ","));
    const bool list = spec.type == FlagType::Strings || spec.type == FlagType::StringArray || spec.type == FlagType::Int32Slice;
    if (list && !text.starts_with('[')) text = "[" + text + "]";
    if (text.empty() && spec.type == FlagType::Bool) text = "false";
    if (text.empty() && (spec.type == FlagType::Int || spec.type == FlagType::Float)) text = "0";
    if (text.empty() && spec.type == FlagType::Duration) text = "0s";
    out.emplace_back(spec.name, std::move(text));
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string FlagSet::help() const {
  std::string out = fmt::format("Usage:\n  {}{} [flags]\n\nFlags:\n", program_, arguments_help_.empty() ? "" : " " + arguments_help_);
  std::vector<const FlagSpec*> sorted;
  for (const FlagSpec& spec : specs_) sorted.push_back(&spec);
  if (std::ranges::find(specs_, help_flag.name, &FlagSpec::name) == specs_.end()) sorted.push_back(&help_flag);
  std::sort(sorted.begin(), sorted.end(), [](const FlagSpec* a, const FlagSpec* b) { return a->name < b->name; });
  for (const FlagSpec* spec : sorted) {
    const std::string head = fmt::format("  {}--{}{}{}", spec->short_name != 0 ? fmt::format("-{}, ", spec->short_name) : "    ", spec->name,
                                         type_name(spec->type).empty() ? "" : " ", type_name(spec->type));
    out += fmt::format("{:<52} {}", head, spec->help);
    if (!spec->default_value.empty() && spec->default_value != "[]") out += fmt::format(" (default {})", spec->default_value);
    if (spec->deprecated) out += " (deprecated)";
    if (!spec->effective) out += spec->unbuilt == WithoutEffect::Refused ? " [refused until it works]" : " [checked, without effect yet]";
    out += '\n';
  }
  return out;
}

}  // namespace pintle::component
