// The version of Kubernetes that every component says it is.
#pragma once

namespace pintle::component {

inline constexpr const char* kubernetes_major = "1";
inline constexpr const char* kubernetes_minor = "36";
inline constexpr const char* kubernetes_version = "v1.36.3+pintle";

}  // namespace pintle::component
