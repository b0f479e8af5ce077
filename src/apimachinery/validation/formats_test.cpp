#include "apimachinery/validation/formats.h"

#include <gtest/gtest.h>

#include "apimachinery/validation/field_errors.h"

namespace pintle::apimachinery {
namespace {

void check_format(FormatCheck check, std::string_view text, std::size_t faults) { EXPECT_EQ(check(text).size(), faults) << "'" << text << "'"; }

TEST(Formats, DnsNames) {
  const std::string long_label(64, 'a');
  check_format(check_dns_label, "my-name", 0);
  check_format(check_dns_label, "123-abc", 0);
  check_format(check_dns_label, "", 1);
  check_format(check_dns_label, "a.b", 1);
  check_format(check_dns_label, "Upper", 1);
  check_format(check_dns_label, "-a", 1);
  check_format(check_dns_label, "a-", 1);
  check_format(check_dns_label, long_label, 1);
  check_format(check_dns_label, long_label + "_", 2);
  check_format(check_dns_subdomain, "example.com", 0);
  check_format(check_dns_subdomain, "a..b", 1);
  check_format(check_dns_subdomain, "a.", 1);
  check_format(check_dns_subdomain, "", 1);
  check_format(check_dns1035_label, "a1", 0);
  check_format(check_dns1035_label, "1a", 1);
  check_format(check_wildcard_dns_subdomain, "*.example.com", 0);
  check_format(check_wildcard_dns_subdomain, "*.", 1);
  check_format(check_wildcard_dns_subdomain, "a.*.b", 1);
  check_format(check_dns_subdomain_with_underscore, "_tcp.a_b.c", 0);
}

TEST(Formats, Names) {
  check_format(check_qualified_name, "app", 0);
  check_format(check_qualified_name, "example.com/MyName_1.x", 0);
  check_format(check_qualified_name, "", 2);
  check_format(check_qualified_name, "a/", 2);
  check_format(check_qualified_name, "/a", 1);
  check_format(check_qualified_name, "a/b/c", 1);
  check_format(check_qualified_name, "Bad.Prefix/a", 1);
  check_format(check_qualified_name, "has space", 1);
  check_format(check_qualified_name, std::string(64, 'a'), 1);
  check_format(check_label_value, "", 0);
  check_format(check_label_value, "a_b.c-D", 0);
  check_format(check_label_value, "-a", 1);
  check_format(check_label_value, std::string(64, 'a'), 1);
  check_format(check_c_identifier, "_a1", 0);
  check_format(check_c_identifier, "1a", 1);
  check_format(check_env_var_name, "a b", 0);
  check_format(check_env_var_name, "a=b", 1);
  check_format(check_env_var_name, "", 1);
  check_format(check_config_map_key, "key.name", 0);
  check_format(check_config_map_key, "..", 1);
  check_format(check_config_map_key, "..a", 1);
  check_format(check_config_map_key, "a/b", 1);
  check_format(check_port_name, "http", 0);
  check_format(check_port_name, "", 2);
  check_format(check_port_name, "80", 1);
  check_format(check_port_name, "-a--b-", 2);
  check_format(check_port_name, "averyveryverylongname", 1);
  check_format(check_percent, "25%", 0);
  check_format(check_percent, "%", 1);
  check_format(check_path_segment_name, "a:b", 0);
  check_format(check_path_segment_name, "..", 1);
  check_format(check_path_segment_name, "a/%", 2);
  check_format(check_domain_prefixed_path, "acme.io/foo/bar", 0);
  check_format(check_domain_prefixed_path, "acme.io", 1);
  check_format(check_uuid, "0a0b0c0d-0000-4000-8000-000000000000", 0);
  check_format(check_uuid, "0A0b0c0d-0000-4000-8000-000000000000", 1);
}

TEST(Formats, GeneratedNames) {
  EXPECT_TRUE(name_is_dns_label("web-", true).empty());
  EXPECT_FALSE(name_is_dns_label("web-", false).empty());
  EXPECT_TRUE(name_is_path_segment("..", true).empty());
  EXPECT_FALSE(name_is_path_segment("..", false).empty());
}

TEST(Formats, Addresses) {
  check_format(check_ip, "10.9.8.7", 0);
  check_format(check_ip, "2001:db8::ffff", 0);
  check_format(check_ip, "::", 0);
  check_format(check_ip, "::1", 0);
  check_format(check_ip, "1::", 0);
  check_format(check_ip, "2001:DB8::1", 1);
  check_format(check_ip, "010.1.1.1", 1);
  check_format(check_ip, "1.2.3", 1);
  check_format(check_ip, "1.2.3.256", 1);
  check_format(check_ip, "::ffff:1.2.3.4", 1);
  check_format(check_ip, "1:2:3:4:5:6:7:8:9", 1);
  check_format(check_ip, "1::2::3", 1);
  check_format(check_ip, ":1", 1);
  check_format(check_ip, "", 1);
  check_format(check_cidr, "10.9.8.0/24", 0);
  check_format(check_cidr, "10.9.8.1/24", 1);
  check_format(check_cidr, "2001:db8::/64", 0);
  check_format(check_cidr, "10.0.0.0/33", 1);
  check_format(check_cidr, "10.0.0.0/08", 1);
  check_format(check_cidr, "10.0.0.0", 1);
  check_format(check_cidr, "10.0.0.0/-0", 1);
  check_format(check_cidr, "::ffff:10.0.0.0/104", 1);
  check_format(check_legacy_cidr, "2001:DB8::/64", 0);
}

TEST(FieldErrors, Status) {
  FieldErrors errors;
  const FieldPath spec("spec");
  errors.required(spec.child("containers").index(0).child("name"));
  errors.invalid(FieldPath("metadata", "labels").key("a b"), "x\"y", "no");
  static constexpr std::string_view policies[] = {"Never", "Always"};
  errors.not_supported(spec.child("restartPolicy"), "Maybe", policies);
  const Status status = errors.to_status("apps", "Deployment", "web");
  EXPECT_EQ(status.http(), 422);
  EXPECT_EQ(status.message,
            "Deployment.apps \"web\" is invalid: [spec.containers[0].name: Required value, metadata.labels[a b]: Invalid value: "
            "\"x\\\"y\": no, spec.restartPolicy: Unsupported value: \"Maybe\": supported values: \"Always\", \"Never\"]");
  ASSERT_EQ(status.details.causes.size(), 3u);
  EXPECT_EQ(status.details.causes[0].type, "FieldValueRequired");
  EXPECT_EQ(status.details.causes[0].field, "spec.containers[0].name");
}

TEST(FieldErrors, DeepPath) {
  FieldPath path("a");
  for (int i = 0; i < 20; ++i) path = path.child("b").index(1);
  std::string expected = "a";
  for (int i = 0; i < 20; ++i) expected += ".b[1]";
  EXPECT_EQ(path.to_string(), expected);
  EXPECT_EQ(FieldPath().to_string(), "<nil>");
  EXPECT_EQ(FieldPath("").to_string(), "[]");
}

}  // namespace
}  // namespace pintle::apimachinery
