// Certificate signing requests: what may be approved by itself, what a signer signs, and when a request is old. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/certificates_v1.h"
#include "base/status.h"
#include "component/certificate/certificate.h"
#include "rt/clock.h"

namespace pintle::controller::csr {

using api::certificates_v1::CertificateSigningRequest;

inline constexpr std::string_view apiserver_client_signer = "kubernetes.io/kube-apiserver-client";
inline constexpr std::string_view kubelet_client_signer = "kubernetes.io/kube-apiserver-client-kubelet";
inline constexpr std::string_view kubelet_serving_signer = "kubernetes.io/kubelet-serving";
inline constexpr std::string_view legacy_unknown_signer = "kubernetes.io/legacy-unknown";

bool is_approved(const CertificateSigningRequest& csr);  // and not denied
bool is_denied(const CertificateSigningRequest& csr);
bool is_failed(const CertificateSigningRequest& csr);

// A kubelet's client certificate: what the approver asks the API server whether the requester may have it.
struct Approval {
  std::string_view subresource;  // of certificatesigningrequests, verb create
  std::string_view message;
};
// In the order in which they are tried; empty: not one that is approved by itself.
std::vector<Approval> approvals_for(const CertificateSigningRequest& csr, const component::CertificateInfo& request);

// Whether a kubelet asks for a serving certificate in its own name. Names and addresses are the caller's to check.
bool is_own_serving_request(const CertificateSigningRequest& csr, const component::CertificateInfo& request);

// Why the signer refuses a request; nullopt: it signs.
std::optional<std::string> refusal(const CertificateSigningRequest& csr, const component::CertificateInfo& request);

// The life of the certificate in seconds: what was asked for, at least ten minutes, at most `most`.
int64_t lifetime_seconds(const CertificateSigningRequest& csr, rt::Duration most);
struct Validity {
  int64_t now = 0;
  int64_t issuer_not_after = 0;
  rt::Duration longest{};
};
// What the signer writes: subject, names and usages as asked for. It begins five minutes ago, as clocks differ; what lives for less than
// eight hours does not lose them at its end, and nothing outlives the issuer. Seconds of 1970. Internal: the issuer has expired.
Result<component::CertificateSpec> plan_certificate(const CertificateSigningRequest& csr, const component::CertificateInfo& request,
                                                    const Validity& validity);

// When the request may be deleted: an hour after it was approved, denied or failed, a day after it came when nothing was
// done, or when its certificate has expired (`certificate_expires`, seconds of 1970).
std::optional<rt::WallTime> deletion_time(const CertificateSigningRequest& csr, std::optional<int64_t> certificate_expires);

}  // namespace pintle::controller::csr
