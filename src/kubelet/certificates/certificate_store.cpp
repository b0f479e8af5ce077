#include "kubelet/certificates/certificate_store.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "api/values.h"

namespace pintle::kubelet::certificates {

namespace {

constexpr uint32_t private_mode = 0600;
constexpr uint32_t folder_mode = 0750;

// Every PEM block whose label ends so, joined.
std::string blocks(std::string_view pem, std::string_view label_end) {
  constexpr std::string_view begin = "-----BEGIN ";
  std::string out;
  for (std::size_t at = pem.find(begin); at != std::string_view::npos; at = pem.find(begin, at + 1)) {
    const std::size_t label_at = at + begin.size();
    const std::size_t label_stop = pem.find("-----", label_at);
    if (label_stop == std::string_view::npos) break;
    const std::string_view label = pem.substr(label_at, label_stop - label_at);
    const std::string end = "-----END " + std::string(label) + "-----";
    const std::size_t stop = pem.find(end, label_stop);
    if (stop == std::string_view::npos) break;
    if (label.ends_with(label_end)) {
      out += pem.substr(at, stop + end.size() - at);
      out += '\n';
    }
  }
  return out;
}

// "2026-01-02-03-04-05".
std::string date_text(int64_t now) {
  std::string text = api::format_time(api::time_from_unix(now, 0));
  text.resize(text.size() - 1);  // the Z
  for (char& c : text)
    if (c == 'T' || c == ':') c = '-';
  return text;
}

}  // namespace

Result<CertificatePair> make_pair(std::string certificate_pem, std::string key_pem) {
  TRY_ASSIGN(const auto chain, component::certificates_from_pem(certificate_pem));
  if (chain.empty()) return bad_request("no certificate");
  CertificatePair out;
  TRY_ASSIGN(out.info, component::parse_certificate_der(chain[0]));
  TRY_ASSIGN(const auto key, component::PrivateKey::parse_pem(key_pem));
  TRY_ASSIGN(const auto certified, component::parse_public_keys_pem(certificate_pem));
  if (certified.empty() || certified[0].key_id() != key.public_key().key_id())
    return bad_request("the private key does not belong to the certificate");
  out.certificate_pem = std::move(certificate_pem);
  out.key_pem = std::move(key_pem);
  return out;
}

Result<CertificatePair> CertificateStore::load() const {
  TRY_ASSIGN(const std::string text, disk_.read(current_path()));
  return make_pair(blocks(text, "CERTIFICATE"), blocks(text, "PRIVATE KEY"));
}

Result<Unit> CertificateStore::save(const CertificatePair& pair, int64_t now) const {
  TRY(disk_.make_directories(folder_, folder_mode));
  const std::string file = name_ + "-" + date_text(now) + ".pem";
  TRY(disk_.replace(folder_ + "/" + file, pair.certificate_pem + pair.key_pem, private_mode));
  const std::string link = current_path() + ".new";
  ::unlink(link.c_str());
  if (::symlink(file.c_str(), link.c_str()) != 0) return internal("symlink " + link + ": " + std::strerror(errno));
  TRY(disk_.rename(link, current_path()));
  return disk_.sync_directory(folder_);
}

}  // namespace pintle::kubelet::certificates
