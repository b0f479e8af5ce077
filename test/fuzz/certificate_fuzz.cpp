// Certificates and requests for them, as PEM and DER; keys.
#include "apiserver/authentication/x509.h"
#include "base/check.h"
#include "codec/base64.h"
#include "component/certificate/certificate.h"
#include "driver.h"

namespace pintle::fuzz {
namespace {

std::string pem(std::string_view label, std::string_view der) {
  const std::string ends(label);
  return "-----BEGIN " + ends + "-----\n" + codec::base64(der) + "\n-----END " + ends + "-----\n";
}

void check_pem(std::string_view text) {
  if (component::parse_certificate_request_pem(text))
    CHECK(component::certificate_request_key_pem(text).has_value() || true, "either key is an answer");
  (void)component::check_certificates_pem(text);
  (void)component::parse_public_keys_pem(text);
  (void)component::PrivateKey::parse_pem(text);
  const auto all = component::certificates_from_pem(text);
  if (!all) return;
  for (const std::string& der : *all) {
    (void)component::parse_certificate_der(der);
    (void)apiserver::authentication::user_of_certificate(der);
  }
}

component::CertificateSpec spec() {
  component::CertificateSpec out;
  out.common_name = "system:node:a";
  out.organizations = {"system:nodes"};
  out.user_id = "u";
  out.dns_names = {"a.example.com"};
  out.ip_addresses = {"10.0.0.1", "::1"};
  out.client = out.server = true;
  out.not_after = 4'000'000'000;
  return out;
}

}  // namespace

// A first byte of 'd' or 'r' makes the rest a certificate's or a request's DER; else it is PEM.
void one(std::string_view input) {
  if (input.starts_with('d')) {
    check_pem(pem("CERTIFICATE", input.substr(1)));
  } else if (input.starts_with('r')) {
    check_pem(pem("CERTIFICATE REQUEST", input.substr(1)));
  } else {
    check_pem(input);
  }
}

std::vector<std::string> seeds() {
  const auto key = component::PrivateKey::generate_ec_p256();
  CHECK(key.has_value(), "a key");
  const auto request = component::make_certificate_request(spec(), *key);
  const auto certificate = component::issue_certificate(spec(), key->public_key(), *key, "");
  CHECK(request && certificate, "a request and a certificate");
  const auto body = [](std::string text) {
    text = text.substr(text.find('\n') + 1);
    text = text.substr(0, text.find('-'));
    std::erase(text, '\n');
    return codec::decode_base64(text).value_or("");
  };
  return {*request, *certificate, *request + *certificate, key->to_pem(), "d" + body(*certificate), "r" + body(*request)};
}
std::vector<std::string> tokens() {
  return {"-----BEGIN CERTIFICATE-----\n",
          "-----END CERTIFICATE-----\n",
          "-----BEGIN CERTIFICATE REQUEST-----\n",
          "-----BEGIN RSA PRIVATE KEY-----\n",
          "-----BEGIN EC PRIVATE KEY-----\n",
          "Proc-Type: 4,ENCRYPTED\n\n",
          "\n",
          "=",
          "\x30\x80",
          "\x30\x82\xff\xff",
          "\x06\x03\x55\x04\x03",
          "\x06\x03\x55\x1d\x11",
          "\x82\x01*",
          "\x87\x04\x7f\x01\x01\x01",
          "\x0c\x01,",
          "\x13\x01x",
          std::string("\x0c\x02\0,", 4)};
}

}  // namespace pintle::fuzz
