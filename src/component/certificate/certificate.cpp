#include "component/certificate/certificate.h"

#include <openssl/asn1.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

#include <algorithm>
#include <ctime>
#include <span>

#include "codec/json_text.h"
#include "component/certificate/alternative_names.h"
#include "component/certificate/openssl_handle.h"
#include "component/certificate/usages.h"

namespace pintle::component {
namespace {

constexpr const char* user_id_oid = "1.3.6.1.4.1.57683.2";
using ObjectId = std::unique_ptr<ASN1_OBJECT, OpensslDelete<ASN1_OBJECT_free>>;
using Usages = std::unique_ptr<EXTENDED_KEY_USAGE, OpensslDelete<EXTENDED_KEY_USAGE_free>>;

std::string text_of(const ASN1_STRING* value) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, value);
  if (size < 0) return {};
  std::string out(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return out;
}

// The attributes of a subject beside its names, organizations and user id, in the order in which Go writes them: those before the
// organizations, those after, those after the common name.
constexpr int before_organizations[] = {NID_countryName};
constexpr int after_organizations[] = {NID_organizationalUnitName, NID_localityName, NID_stateOrProvinceName, NID_streetAddress, NID_postalCode};
constexpr int after_common_name[] = {NID_serialNumber};

bool is_attribute(int nid) {
  return std::ranges::find(before_organizations, nid) != std::end(before_organizations) ||
         std::ranges::find(after_organizations, nid) != std::end(after_organizations) ||
         std::ranges::find(after_common_name, nid) != std::end(after_common_name);
}

void read_subject(const X509_NAME* name, CertificateInfo& info) {
  const ObjectId user_id(OBJ_txt2obj(user_id_oid, 1));
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
    const ASN1_OBJECT* object = X509_NAME_ENTRY_get_object(entry);
    const int nid = OBJ_obj2nid(object);
    std::string text = text_of(X509_NAME_ENTRY_get_data(entry));
    // The last common name counts, as in Go's pkix.Name.
    if (nid == NID_commonName)
      info.common_name = std::move(text);
    else if (nid == NID_organizationName)
      info.organizations.push_back(std::move(text));
    else if (is_attribute(nid))
      info.attributes.push_back({OBJ_nid2sn(nid), std::move(text)});
    else if (OBJ_cmp(object, user_id.get()) == 0)
      info.user_ids.push_back(std::move(text));
  }
}

void read_usages(const EXTENDED_KEY_USAGE* usages, CertificateInfo& info) {
  for (int i = 0; i < sk_ASN1_OBJECT_num(usages); ++i) {
    const int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, i));
    if (nid != NID_undef) info.extended_key_usages.emplace_back(OBJ_nid2sn(nid));
  }
}

int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (!ASN1_TIME_to_tm(time, &parts)) return 0;
  return static_cast<int64_t>(timegm(&parts));
}

X509Certificate certificate_of_pem(std::string_view pem) {
  const Bio bio = memory_bio(pem);
  return X509Certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

struct PemBlock {
  std::string type;
  std::string headers;
  std::string der;
};

// The next block that can be read; as with Go's reader, others are passed over. False: there is none.
bool read_block(BIO* bio, PemBlock& block) {
  for (;;) {
    char* type = nullptr;
    char* headers = nullptr;
    unsigned char* der = nullptr;
    long size = 0;
    if (PEM_read_bio(bio, &type, &headers, &der, &size) == 1) {
      block = {type, headers, std::string(reinterpret_cast<char*>(der), static_cast<std::size_t>(size))};
      OPENSSL_free(type);
      OPENSSL_free(headers);
      OPENSSL_free(der);
      return true;
    }
    const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE || BIO_eof(bio);
    ERR_clear_error();
    if (ended) return false;
  }
}

bool holds_certificates(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = at + der.size();
  while (at != end) {
    if (const X509Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(end - at))); certificate) continue;
    ERR_clear_error();
    return false;
  }
  return true;
}

// Of any length and as it is: OpenSSL's own table of subject fields would cut common names at 64 characters.
bool add_entry(X509_NAME* name, const ASN1_OBJECT* field, const std::string& value) {
  return X509_NAME_add_entry_by_OBJ(name, field, V_ASN1_UTF8STRING, reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

// A subject is text that people and logs read: UTF-8 without control characters.
Result<Unit> check_subject(const CertificateSpec& spec) {
  const auto good = [](std::string_view text) {
    return codec::is_valid_utf8(text) && std::ranges::none_of(text, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
  };
  if (!good(spec.common_name) || !good(spec.user_id) || !std::ranges::all_of(spec.organizations, good) ||
      !std::ranges::all_of(spec.attributes, good, &SubjectAttribute::value))
    return bad_request("a certificate cannot have a subject with control characters or bytes that are not UTF-8");
  return Unit{};
}

// Those of `spec` that are of one of the types, type by type.
bool add_attributes(X509_NAME* name, const CertificateSpec& spec, std::span<const int> nids) {
  for (const int nid : nids)
    for (const SubjectAttribute& attribute : spec.attributes)
      if (OBJ_sn2nid(attribute.name.c_str()) == nid && !add_entry(name, OBJ_nid2obj(nid), attribute.value)) return false;
  return true;
}

bool add_subject(X509_NAME* name, const CertificateSpec& spec) {
  if (!add_attributes(name, spec, before_organizations)) return false;
  for (const auto& organization : spec.organizations)
    if (!add_entry(name, OBJ_nid2obj(NID_organizationName), organization)) return false;
  if (!add_attributes(name, spec, after_organizations)) return false;
  if (!spec.common_name.empty() && !add_entry(name, OBJ_nid2obj(NID_commonName), spec.common_name)) return false;
  if (!add_attributes(name, spec, after_common_name)) return false;
  if (spec.user_id.empty()) return true;
  const ObjectId oid(OBJ_txt2obj(user_id_oid, 1));
  return add_entry(name, oid.get(), spec.user_id);
}

// `value` is a text of ours; nothing that came from elsewhere goes through OpenSSL's text forms.
bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (!extension) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

std::vector<std::string> usual_usages(const CertificateSpec& spec) {
  std::vector<std::string> out{"digital signature", "key encipherment"};
  if (spec.authority) out.emplace_back("cert sign");
  if (spec.client) out.emplace_back("client auth");
  if (spec.server) out.emplace_back("server auth");
  return out;
}

bool add_extensions(X509* certificate, X509* issuer, const CertificateSpec& spec, const UsageTexts& usages, GENERAL_NAMES* names) {
  bool good = add_extension(certificate, issuer, NID_basic_constraints, spec.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!usages.key.empty()) good = good && add_extension(certificate, issuer, NID_key_usage, "critical," + usages.key);
  good = good && add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
  if (!usages.extended.empty()) good = good && add_extension(certificate, issuer, NID_ext_key_usage, usages.extended);
  if (names != nullptr) good = good && X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
  return good;
}

X509Request request_of_pem(std::string_view pem) {
  const Bio bio = memory_bio(pem);
  return X509Request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
}

bool add_request_names(X509_REQ* request, GENERAL_NAMES* names) {
  if (names == nullptr) return true;
  X509_EXTENSION* extension = X509V3_EXT_i2d(NID_subject_alt_name, 0, names);
  if (!extension) return false;
  STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
  sk_X509_EXTENSION_push(extensions, extension);
  const bool added = X509_REQ_add_extensions(request, extensions) == 1;
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  return added;
}

// The alternative names among the extensions, if there are any. BadRequest: they cannot be read, or are there twice.
Result<Unit> read_extension_names(const STACK_OF(X509_EXTENSION) * extensions, CertificateInfo& info) {
  constexpr int absent = -1;
  int found = absent;
  const GeneralNames names(static_cast<GENERAL_NAMES*>(X509V3_get_d2i(extensions, NID_subject_alt_name, &found, nullptr)));
  ERR_clear_error();
  if (names) return read_general_names(names.get(), info);
  if (found != absent) return bad_request("the alternative names cannot be read");
  return Unit{};
}

}  // namespace

Result<CertificateInfo> parse_certificate_der(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const X509Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!certificate) {
    ERR_clear_error();
    return bad_request("not a DER certificate");
  }
  CertificateInfo info;
  read_subject(X509_get_subject_name(certificate.get()), info);
  TRY(read_extension_names(X509_get0_extensions(certificate.get()), info));
  const Usages usages(static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(certificate.get(), NID_ext_key_usage, nullptr, nullptr)));
  if (usages) read_usages(usages.get(), info);
  if (const uint32_t bits = X509_get_key_usage(certificate.get()); bits != UINT32_MAX) info.key_usages = key_usages_of(bits);
  info.not_before = seconds_of(X509_get0_notBefore(certificate.get()));
  info.not_after = seconds_of(X509_get0_notAfter(certificate.get()));
  return info;
}

Result<CertificateInfo> parse_certificate_request_pem(std::string_view pem) {
  if (pem.size() > pem_bytes_max) return bad_request("the PEM text is larger than 1 MiB");
  const X509Request request = request_of_pem(pem);
  if (!request) {
    ERR_clear_error();
    return bad_request("not a PEM certificate request");
  }
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (!key || X509_REQ_verify(request.get(), key) != 1) {
    ERR_clear_error();
    return bad_request("the certificate request is not signed by its own key");
  }
  CertificateInfo info;
  read_subject(X509_REQ_get_subject_name(request.get()), info);
  STACK_OF(X509_EXTENSION)* extensions = X509_REQ_get_extensions(request.get());
  const auto named = read_extension_names(extensions, info);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  if (!named) return Unexpected(named.error());
  return info;
}

Result<PublicKey> certificate_request_key_pem(std::string_view pem) {
  if (pem.size() > pem_bytes_max) return bad_request("the PEM text is larger than 1 MiB");
  const X509Request request = request_of_pem(pem);
  EvpKey key(request ? X509_REQ_get_pubkey(request.get()) : nullptr);
  if (!key) {
    ERR_clear_error();
    return bad_request("not a PEM certificate request");
  }
  return KeyAccess::wrap_public(std::move(key));
}

Result<std::vector<std::string>> certificates_from_pem(std::string_view pem) {
  if (pem.size() > pem_bytes_max) return bad_request("the PEM text is larger than 1 MiB");
  const Bio bio = memory_bio(pem);
  std::vector<std::string> out;
  while (const X509Certificate certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate.get(), &der);
    if (size > 0) out.emplace_back(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
  }
  ERR_clear_error();
  if (out.empty()) return bad_request("the PEM text holds no certificate");
  return out;
}

Result<Unit> check_authorities_pem(std::string_view pem) {
  if (pem.size() > pem_bytes_max) return bad_request("the PEM text is larger than 1 MiB");
  const Bio bio = memory_bio(pem);
  std::string_view why = "unable to parse bytes as PEM block";
  for (PemBlock block; read_block(bio.get(), block);) {
    if (block.type != "CERTIFICATE" || !block.headers.empty()) continue;
    if (parse_certificate_der(block.der)) return Unit{};
    why = "failed to parse certificate: x509: malformed certificate";
  }
  ERR_clear_error();
  return bad_request(std::string(why));
}

Result<Unit> check_certificates_pem(std::string_view pem) {
  if (pem.size() > pem_bytes_max) return bad_request("the PEM text is larger than 1 MiB");
  const Bio bio = memory_bio(pem);
  bool found = false;
  for (PemBlock block; read_block(bio.get(), block); found = true) {
    if (block.type != "CERTIFICATE") return bad_request("a PEM block is no CERTIFICATE but \"" + block.type + "\"");
    if (!block.headers.empty()) return bad_request("a PEM block has headers");
    if (block.der.empty()) return bad_request("a CERTIFICATE PEM block is empty");
    if (!holds_certificates(block.der)) return bad_request("a CERTIFICATE PEM block holds something other than certificates");
  }
  if (!found) return bad_request("there is no CERTIFICATE PEM block");
  return Unit{};
}

Result<std::string> issue_certificate(const CertificateSpec& spec, const PublicKey& subject_key, const PrivateKey& issuer_key,
                                      std::string_view issuer_certificate_pem) {
  X509Certificate issuer;
  if (!issuer_certificate_pem.empty()) {
    issuer = certificate_of_pem(issuer_certificate_pem);
    if (!issuer) return bad_request("the issuer's certificate cannot be read");
  }
  TRY(check_subject(spec));
  TRY_ASSIGN(const UsageTexts usages, usage_texts(spec.usages ? *spec.usages : usual_usages(spec)));
  TRY_ASSIGN(const GeneralNames names, make_general_names(spec));
  const X509Certificate certificate(X509_new());
  X509* signer = issuer ? issuer.get() : certificate.get();
  bool good = X509_set_version(certificate.get(), 2) == 1 && ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), spec.serial) == 1 &&
              ASN1_TIME_set(X509_getm_notBefore(certificate.get()), static_cast<time_t>(spec.not_before)) &&
              ASN1_TIME_set(X509_getm_notAfter(certificate.get()), static_cast<time_t>(spec.not_after)) &&
              X509_set_pubkey(certificate.get(), KeyAccess::get(subject_key)) == 1 && add_subject(X509_get_subject_name(certificate.get()), spec) &&
              X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer)) == 1 &&
              add_extensions(certificate.get(), signer, spec, usages, names.get());
  // An authority may have none; then nothing is said of its key, as upstream says nothing.
  if (issuer && X509_get0_subject_key_id(signer) != nullptr)
    good = good && add_extension(certificate.get(), signer, NID_authority_key_identifier, "keyid");
  good = good && X509_sign(certificate.get(), KeyAccess::get(issuer_key), EVP_sha256()) > 0;
  if (!good) {
    ERR_clear_error();
    return internal("cannot make a certificate for \"" + spec.common_name + "\"");
  }
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate.get());
  return bio_text(bio.get());
}

bool is_issued_by(std::string_view certificate_pem, std::string_view authority_pem) {
  const X509Certificate certificate = certificate_of_pem(certificate_pem);
  const X509Certificate authority = certificate_of_pem(authority_pem);
  const bool good = certificate && authority && X509_NAME_cmp(X509_get_issuer_name(certificate.get()), X509_get_subject_name(authority.get())) == 0 &&
                    X509_verify(certificate.get(), X509_get0_pubkey(authority.get())) == 1;
  ERR_clear_error();
  return good;
}

bool is_certificate_of_key(std::string_view certificate_pem, std::string_view key_pem) {
  const X509Certificate certificate = certificate_of_pem(certificate_pem);
  const Bio bio = memory_bio(key_pem);
  constexpr auto no_passphrase = [](char*, int, int, void*) { return -1; };
  const EvpKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  const bool good = certificate && key && X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  return good;
}

Result<std::string> make_certificate_request(const CertificateSpec& spec, const PrivateKey& key) {
  TRY(check_subject(spec));
  TRY_ASSIGN(const GeneralNames names, make_general_names(spec));
  const X509Request request(X509_REQ_new());
  const bool good = X509_REQ_set_version(request.get(), 0) == 1 && X509_REQ_set_pubkey(request.get(), KeyAccess::get(key)) == 1 &&
                    add_subject(X509_REQ_get_subject_name(request.get()), spec) && add_request_names(request.get(), names.get()) &&
                    X509_REQ_sign(request.get(), KeyAccess::get(key), EVP_sha256()) > 0;
  if (!good) {
    ERR_clear_error();
    return internal("cannot make a certificate request for \"" + spec.common_name + "\"");
  }
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(bio.get(), request.get());
  return bio_text(bio.get());
}

}  // namespace pintle::component
