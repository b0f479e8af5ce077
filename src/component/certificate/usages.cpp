#include "component/certificate/usages.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <string_view>

namespace pintle::component {
namespace {

struct KeyUsage {
  std::string_view name;
  std::string_view openssl;
  uint32_t bit;
};
// "signing" is another name of the first.
constexpr KeyUsage key_usages[] = {
    {"digital signature", "digitalSignature", KU_DIGITAL_SIGNATURE},
    {"signing", "digitalSignature", 0},
    {"content commitment", "nonRepudiation", KU_NON_REPUDIATION},
    {"key encipherment", "keyEncipherment", KU_KEY_ENCIPHERMENT},
    {"data encipherment", "dataEncipherment", KU_DATA_ENCIPHERMENT},
    {"key agreement", "keyAgreement", KU_KEY_AGREEMENT},
    {"cert sign", "keyCertSign", KU_KEY_CERT_SIGN},
    {"crl sign", "cRLSign", KU_CRL_SIGN},
    {"encipher only", "encipherOnly", KU_ENCIPHER_ONLY},
    {"decipher only", "decipherOnly", KU_DECIPHER_ONLY},
};

struct ExtendedUsage {
  std::string_view name;
  std::string_view openssl;
};
// In the order in which Go writes them.
constexpr ExtendedUsage extended_usages[] = {
    {"any", "anyExtendedKeyUsage"},
    {"server auth", "serverAuth"},
    {"client auth", "clientAuth"},
    {"code signing", "codeSigning"},
    {"email protection", "emailProtection"},
    {"s/mime", "emailProtection"},
    {"ipsec end system", "ipsecEndSystem"},
    {"ipsec tunnel", "ipsecTunnel"},
    {"ipsec user", "ipsecUser"},
    {"timestamping", "timeStamping"},
    {"ocsp signing", "OCSPSigning"},
    {"microsoft sgc", "msSGC"},
    {"netscape sgc", "nsSGC"},
};

template <class Rows>
std::string text_of(const Rows& rows, const std::vector<std::string>& usages) {
  std::string out;
  std::string_view last;
  for (const auto& row : rows) {
    if (row.openssl == last || std::ranges::find(usages, row.name) == usages.end()) continue;
    last = row.openssl;
    if (!out.empty()) out += ',';
    out += row.openssl;
  }
  return out;
}

}  // namespace

Result<UsageTexts> usage_texts(const std::vector<std::string>& usages) {
  for (const std::string& usage : usages)
    if (std::ranges::find(key_usages, usage, &KeyUsage::name) == std::end(key_usages) &&
        std::ranges::find(extended_usages, usage, &ExtendedUsage::name) == std::end(extended_usages))
      return bad_request("no certificate has the usage \"" + usage + "\"");
  return UsageTexts{text_of(key_usages, usages), text_of(extended_usages, usages)};
}

std::vector<std::string> key_usages_of(uint32_t bits) {
  std::vector<std::string> out;
  for (const KeyUsage& usage : key_usages)
    if ((bits & usage.bit) != 0) out.emplace_back(usage.name);
  return out;
}

}  // namespace pintle::component
