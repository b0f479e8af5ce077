#include "controller/service_cidr/plan.h"

#include "controller/testing/text_objects.h"

namespace pintle::controller::service_cidr {
namespace {

using namespace testing;
using api::networking_v1::ServiceCIDR;

// "name range range", with a '*' behind the name if it is going, for 20 s by now; it has the finalizer.
CidrPtr cidr_of(const std::string& text, int64_t deleted_seconds = 20) {
  auto words = split(text, ' ');
  ServiceCIDR out;
  if (words[0].ends_with('*')) {
    words[0].pop_back();
    out.metadata.deletion_timestamp = ago(deleted_seconds);
  }
  out.metadata.name = words[0];
  out.metadata.finalizers.emplace_back(finalizer);
  out.spec.cidrs.assign(words.begin() + 1, words.end());
  return std::make_shared<const ServiceCIDR>(std::move(out));
}

Observed observed_of(const std::string& cidrs, const std::string& addresses) {
  Observed out;
  out.now = plan_time;
  for (const std::string& one : split(cidrs, ',')) out.cidrs.push_back(cidr_of(one));
  for (const std::string& one : split(addresses, ',')) out.addresses.push_back(*parse_address(one));
  return out;
}

std::string told(const Plan& plan) {
  std::string out;
  if (plan.add_finalizer) out += "+finalizer ";
  if (plan.remove_finalizer) out += "-finalizer ";
  if (plan.condition)
    out += plan.condition->type + "=" + plan.condition->status + (plan.condition->reason.empty() ? "" : " " + plan.condition->reason) + " ";
  if (plan.look_again) out += "in " + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(*plan.look_again).count());
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

TEST(ServiceCidrPlan, Wanted) {
  const auto check = [](const std::string& yaml, const std::string& want) {
    const auto cidr = from_yaml<ServiceCIDR>("{spec: {cidrs: [10.0.0.0/24]}, " + yaml + "}");
    EXPECT_EQ(told(plan_service_cidr(cidr, {})), want) << yaml;
  };
  const std::string guarded = "metadata: {name: a, finalizers: [x, networking.k8s.io/service-cidr-finalizer]}";
  check("metadata: {name: a}", "+finalizer Ready=True");
  check(guarded, "Ready=True");
  check(guarded + ", status: {conditions: [{type: Ready, status: 'True', message: Kubernetes Service CIDR is ready}]}", "");
  check(guarded + ", status: {conditions: [{type: Ready, status: 'True', message: Kubernetes default Service CIDR is ready}]}", "Ready=True");
  check(guarded + ", status: {conditions: [{type: Ready, status: 'False', reason: Terminating}]}", "Ready=True");
}

void check_going(const std::string& going, const std::string& others, const std::string& addresses, const std::string& want) {
  const Observed observed = observed_of(going + (others.empty() ? "" : "," + others), addresses);
  EXPECT_EQ(told(plan_service_cidr(*observed.cidrs[0], observed)), want) << going << " | " << others << " | " << addresses;
}

TEST(ServiceCidrPlan, Going) {
  check_going("a* 10.0.0.0/24", "", "", "-finalizer");
  check_going("a* 10.0.0.0/24", "", "10.0.1.1", "-finalizer");
  check_going("a* 10.0.0.0/24", "", "10.0.0.1", "Ready=False Terminating");
  check_going("a* 10.0.0.0/24", "", "10.0.0.255", "-finalizer");  // out of no range of it
  check_going("a* 10.0.0.0/24", "b 10.0.0.0/16", "10.0.0.1", "-finalizer");
  check_going("a* 10.0.0.0/24", "b 10.0.0.0/24", "10.0.0.1", "-finalizer");
  check_going("a* 10.0.0.0/24", "b 10.0.0.0/25", "10.0.0.1", "-finalizer");  // another has this address
  check_going("a* 10.0.0.0/24", "b 10.0.0.0/25", "10.0.0.1,10.0.0.200", "Ready=False Terminating");
  check_going("a* 10.0.0.0/24 fd00::/112", "b 10.0.0.0/16", "10.0.0.1", "-finalizer");
  check_going("a* 10.0.0.0/24 fd00::/112", "b 10.0.0.0/16", "10.0.0.1,fd00::5", "Ready=False Terminating");
}

TEST(ServiceCidrPlan, Grace) {
  Observed observed = observed_of("", "");
  const auto check = [&](int64_t deleted, const std::string& want) {
    const auto cidr = cidr_of("a* 10.0.0.0/24", deleted);
    observed.cidrs = {cidr};
    EXPECT_EQ(told(plan_service_cidr(*cidr, observed)), want) << deleted;
  };
  check(0, "in 10");
  check(4, "in 6");
  check(10, "-finalizer");
}

TEST(ServiceCidrPlan, WhomAChangeConcerns) {
  const Observed all = observed_of("a 10.0.0.0/24,b 10.0.0.0/16,c 10.1.0.0/24,d 10.1.0.0/24 fd00::/112", "");
  EXPECT_EQ(overlapping(*all.cidrs[0], all.cidrs), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(overlapping(*all.cidrs[1], all.cidrs), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(overlapping(*all.cidrs[3], all.cidrs), (std::vector<std::string>{"c", "d"}));
  EXPECT_EQ(containing(*parse_address("10.0.0.1"), all.cidrs), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(containing(*parse_address("10.0.0.255"), all.cidrs), (std::vector<std::string>{"b"}));
  EXPECT_EQ(containing(*parse_address("fd00::1"), all.cidrs), (std::vector<std::string>{"d"}));
}

}  // namespace
}  // namespace pintle::controller::service_cidr
