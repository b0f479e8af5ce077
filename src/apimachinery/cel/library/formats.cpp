// format.*: Kubernetes' named formats.
#include <algorithm>

#include "apimachinery/cel/containers.h"
#include "apimachinery/cel/library/libraries.h"
#include "apimachinery/cel/library/urls.h"
#include "apimachinery/cel/pattern.h"
#include "apimachinery/cel/time_value.h"
#include "apimachinery/validation/formats.h"
#include "codec/base64.h"

namespace pintle::apimachinery::cel {
namespace {

Faults unless(bool good, std::string_view fault) { return good ? Faults() : Faults{std::string(fault)}; }

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
// 8-4-4-4-12 digits, each dash or not.
bool is_uuid(std::string_view text) {
  for (const std::size_t digits : {8, 4, 4, 4, 12}) {
    if (text.size() < digits || !std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(digits), is_hex)) return false;
    text.remove_prefix(digits);
    if (digits != 12 && text.starts_with('-')) text.remove_prefix(1);
  }
  return text.empty();
}
bool is_date(std::string_view text) { return text.size() == 10 && parse_timestamp(std::string(text) + "T00:00:00Z").has_value(); }
// A date, a t, a time with a zone; small letters do. Looser than RFC 3339, as upstream's formats are.
bool is_date_time(std::string_view text) {
  if (text.size() < 20 || (text[10] != 'T' && text[10] != 't') || !is_date(text.substr(0, 10))) return false;
  static const auto clock = Pattern::compile("^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$");
  std::string lower(text.substr(11));
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return clock && clock->found_in(lower);
}

struct Format {
  std::string_view function, name;
  uint64_t regex_size;  // what upstream reckons its expression with
  Faults (*check)(std::string_view text);
};
constexpr uint64_t uri_size = 1103, base64_size = 84, uuid_size = 70, date_time_size = 71;
const Format formats[] = {
    {"dns1123Label", "DNS1123Label", 30, [](std::string_view t) { return name_is_dns_label(t, false); }},
    {"dns1123Subdomain", "DNS1123Subdomain", 60, [](std::string_view t) { return name_is_dns_subdomain(t, false); }},
    {"dns1035Label", "DNS1035Label", 30, [](std::string_view t) { return name_is_dns1035_label(t, false); }},
    {"qualifiedName", "QualifiedName", 60, check_qualified_name},
    {"dns1123LabelPrefix", "DNS1123LabelPrefix", 30, [](std::string_view t) { return name_is_dns_label(t, true); }},
    {"dns1123SubdomainPrefix", "DNS1123SubdomainPrefix", 60, [](std::string_view t) { return name_is_dns_subdomain(t, true); }},
    {"dns1035LabelPrefix", "DNS1035LabelPrefix", 30, [](std::string_view t) { return name_is_dns1035_label(t, true); }},
    {"labelValue", "LabelValue", 40, check_label_value},
    {"uri", "URI", uri_size,
     [](std::string_view t) { return unless(parse_request_url(t).has_value(), "parse \"" + std::string(t) + "\": invalid URI for request"); }},
    {"uuid", "uuid", uuid_size, [](std::string_view t) { return unless(is_uuid(t), "does not match the UUID format"); }},
    {"byte", "byte", base64_size, [](std::string_view t) { return unless(codec::decode_base64(t).has_value(), "invalid base64"); }},
    {"date", "date", date_time_size, [](std::string_view t) { return unless(is_date(t), "invalid date"); }},
    {"datetime", "datetime", date_time_size, [](std::string_view t) { return unless(is_date_time(t), "invalid datetime"); }},
};

class FormatValue final : public Opaque {
 public:
  explicit FormatValue(const Format& format) : format(format) {}
  const Type& type() const override { return types::format; }
  bool equals(const Opaque& other) const override { return format.name == static_cast<const FormatValue&>(other).format.name; }
  uint64_t size() const override { return format.regex_size; }
  const Format& format;
};

template <std::size_t i>
Value constant(const Call&) {
  static const FormatValue value(formats[i]);
  return Value::of(value);
}
Value named(const Call& call) {
  for (const Format& format : formats)
    if (format.function == call[0].text()) return Value::optional(Value::of(*call.arena.make<FormatValue>(format)), call.arena);
  return Value::none();
}
Value validate(const Call& call) {
  const Faults faults = static_cast<const FormatValue&>(call[0].as_opaque()).format.check(call[1].text());
  if (faults.empty()) return Value::none();
  auto* list = call.arena.make<MadeList>();
  for (const std::string& fault : faults) list->push_back(Value::of(call.arena.copy(std::string_view(fault))));
  return Value::optional(Value::of(*list), call.arena);
}

const Type faults_type{TypeKind::Opaque, false, "optional_type", {&types::list_string}};
const Overload validate_overloads[] = {{"format-validate", true, of<&types::format, &types::string>, &faults_type, validate}};
const Overload named_overloads[] = {{"format-named", false, of<&types::string>, &types::optional_format, named}};
const Overload constants[] = {{"format.dns1123Label", false, {}, &types::format, constant<0>},
                              {"format.dns1123Subdomain", false, {}, &types::format, constant<1>},
                              {"format.dns1035Label", false, {}, &types::format, constant<2>},
                              {"format.qualifiedName", false, {}, &types::format, constant<3>},
                              {"format.dns1123LabelPrefix", false, {}, &types::format, constant<4>},
                              {"format.dns1123SubdomainPrefix", false, {}, &types::format, constant<5>},
                              {"format.dns1035LabelPrefix", false, {}, &types::format, constant<6>},
                              {"format.labelValue", false, {}, &types::format, constant<7>},
                              {"format.uri", false, {}, &types::format, constant<8>},
                              {"format.uuid", false, {}, &types::format, constant<9>},
                              {"format.byte", false, {}, &types::format, constant<10>},
                              {"format.date", false, {}, &types::format, constant<11>},
                              {"format.datetime", false, {}, &types::format, constant<12>}};
std::span<const Overload> only(std::size_t i) { return std::span<const Overload>(constants).subspan(i, 1); }
const Function functions[] = {{"validate", validate_overloads},
                              {"format.named", named_overloads},
                              {"format.dns1123Label", only(0)},
                              {"format.dns1123Subdomain", only(1)},
                              {"format.dns1035Label", only(2)},
                              {"format.qualifiedName", only(3)},
                              {"format.dns1123LabelPrefix", only(4)},
                              {"format.dns1123SubdomainPrefix", only(5)},
                              {"format.dns1035LabelPrefix", only(6)},
                              {"format.labelValue", only(7)},
                              {"format.uri", only(8)},
                              {"format.uuid", only(9)},
                              {"format.byte", only(10)},
                              {"format.date", only(11)},
                              {"format.datetime", only(12)}};

}  // namespace

std::span<const Function> format_functions() { return functions; }

}  // namespace pintle::apimachinery::cel
