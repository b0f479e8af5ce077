// Image references, read as Docker's reference grammar does. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace pintle::kubelet::images {

struct ImageName {
  std::string registry;    // "docker.io" if none is given
  std::string repository;  // "library/busybox"
  std::string tag;
  std::string digest;  // "sha256:..."
};
// BadRequest with upstream's words: `couldn't parse image name "X": invalid reference format: ...`.
Result<ImageName> parse_image_name(std::string_view image);
// The reference with ":latest" if it has neither tag nor digest; otherwise as it is.
Result<std::string> with_default_tag(std::string_view image);

// As runtimes list it: "docker.io/library/busybox:1.36", "docker.io/library/busybox@sha256:..."; as it is if it is no reference.
std::string listed_image_name(std::string_view image);

}  // namespace pintle::kubelet::images
