#include "component/certificate/certificate.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace pintle::component {
namespace {

void check_sign_and_verify(const PrivateKey& key, std::string_view algorithm) {
  EXPECT_EQ(key.public_key().algorithm(), algorithm);
  const auto signature = key.sign("the text");
  ASSERT_TRUE(signature);
  EXPECT_TRUE(key.public_key().verify("the text", *signature));
  EXPECT_FALSE(key.public_key().verify("the next", *signature));
  EXPECT_FALSE(key.public_key().verify("the text", signature->substr(1)));
  EXPECT_FALSE(key.public_key().verify("the text", ""));
  const auto again = PrivateKey::parse_pem(key.to_pem());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->public_key().key_id(), key.public_key().key_id());
  EXPECT_EQ(key.public_key().key_id().size(), 43u);
}

TEST(Keys, SignAndVerify) {
  check_sign_and_verify(*PrivateKey::generate_ec_p256(), "ES256");
  check_sign_and_verify(*PrivateKey::generate_rsa(2048), "RS256");
}

TEST(Keys, JsonWebKeyHasTheMembersOfItsKind) {
  const auto ec = PrivateKey::generate_ec_p256()->public_key().json_web_key();
  EXPECT_EQ(ec.kty, "EC");
  EXPECT_EQ(ec.crv, "P-256");
  EXPECT_EQ(ec.x.size(), 43u);
  EXPECT_EQ(ec.y.size(), 43u);
  const auto rsa = PrivateKey::generate_rsa(2048)->public_key().json_web_key();
  EXPECT_EQ(rsa.kty, "RSA");
  EXPECT_EQ(rsa.e, "AQAB");
  EXPECT_EQ(rsa.n.size(), 342u);
}

TEST(Keys, HmacOfRfc4231) {
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Keys, BadInput) {
  for (const char* text : {"", "garbage", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}) {
    EXPECT_FALSE(PrivateKey::parse_pem(text)) << text;
    EXPECT_FALSE(parse_public_keys_pem(text)) << text;
  }
  EXPECT_FALSE(PrivateKey::parse_pem(std::string(pem_bytes_max + 1, 'x')));
  EXPECT_FALSE(parse_certificate_der("garbage"));
  EXPECT_FALSE(parse_certificate_request_pem("garbage"));
  EXPECT_FALSE(certificates_from_pem("garbage"));
}

TEST(Certificate, SaysWhatItWasMadeFor) {
  const auto ca_key = PrivateKey::generate_ec_p256();
  const auto key = PrivateKey::generate_ec_p256();
  CertificateSpec ca;
  ca.common_name = "ca";
  ca.authority = true;
  ca.not_before = 1000;
  ca.not_after = 2000000000;
  const auto ca_pem = issue_certificate(ca, ca_key->public_key(), *ca_key, "");
  ASSERT_TRUE(ca_pem) << ca_pem.error().message;
  CertificateSpec spec;
  spec.common_name = "jane";
  spec.organizations = {"devs", "ops"};
  spec.user_id = "42";
  spec.dns_names = {"a.example", "b.example"};
  spec.ip_addresses = {"10.0.0.1", "::1"};
  spec.client = spec.server = true;
  spec.not_before = 1000;
  spec.not_after = 2000000000;
  const auto pem = issue_certificate(spec, key->public_key(), *ca_key, *ca_pem);
  ASSERT_TRUE(pem) << pem.error().message;
  const auto ders = certificates_from_pem(*pem + *ca_pem);
  ASSERT_TRUE(ders);
  ASSERT_EQ(ders->size(), 2u);
  const auto info = parse_certificate_der(ders->front());
  ASSERT_TRUE(info);
  EXPECT_EQ(info->common_name, "jane");
  EXPECT_EQ(info->organizations, spec.organizations);
  EXPECT_EQ(info->user_ids, std::vector<std::string>{"42"});
  EXPECT_EQ(info->dns_names, spec.dns_names);
  EXPECT_EQ(info->ip_addresses, spec.ip_addresses);
  EXPECT_EQ(info->extended_key_usages, (std::vector<std::string>{"serverAuth", "clientAuth"}));
  EXPECT_EQ(info->not_before, 1000);
  EXPECT_EQ(info->not_after, 2000000000);
  const auto keys = parse_public_keys_pem(*pem);
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->front().key_id(), key->public_key().key_id());
}

// Not every authority's certificate has a subject key identifier.
TEST(Certificate, IsIssuedByAnAuthorityWithoutAKeyIdentifier) {
  const auto ca_key = PrivateKey::generate_ec_p256();
  CertificateSpec ca;
  ca.common_name = "ca";
  ca.authority = true;
  ca.not_before = 1000;
  ca.not_after = 2000000000;
  const auto with = issue_certificate(ca, ca_key->public_key(), *ca_key, "");
  ASSERT_TRUE(with);
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(BIO_new_mem_buf(with->data(), static_cast<int>(with->size())), BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> bare(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), X509_free);
  const std::string key_pem = ca_key->to_pem();
  const std::unique_ptr<BIO, decltype(&BIO_free)> key_in(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())), BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(PEM_read_bio_PrivateKey(key_in.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  X509_EXTENSION_free(X509_delete_ext(bare.get(), X509_get_ext_by_NID(bare.get(), NID_subject_key_identifier, -1)));
  ASSERT_GT(X509_sign(bare.get(), key.get(), EVP_sha256()), 0);
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(out.get(), bare.get());
  char* text = nullptr;
  const auto bytes = BIO_get_mem_data(out.get(), &text);
  const std::string without(text, static_cast<std::size_t>(bytes));
  CertificateSpec spec;
  spec.common_name = "jane";
  spec.client = true;
  spec.not_before = 1000;
  spec.not_after = 2000000000;
  const auto pem = issue_certificate(spec, ca_key->public_key(), *ca_key, without);
  ASSERT_TRUE(pem) << pem.error().message;
  EXPECT_TRUE(is_issued_by(*pem, without));
}

TEST(CertificateRequest, AsksForItsSubjectAndNames) {
  const auto key = PrivateKey::generate_ec_p256();
  CertificateSpec spec;
  spec.common_name = "system:node:a";
  spec.organizations = {"system:nodes"};
  spec.dns_names = {"a"};
  spec.ip_addresses = {"10.0.0.1"};
  const auto pem = make_certificate_request(spec, *key);
  ASSERT_TRUE(pem) << pem.error().message;
  const auto info = parse_certificate_request_pem(*pem);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->common_name, "system:node:a");
  EXPECT_EQ(info->organizations, std::vector<std::string>{"system:nodes"});
  EXPECT_EQ(info->dns_names, std::vector<std::string>{"a"});
  EXPECT_EQ(info->ip_addresses, std::vector<std::string>{"10.0.0.1"});
  const auto asked = certificate_request_key_pem(*pem);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->key_id(), key->public_key().key_id());
  EXPECT_FALSE(certificate_request_key_pem("garbage"));
}

// What a certificate made from a request for exactly these names says of itself.
Result<CertificateInfo> issued_for(const CertificateSpec& wanted) {
  const auto key = PrivateKey::generate_ec_p256();
  TRY_ASSIGN(const std::string request, make_certificate_request(wanted, *key));
  TRY_ASSIGN(const CertificateInfo asked, parse_certificate_request_pem(request));
  CertificateSpec spec;
  spec.common_name = asked.common_name;
  spec.organizations = asked.organizations;
  spec.dns_names = asked.dns_names;
  spec.ip_addresses = asked.ip_addresses;
  spec.emails = asked.emails;
  spec.uris = asked.uris;
  spec.not_before = 1000;
  spec.not_after = 2000000000;
  TRY_ASSIGN(const std::string pem, issue_certificate(spec, key->public_key(), *key, ""));
  TRY_ASSIGN(const auto ders, certificates_from_pem(pem));
  return parse_certificate_der(ders.front());
}

// Names are bytes: what reads like two names, another kind of name or a section of a file is one name.
TEST(CertificateRequest, NamesAreNeverReadAsText) {
  for (const char* name :
       {"a,DNS:kubernetes", "a, DNS:b", "a,IP:10.0.0.1", "DNS:b", "email:copy", "@section", "a;b", "a/b", "critical,a", "dirName:x", "*.b", "a b"}) {
    CertificateSpec spec;
    spec.common_name = spec.organizations.emplace_back(name);
    spec.dns_names = spec.emails = spec.uris = {name};
    spec.ip_addresses = {"10.0.0.1"};
    const auto info = issued_for(spec);
    ASSERT_TRUE(info) << name << ": " << info.error().message;
    EXPECT_EQ(info->common_name, name);
    EXPECT_EQ(info->organizations, spec.organizations);
    EXPECT_EQ(info->dns_names, spec.dns_names);
    EXPECT_EQ(info->emails, spec.emails);
    EXPECT_EQ(info->uris, spec.uris);
    EXPECT_EQ(info->ip_addresses, spec.ip_addresses);
  }
}

TEST(CertificateRequest, NamesThatNoCertificateShouldHave) {
  using namespace std::string_literals;
  const auto check = [](auto change) {
    CertificateSpec spec;
    spec.common_name = "a";
    change(spec);
    const auto info = issued_for(spec);
    ASSERT_FALSE(info);
    EXPECT_EQ(info.error().reason, Reason::BadRequest);
  };
  for (const std::string& name : {"a\0b"s, "a\nb"s, "a\rDNS:b"s, "\x7f"s, "\xc3\xa4"s, ""s}) {
    check([&](CertificateSpec& spec) { spec.dns_names = {name}; });
    check([&](CertificateSpec& spec) { spec.emails = {name}; });
    check([&](CertificateSpec& spec) { spec.uris = {name}; });
  }
  for (const std::string& name : {"a\0b"s, "a\nb"s, "\xff"s}) {
    check([&](CertificateSpec& spec) { spec.common_name = name; });
    check([&](CertificateSpec& spec) { spec.organizations = {name}; });
    check([&](CertificateSpec& spec) { spec.user_id = name; });
  }
  for (const char* address : {"10.0.0", "10.0.0.1,IP:10.0.0.2", "localhost", ""})
    check([&](CertificateSpec& spec) { spec.ip_addresses = {address}; });
}

// The longest name of a node: OpenSSL's table stops at 64 characters.
TEST(CertificateRequest, SubjectsOfAnyLength) {
  CertificateSpec spec;
  spec.common_name = "system:node:" + std::string(253, 'n');
  spec.organizations = {std::string(200, 'o')};
  const auto info = issued_for(spec);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->common_name, spec.common_name);
  EXPECT_EQ(info->organizations, spec.organizations);
}

TEST(Certificate, KnowsItsIssuer) {
  const auto key = PrivateKey::generate_ec_p256(), other_key = PrivateKey::generate_ec_p256();
  CertificateSpec spec;
  spec.common_name = "ca";
  spec.authority = true;
  spec.not_after = 2000000000;
  const auto authority = issue_certificate(spec, key->public_key(), *key, "");
  const auto namesake = issue_certificate(spec, other_key->public_key(), *other_key, "");
  spec.common_name = "leaf";
  spec.authority = false;
  const auto leaf = issue_certificate(spec, other_key->public_key(), *key, *authority);
  ASSERT_TRUE(leaf);
  EXPECT_TRUE(is_issued_by(*leaf, *authority));
  EXPECT_FALSE(is_issued_by(*leaf, *namesake));
  EXPECT_FALSE(is_issued_by(*authority, *leaf));
  EXPECT_FALSE(is_issued_by("garbage", *authority));
  EXPECT_FALSE(is_issued_by(*leaf, ""));
}

// Certificate of a subject and usages beyond the usual ones; "key usages | extended ones".
std::string usages_of(std::optional<std::vector<std::string>> usages) {
  const auto key = PrivateKey::generate_ec_p256();
  CertificateSpec spec;
  spec.common_name = "a";
  spec.client = true;
  spec.not_after = 2000000000;
  spec.usages = std::move(usages);
  const auto pem = issue_certificate(spec, key->public_key(), *key, "");
  if (!pem) return pem.error().message;
  const auto info = parse_certificate_der(certificates_from_pem(*pem)->front());
  std::string out;
  for (const std::string& usage : info->key_usages) out += usage + ", ";
  out += "|";
  for (const std::string& usage : info->extended_key_usages) out += " " + usage;
  return out;
}

using Usages = std::vector<std::string>;

TEST(Certificate, UsagesAreThoseAskedFor) {
  EXPECT_EQ(usages_of(std::nullopt), "digital signature, key encipherment, | clientAuth");
  EXPECT_EQ(usages_of(Usages{}), "|");
  EXPECT_EQ(usages_of(Usages{"client auth"}), "| clientAuth");
  EXPECT_EQ(usages_of(Usages{"signing", "digital signature"}), "digital signature, |");
  EXPECT_EQ(usages_of(Usages{"server auth", "any", "key agreement", "s/mime", "email protection"}),
            "key agreement, | anyExtendedKeyUsage serverAuth emailProtection");
  EXPECT_EQ(usages_of(Usages{"content commitment", "data encipherment", "cert sign", "crl sign", "encipher only", "decipher only", "code signing",
                             "ipsec end system", "ipsec tunnel", "ipsec user", "timestamping", "ocsp signing", "microsoft sgc", "netscape sgc"}),
            "content commitment, data encipherment, cert sign, crl sign, encipher only, decipher only, | codeSigning ipsecEndSystem ipsecTunnel "
            "ipsecUser timeStamping OCSPSigning msSGC nsSGC");
  EXPECT_NE(usages_of(Usages{"flying"}).find("flying"), std::string::npos);
}

TEST(CertificateRequest, SubjectsHaveAllThatGoHasFieldsFor) {
  CertificateSpec spec;
  spec.common_name = "jane";
  spec.organizations = {"o"};
  spec.attributes = {{"C", "DE"}, {"OU", "one"},     {"OU", "two"},           {"L", "Berlin"},
                     {"ST", "B"}, {"street", "s 1"}, {"postalCode", "10115"}, {"serialNumber", "7"}};
  const auto key = PrivateKey::generate_ec_p256();
  const auto asked = parse_certificate_request_pem(*make_certificate_request(spec, *key));
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(asked->attributes, spec.attributes);
  CertificateSpec out;
  out.attributes = asked->attributes;
  const auto pem = issue_certificate(out, key->public_key(), *key, "");
  ASSERT_TRUE(pem) << pem.error().message;
  EXPECT_EQ(parse_certificate_der(certificates_from_pem(*pem)->front())->attributes, spec.attributes);
  out.attributes = {{"OU", "a\nb"}};
  EXPECT_EQ(issue_certificate(out, key->public_key(), *key, "").error().reason, Reason::BadRequest);
}

Result<std::string> self_signed(const PrivateKey& key) {
  CertificateSpec spec;
  spec.common_name = "a";
  spec.not_after = 1000;
  return issue_certificate(spec, key.public_key(), key, "");
}

// `want`: a word of the complaint; "": nothing to complain about.
void check_issued(const std::string& pem, std::string_view want) {
  const auto result = check_certificates_pem(pem);
  const std::string got = result ? "" : result.error().message;
  EXPECT_EQ(got.empty(), want.empty()) << pem << got;
  EXPECT_NE(got.find(want), std::string::npos) << got;
}

TEST(Certificate, IssuedOnesAreCertificateBlocksAlone) {
  const auto key = PrivateKey::generate_ec_p256();
  const auto pem = self_signed(*key);
  ASSERT_TRUE(pem);
  const auto with = [&](std::string from, const std::string& to) {
    std::string out = *pem;
    for (std::size_t at = 0; (at = out.find(from, at)) != std::string::npos; at += to.size()) out.replace(at, from.size(), to);
    return out;
  };
  const std::string broken = "-----BEGIN CERTIFICATE-----\n****\n-----END CERTIFICATE-----\n";
  check_issued(*pem, "");
  check_issued("text\n" + *pem + "more\n" + *pem + "text", "");
  check_issued(broken + *pem, "");  // what is no block at all is passed over
  check_issued(broken, "no CERTIFICATE");
  check_issued("text", "no CERTIFICATE");
  check_issued("", "no CERTIFICATE");
  check_issued(*pem + key->to_pem(), "PRIVATE KEY");
  check_issued(with("CERTIFICATE", "X509 CERTIFICATE"), "X509 CERTIFICATE");
  check_issued(with("BEGIN CERTIFICATE-----\n", "BEGIN CERTIFICATE-----\na: b\n\n"), "headers");
  check_issued("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "other than certificates");
}

TEST(Certificate, BundlesOfAuthoritiesHoldOneAtLeast) {
  const auto key = PrivateKey::generate_ec_p256();
  const auto pem = self_signed(*key);
  ASSERT_TRUE(pem);
  const auto why = [](const std::string& bundle) {
    const auto checked = check_authorities_pem(bundle);
    return checked ? std::string() : checked.error().message;
  };
  const std::string junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_EQ(why(*pem), "");
  EXPECT_EQ(why(junk + key->to_pem() + *pem + "text"), "");
  EXPECT_EQ(why(""), "unable to parse bytes as PEM block");
  EXPECT_EQ(why("text"), "unable to parse bytes as PEM block");
  EXPECT_EQ(why(junk), "failed to parse certificate: x509: malformed certificate");
}

}  // namespace
}  // namespace pintle::component
