// The plugins about certificate signing requests: who may approve and sign for a signer, and whom no request may name.
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

// CertificateApproval: the verb approve on the signer.
std::unique_ptr<AdmissionPlugin> make_certificate_approval(const AdmissionDeps& deps);
// CertificateSigning: the verb sign on the signer, to set a certificate or conditions.
std::unique_ptr<AdmissionPlugin> make_certificate_signing(const AdmissionDeps& deps);
// CertificateSubjectRestriction: no client certificate for system:masters through the API.
std::unique_ptr<AdmissionPlugin> make_certificate_subject_restriction(const AdmissionDeps& deps);

}  // namespace pintle::apiserver
