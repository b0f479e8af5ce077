// What is remembered of a pulled image: with which credentials, so that only pods with one of them use it from the node. The types
// are upstream's; here is what they mean. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/kubeletconfig_v1beta1.h"

namespace pintle::kubelet::images {

constexpr std::size_t record_secrets_max = 1000;  // of one name of an image; then the oldest go, and are verified again
constexpr std::size_t record_matches_max = 100;   // as long as it has fewer, what merely matches is noted too
constexpr std::size_t record_names_max = 100;     // names of one image; then all but the new one go

using api::kubeletconfig_v1beta1::ImagePullCredentials;
using api::kubeletconfig_v1beta1::ImagePulledRecord;
using api::kubeletconfig_v1beta1::ImagePullSecret;
using api::kubeletconfig_v1beta1::ImagePullServiceAccount;

// Adds what a pull has shown; whether that changed the record. The time is the caller's to set.
bool add_credentials(ImagePulledRecord& record, std::string_view image_name, const ImagePullCredentials& credentials);

// What a pod can show.
struct PodCredentials {
  std::vector<ImagePullSecret> secrets;
  std::optional<ImagePullServiceAccount> service_account;
};

struct Access {
  bool granted = false;
  const ImagePullSecret* learned = nullptr;  // of the pod's; to be added to the record
};
// Whether a pod with these credentials has shown that it may use the image. A secret whose content changed stays good, and so does the
// same content under another name.
Access access_of(const ImagePulledRecord& record, std::string_view image_name, const PodCredentials& mine);
// Whether that depends on what the pod can show.
bool depends_on_credentials(const ImagePulledRecord& record, std::string_view image_name);

}  // namespace pintle::kubelet::images
