// What a certificate may be used for, as Kubernetes names it and as OpenSSL does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace pintle::component {

// In OpenSSL's text form, without repetition; "": there is no such extension.
struct UsageTexts {
  std::string key;
  std::string extended;
};
// Of names of certificates.k8s.io/v1 KeyUsage. BadRequest: there is none of that name.
Result<UsageTexts> usage_texts(const std::vector<std::string>& usages);
// The names of the bits of a key usage extension, OpenSSL's KU_*.
std::vector<std::string> key_usages_of(uint32_t bits);

}  // namespace pintle::component
