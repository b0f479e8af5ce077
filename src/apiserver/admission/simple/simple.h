// Plugins of a few lines that are off by default.
#pragma once

#include "apiserver/admission/admission.h"

namespace pintle::apiserver {

std::unique_ptr<AdmissionPlugin> make_always_deny(const AdmissionDeps& deps);
// Images are pulled anew for each container, so that who may run them is asked each time.
std::unique_ptr<AdmissionPlugin> make_always_pull_images(const AdmissionDeps& deps);
// Services gain no external addresses that they did not have.
std::unique_ptr<AdmissionPlugin> make_deny_service_external_ips(const AdmissionDeps& deps);
// Pods that ask for a device tolerate the taint of the same name.
std::unique_ptr<AdmissionPlugin> make_extended_resource_toleration(const AdmissionDeps& deps);

}  // namespace pintle::apiserver
