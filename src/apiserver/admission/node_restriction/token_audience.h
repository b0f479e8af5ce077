// For which audiences a kubelet may ask tokens of a pod's service account.
#pragma once

#include "api/gen/authentication_v1.h"
#include "api/gen/core_v1.h"
#include "apiserver/admission/admission.h"

namespace pintle::apiserver::admission {

// "": the pod's volumes, or their CSI drivers, need a token for that audience, or the node may ask for it by the verb
// request-serviceaccounts-token-audience. Otherwise why not.
std::string audience_refusal(const ResourceReader& reader, authorization::Authorizer* authorizer, const AdmissionAttributes& attributes,
                             const api::authentication_v1::TokenRequest& request, const api::core_v1::Pod& pod);

}  // namespace pintle::apiserver::admission
