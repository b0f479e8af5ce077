// The names of a certificate beside its subject, as ASN.1 and never as text: a comma or a line end in a name is part of the
// name. For the .cpp files of this folder alone.
#pragma once

#include "component/certificate/certificate.h"
#include "component/certificate/openssl_handle.h"

namespace pintle::component {

using GeneralNames = std::unique_ptr<GENERAL_NAMES, OpensslDelete<GENERAL_NAMES_free>>;

// The spec's DNS names, addresses, e-mails and URIs; nullptr if it has none. BadRequest: a name with a control character or
// a byte that is not ASCII, an address that is none.
Result<GeneralNames> make_general_names(const CertificateSpec& spec);
// Adds them to `info`; kinds of name that nobody here uses are passed over. BadRequest: an address of a wrong size.
Result<Unit> read_general_names(const GENERAL_NAMES* names, CertificateInfo& info);

}  // namespace pintle::component
