#include "component/serving/self_signed_certificate.h"

#include <gtest/gtest.h>

#include "component/certificate/keys.h"
#include "rt/testing.h"

namespace pintle::component {
namespace {

using namespace std::chrono_literals;

constexpr int64_t day = 24 * 3600;

struct Pair {
  std::string certificate, key;
};

Pair issue(int64_t not_before, int64_t not_after, const Pair* issuer = nullptr) {
  const auto key = PrivateKey::generate_ec_p256();
  CertificateSpec spec;
  spec.common_name = issuer ? "server" : "authority";
  spec.authority = issuer == nullptr;
  spec.not_before = not_before;
  spec.not_after = not_after;
  const auto signer = issuer ? PrivateKey::parse_pem(issuer->key) : key;
  return {*issue_certificate(spec, key->public_key(), *signer, issuer ? issuer->certificate : ""), key->to_pem()};
}

TEST(SelfSignedCertificate, FaultsOfWhatIsKept) {
  constexpr int64_t now = 1000 * day;
  const auto why = [](const Pair& pair) {
    const ServingFault fault = serving_fault(pair.certificate, pair.key, now);
    return fault.why.empty() ? "due in " + std::to_string((fault.due - now) / day) : fault.why;
  };
  const Pair good = issue(0, now + 100 * day);
  EXPECT_EQ(why(good), "due in 70");
  EXPECT_EQ(why(issue(0, now + 30 * day)), "it expires soon");
  EXPECT_EQ(why(issue(0, now - 1)), "it has expired");
  EXPECT_EQ(why(issue(now + 1, now + 100 * day)), "it is not valid yet");
  EXPECT_EQ(why({good.certificate, issue(0, now + 100 * day).key}), "it does not belong to its key");
  EXPECT_EQ(why({good.certificate, ""}), "it does not belong to its key");
  EXPECT_EQ(why({"", good.key}), "it cannot be read");
  EXPECT_EQ(why({good.certificate.substr(0, good.certificate.size() / 2), good.key}), "it cannot be read");
  // Somebody's own certificate is his until it has expired.
  EXPECT_EQ(why(issue(0, now + 10 * day, &good)), "due in 10");
  EXPECT_EQ(why(issue(0, now - 1, &good)), "it has expired");
}

SelfSignedSetup setup_in(const std::string& folder) {
  SelfSignedSetup out{
      .runtime = rt::Executor::current().runtime(), .cert_file = folder + "/x.crt", .key_file = folder + "/x.key", .common_name = "x"};
  out.dns_names = {"localhost"};
  out.ip_addresses = {"127.0.0.1"};
  return out;
}

std::string read(const std::string& path) { return rt::Executor::current().runtime().disk().read(path).value_or(""); }

CertificateInfo info_of(const std::string& pem) { return *parse_certificate_der(certificates_from_pem(pem)->front()); }

rt::Task<void> makes_keeps_and_mends() {
  rt::Disk& disk = rt::Executor::current().runtime().disk();
  SelfSignedCertificate certificate(setup_in("/a/b"));
  EXPECT_TRUE(certificate.ensure().has_value());
  const std::string first = read("/a/b/x.crt"), first_key = read("/a/b/x.key");
  EXPECT_EQ(disk.stat("/a/b/x.key")->mode & 0777, 0600u);
  EXPECT_EQ(info_of(first).common_name, "x");
  EXPECT_EQ(info_of(first).ip_addresses, std::vector<std::string>{"127.0.0.1"});
  EXPECT_TRUE(is_certificate_of_key(first, first_key));
  EXPECT_TRUE(certificate.ensure().has_value());
  EXPECT_EQ(read("/a/b/x.crt"), first);

  // Half of a pair, as an end between the two writes leaves it.
  (void)disk.write("/a/b/x.key", PrivateKey::generate_ec_p256()->to_pem(), 0600);
  EXPECT_TRUE(certificate.ensure().has_value());
  EXPECT_NE(read("/a/b/x.crt"), first);
  EXPECT_TRUE(is_certificate_of_key(read("/a/b/x.crt"), read("/a/b/x.key")));
  (void)disk.remove("/a/b/x.crt");
  EXPECT_TRUE(certificate.ensure().has_value());
  EXPECT_TRUE(is_certificate_of_key(read("/a/b/x.crt"), read("/a/b/x.key")));

  // One that has expired is not served.
  const Pair old = issue(0, 1);
  (void)disk.write("/a/b/x.crt", old.certificate);
  (void)disk.write("/a/b/x.key", old.key, 0600);
  EXPECT_TRUE(certificate.ensure().has_value());
  EXPECT_GT(info_of(read("/a/b/x.crt")).not_after, info_of(first).not_before);
  co_return;
}
TEST(SelfSignedCertificate, MakesKeepsAndMends) {
  rt::testing::run_sim([] { return makes_keeps_and_mends(); });
}

rt::Task<void> renews_while_running() {
  SelfSignedCertificate certificate(setup_in("/a"));
  EXPECT_TRUE(certificate.ensure().has_value());
  certificate.start();
  const rt::Context ctx = rt::Context::background();
  const std::string first = read("/a/x.crt");
  (void)co_await rt::sleep_for(ctx, 334 * 24h);
  EXPECT_EQ(read("/a/x.crt"), first);
  (void)co_await rt::sleep_for(ctx, 2 * 24h);
  const std::string second = read("/a/x.crt");
  EXPECT_NE(second, first);
  EXPECT_EQ(info_of(second).not_after - info_of(first).not_after, self_signed_validity_seconds - self_signed_renewal_seconds);
  EXPECT_TRUE(is_certificate_of_key(second, read("/a/x.key")));
  (void)co_await rt::sleep_for(ctx, 336 * 24h);
  EXPECT_NE(read("/a/x.crt"), second);
  co_await certificate.stop();
}
TEST(SelfSignedCertificate, RenewsWhileRunning) {
  rt::testing::run_sim([] { return renews_while_running(); });
}

}  // namespace
}  // namespace pintle::component
