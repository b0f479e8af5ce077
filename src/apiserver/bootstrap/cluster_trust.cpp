#include "apiserver/bootstrap/cluster_trust.h"

#include <algorithm>

#include "codec/base64.h"
#include "codec/json.h"
#include "component/certificate/certificate.h"

namespace pintle::apiserver::bootstrap {
namespace {

using Strings = std::vector<std::string>;
using Data = decltype(api::core_v1::ConfigMap::data);

constexpr std::size_t pem_columns = 64;        // RFC 7468
constexpr int64_t expiry_slack_seconds = 300;  // clocks of several servers

std::string to_pem(std::string_view der) {
  const std::string text = codec::base64(der);
  std::string pem = "-----BEGIN CERTIFICATE-----\n";
  for (std::size_t at = 0; at < text.size(); at += pem_columns) pem += text.substr(at, pem_columns) + "\n";
  return pem + "-----END CERTIFICATE-----\n";
}

std::string entry(const Data& data, const char* name) {
  const std::string* text = data.get(name);
  return text == nullptr ? "" : *text;
}

void add_once(Strings& list, std::string value) {
  if (std::ranges::find(list, value) == list.end()) list.push_back(std::move(value));
}

void set_names(Data& data, const Data& before, const char* name, const Strings& ours) {
  Strings all;
  const auto known = codec::parse_json(entry(before, name));
  if (known && known->is_array())
    for (const auto& item : known->as_array())
      if (item.is_string()) add_once(all, item.as_string());
  for (const std::string& one : ours) add_once(all, one);
  codec::Value::Array items(all.begin(), all.end());
  data[name] = codec::to_json(codec::Value(std::move(items)));
}

void add_certificates(Strings& out, const std::string& pem, int64_t now) {
  const auto ders = component::certificates_from_pem(pem);
  if (!ders) return;
  for (const std::string& der : *ders) {
    const auto certificate = component::parse_certificate_der(der);
    if (certificate && certificate->not_after > now - expiry_slack_seconds) add_once(out, der);
  }
}

std::string authorities(const Data& before, const char* name, const std::string& ours, int64_t now) {
  Strings ders;
  add_certificates(ders, entry(before, name), now);
  add_certificates(ders, ours, now);
  std::string pem;
  for (const std::string& der : ders) pem += to_pem(der);
  return pem;
}

}  // namespace

bool complete(api::core_v1::ConfigMap& map, const ClusterTrust& trust, int64_t now) {
  const Data& before = map.data;
  Data data;
  if (std::string pem = authorities(before, "client-ca-file", trust.client_ca_pem, now); !pem.empty()) data["client-ca-file"] = std::move(pem);
  if (std::string pem = authorities(before, "requestheader-client-ca-file", trust.front_proxy_ca_pem, now); !pem.empty()) {
    data["requestheader-client-ca-file"] = std::move(pem);
    set_names(data, before, "requestheader-username-headers", trust.username_headers);
    if (!trust.uid_headers.empty() || before.get("requestheader-uid-headers") != nullptr)
      set_names(data, before, "requestheader-uid-headers", trust.uid_headers);
    set_names(data, before, "requestheader-group-headers", trust.group_headers);
    set_names(data, before, "requestheader-extra-headers-prefix", trust.extra_header_prefixes);
    set_names(data, before, "requestheader-allowed-names", trust.allowed_names);
  }
  if (data == before) return false;
  map.data = std::move(data);
  return true;
}

}  // namespace pintle::apiserver::bootstrap
