// Selectors and field sets as text: what is accepted prints to text that reads back to the same; the format checks take
// any bytes.
#include "apimachinery/apply/field_set.h"
#include "apimachinery/selectors/field_selector.h"
#include "apimachinery/selectors/label_selector.h"
#include "apimachinery/validation/formats.h"
#include "base/check.h"
#include "base/ip_address.h"
#include "driver.h"

namespace pintle::fuzz {

void one(std::string_view input) {
  if (const auto selector = apimachinery::LabelSelector::parse(input)) {
    const std::string text = selector->to_string();
    const auto again = apimachinery::LabelSelector::parse(text);
    CHECK(again && again->to_string() == text, "a label selector reads back");
    selector->matches(FlatMap<std::string>{{"a", "1"}, {"b", ""}});
  }
  if (const auto selector = apimachinery::FieldSelector::parse(input)) {
    const auto again = apimachinery::FieldSelector::parse(selector->to_string());
    CHECK(again && again->to_string() == selector->to_string(), "a field selector reads back");
  }
  if (const auto set = apimachinery::FieldSet::parse_fields_v1(input)) {
    const auto again = apimachinery::FieldSet::parse_fields_v1(set->to_fields_v1());
    CHECK(again && *again == *set, "a field set reads back");
  }
  for (const char* format : {"dns-label", "dns-subdomain", "qualified-name", "label-value", "port-name", "path-segment", "ip", "cidr", "uuid"})
    apimachinery::find_format(format)(input);
  for (const IpSyntax syntax : {IpSyntax::Legacy, IpSyntax::Strict}) {
    if (const auto address = parse_address(input, syntax))
      CHECK(parse_address(address->to_string(), IpSyntax::Strict) == address, "an address reads back");
    if (const auto range = parse_unmasked_prefix(input, syntax)) {
      CHECK(parse_unmasked_prefix(range->to_string()) == range, "a range reads back");
      CHECK(range->contains(range->address) && range->masked().contains(*range->nth(0)), "a range contains its addresses");
    }
  }
}

std::vector<std::string> seeds() {
  return {"a=1,b!=2,c in (x,y),!d,e notin (),f>3",
          "metadata.name=a,b!=c\\,d",
          R"({"f:a":{".":{},"k:{\"n\":1,\"p\":\"T\"}":{},"v:\"x\"":{}},"i:3":{}})",
          "2001:db8::1",
          "::ffff:1.2.3.4",
          "10.0.0.0/8",
          "example.com/name"};
}
std::vector<std::string> tokens() {
  return {" in (", " notin (", "==", "!=", ")", ",", "\\,", "\"f:", "\"k:{", "\".\":{}", "::", ".", "/", "ffff", "255"};
}

}  // namespace pintle::fuzz
