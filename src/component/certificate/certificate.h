// X.509 certificates and requests: what they say, and making them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "component/certificate/keys.h"

namespace pintle::component {

// Another part of a subject, of those that Go's pkix.Name has a field for: by OpenSSL's short name: C, OU, L, ST, street, postalCode,
// serialNumber.
struct SubjectAttribute {
  std::string name;
  std::string value;
  bool operator==(const SubjectAttribute&) const = default;
};

struct CertificateInfo {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<SubjectAttribute> attributes;  // in the order in which they stand
  std::vector<std::string> user_ids;         // subject attributes of upstream's user-UID type, 1.3.6.1.4.1.57683.2
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  std::vector<std::string> emails;
  std::vector<std::string> uris;
  std::vector<std::string> key_usages;           // as Kubernetes names them: "digital signature" ..., in its order
  std::vector<std::string> extended_key_usages;  // by OpenSSL's short name: clientAuth, serverAuth ...
  int64_t not_before = 0;                        // seconds since 1970; 0 for a request
  int64_t not_after = 0;
};
// BadRequest on anything but one DER certificate, and on alternative names that cannot be read.
Result<CertificateInfo> parse_certificate_der(std::string_view der);
// A PKCS#10 request, PEM ("CERTIFICATE REQUEST"); its own signature is checked.
Result<CertificateInfo> parse_certificate_request_pem(std::string_view pem);
// The key that a request asks a certificate for.
Result<PublicKey> certificate_request_key_pem(std::string_view pem);
// The DER of each certificate in a PEM text.
Result<std::vector<std::string>> certificates_from_pem(std::string_view pem);
// What upstream asks of an issued certificate: at least one PEM block, each of the type "CERTIFICATE", without headers and
// with nothing but DER certificates in it. BadRequest says what is wrong.
Result<Unit> check_certificates_pem(std::string_view pem);
// Whether there is a certificate in a bundle of authorities that others are trusted by. BadRequest: why there is none, in the words of Go's TLS.
Result<Unit> check_authorities_pem(std::string_view pem);

struct CertificateSpec {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<SubjectAttribute> attributes;
  std::string user_id;  // "": none
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  std::vector<std::string> emails;
  std::vector<std::string> uris;
  bool authority = false;
  bool client = false;
  bool server = false;
  std::optional<std::vector<std::string>> usages;  // these alone, as Kubernetes names them; nullopt: what the three above need
  int64_t not_before = 0;
  int64_t not_after = 0;
  uint64_t serial = 1;
};
// PEM. Signed by `issuer_key` in the name of `issuer_certificate_pem` ("": self-signed by `issuer_key`). Names go in byte by
// byte, whatever is in them. BadRequest: a name that no certificate should have: control characters, a subject that is not
// UTF-8, other names beyond ASCII, an address that is none; a usage that there is not.
Result<std::string> issue_certificate(const CertificateSpec& spec, const PublicKey& subject_key, const PrivateKey& issuer_key,
                                      std::string_view issuer_certificate_pem);
// Whether the first certificate of a PEM text is signed by the first of another, and in its name.
bool is_issued_by(std::string_view certificate_pem, std::string_view authority_pem);
// Whether the first certificate of a PEM text is of the first private key of another, which may be of any kind that OpenSSL reads.
bool is_certificate_of_key(std::string_view certificate_pem, std::string_view key_pem);
// PKCS#10, PEM ("CERTIFICATE REQUEST"), for the spec's subject and names, signed by `key`.
Result<std::string> make_certificate_request(const CertificateSpec& spec, const PrivateKey& key);

}  // namespace pintle::component
