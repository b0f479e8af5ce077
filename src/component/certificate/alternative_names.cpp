#include "component/certificate/alternative_names.h"

#include <algorithm>

#include "base/ip_address.h"

namespace pintle::component {
namespace {

std::string raw_of(const ASN1_STRING* value) {
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)), static_cast<std::size_t>(ASN1_STRING_length(value)));
}

Result<std::string> ip_text(const ASN1_OCTET_STRING* address) {
  const auto ip = IpAddress::from_wire(raw_of(address));
  if (!ip) return bad_request("an IP address among the alternative names has " + std::to_string(ASN1_STRING_length(address)) + " bytes");
  return ip->to_string();
}

bool is_printable(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

// `name` becomes the list's.
bool push(GENERAL_NAMES* names, GENERAL_NAME* name, int kind, const std::string& bytes) {
  ASN1_STRING* value = ASN1_STRING_type_new(kind == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
  const bool set = value != nullptr && ASN1_STRING_set(value, bytes.data(), static_cast<int>(bytes.size())) == 1;
  if (!set) {
    ASN1_STRING_free(value);
    GENERAL_NAME_free(name);
    return false;
  }
  GENERAL_NAME_set0_value(name, kind, value);
  if (sk_GENERAL_NAME_push(names, name) > 0) return true;
  GENERAL_NAME_free(name);
  return false;
}

Result<Unit> add(GENERAL_NAMES* names, int kind, const std::string& bytes) {
  if (kind != GEN_IPADD && !is_printable(bytes))
    return bad_request("a certificate cannot have a name that is empty or has characters beyond printable ASCII");
  GENERAL_NAME* name = GENERAL_NAME_new();
  if (name == nullptr || !push(names, name, kind, bytes)) return internal("cannot make a name of a certificate");
  return Unit{};
}

}  // namespace

Result<GeneralNames> make_general_names(const CertificateSpec& spec) {
  if (spec.dns_names.empty() && spec.ip_addresses.empty() && spec.emails.empty() && spec.uris.empty()) return GeneralNames();
  GeneralNames names(sk_GENERAL_NAME_new_null());
  for (const std::string& name : spec.dns_names) TRY(add(names.get(), GEN_DNS, name));
  for (const std::string& name : spec.emails) TRY(add(names.get(), GEN_EMAIL, name));
  for (const std::string& address : spec.ip_addresses) {
    const auto ip = parse_address(address);
    if (!ip) return bad_request("\"" + address + "\" is no IP address");
    TRY(add(names.get(), GEN_IPADD, std::string(ip->wire())));
  }
  for (const std::string& name : spec.uris) TRY(add(names.get(), GEN_URI, name));
  return names;
}

Result<Unit> read_general_names(const GENERAL_NAMES* names, CertificateInfo& info) {
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    switch (name->type) {
      case GEN_DNS: info.dns_names.push_back(raw_of(name->d.dNSName)); break;
      case GEN_EMAIL: info.emails.push_back(raw_of(name->d.rfc822Name)); break;
      case GEN_URI: info.uris.push_back(raw_of(name->d.uniformResourceIdentifier)); break;
      case GEN_IPADD: {
        TRY_ASSIGN(std::string text, ip_text(name->d.iPAddress));
        info.ip_addresses.push_back(std::move(text));
        break;
      }
      default: break;
    }
  }
  return Unit{};
}

}  // namespace pintle::component
