#include "apiserver/authentication/x509.h"

#include <algorithm>

#include "apiserver/authentication/service_account/extra_keys.h"

namespace pintle::apiserver::authentication {
namespace {

int64_t seconds(rt::WallTime time) { return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count(); }

AuthenticationResult user_of(const component::CertificateInfo& certificate, std::string_view der) {
  if (certificate.common_name.empty()) return std::nullopt;
  AuthenticationResponse response;
  response.user.name = certificate.common_name;
  response.user.groups = certificate.organizations;
  if (certificate.user_ids.size() > 1) return unauthorized("the certificate's subject has more than one user UID");
  if (!certificate.user_ids.empty()) {
    if (certificate.user_ids[0].empty()) return unauthorized("the user UID in the certificate's subject is empty");
    response.user.uid = certificate.user_ids[0];
  }
  response.user.extra[service_account::extra_credential_id] = {"X509SHA256=" + component::hex(component::sha256(der))};
  return response;
}

}  // namespace

AuthenticationResult user_of_certificate(std::string_view der) {
  const auto certificate = component::parse_certificate_der(der);
  if (!certificate) return unauthorized(certificate.error().message);
  return user_of(*certificate, der);
}

std::shared_ptr<const X509Authenticator::Known> X509Authenticator::look_up(const std::shared_ptr<const net::PeerCertificates>& peer) {
  ThreadLock lock(mutex_);
  if (const auto it = known_.find(peer.get()); it != known_.end() && it->second->peer.lock() == peer) return it->second;
  auto known = std::make_shared<Known>();
  known->peer = peer;
  const std::string& leaf = peer->verified_chain_der.front();
  const auto certificate = component::parse_certificate_der(leaf);
  if (certificate) {
    known->not_before = certificate->not_before;
    known->not_after = certificate->not_after;
    known->result = user_of(*certificate, leaf);
  } else {
    known->result = unauthorized(certificate.error().message);
  }
  if (known_.size() >= sweep_at_) {
    std::erase_if(known_, [](const auto& item) { return item.second->peer.expired(); });
    sweep_at_ = std::max<std::size_t>(64, known_.size() * 2);
  }
  known_[peer.get()] = known;
  return known;
}

std::optional<AuthenticationResult> X509Authenticator::authenticate_now(const net::Request& request) {
  // A certificate that was shown and is none of ours: its owner must not pass as nobody.
  if (!request.peer_error.empty()) return AuthenticationResult(unauthorized("the client certificate does not verify: " + request.peer_error));
  if (!request.peer || request.peer->verified_chain_der.empty()) return AuthenticationResult(std::nullopt);
  const auto known = look_up(request.peer);
  const int64_t now = seconds(clock_.wall_now());
  // A connection may outlive the certificate that opened it.
  if (known->result && *known->result && (now < known->not_before || now > known->not_after))
    return AuthenticationResult(unauthorized("the client certificate has expired or is not yet valid"));
  return known->result;
}

}  // namespace pintle::apiserver::authentication
