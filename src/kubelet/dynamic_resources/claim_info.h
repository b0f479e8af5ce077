// ClaimInfos: which ResourceClaims this node holds ready for which pods, and the devices that drivers prepared for them. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/gen/dra_v1.h"
#include "api/gen/resource_v1.h"
#include "base/status.h"

namespace pintle::kubelet::dynamic_resources {

// What a driver may say of one claim; who says more is taken for broken, and the claim is not prepared.
constexpr std::size_t claim_devices_max = 256;
constexpr std::size_t device_words_max = 256;        // requests, or CDI devices, of one
constexpr std::size_t device_word_bytes_max = 1024;  // a name among them

struct PreparedDevice {
  std::string pool;
  std::string device;
  std::optional<std::string> share_id;
  std::vector<std::string> requests;  // empty: it serves all of the claim's
  std::vector<std::string> cdi_devices;
  bool operator==(const PreparedDevice&) const = default;
  // Whether it is for a request; "": for any.
  bool serves(std::string_view request) const;
};

struct ClaimInfo {
  std::string namespace_name;
  std::string name;
  std::string uid;
  std::set<std::string> pods;                                               // by uid
  std::map<std::string, std::vector<PreparedDevice>, std::less<>> drivers;  // all that have a part in the claim
  bool prepared = false;                                                    // in this life of the kubelet
};

// Invalid, in upstream's words: it is not allocated.
Result<ClaimInfo> claim_info_of(const api::resource_v1::ResourceClaim& claim);
// Invalid past the limits.
Result<std::vector<PreparedDevice>> prepared_devices(std::vector<api::dra_v1::Device> told);
// The names of the CDI devices that a container gets for a request of it; "" for all.
void add_cdi_devices(const ClaimInfo& claim, std::string_view request, std::vector<std::string>& out);

class ClaimInfos {
 public:
  // "namespace/name", as one namespace cannot have two of one name.
  using ByKey = std::map<std::string, ClaimInfo, std::less<>>;
  static std::string key(std::string_view namespace_name, std::string_view name);

  ClaimInfo* find(std::string_view key);
  const ClaimInfo* find(std::string_view key) const;
  // In the place of what has its key.
  ClaimInfo& put(ClaimInfo info);
  void erase(std::string_view key);
  const ByKey& all() const { return claims_; }

  // The keys of what a pod refers to, in order.
  std::vector<std::string> keys_of(std::string_view pod_uid) const;
  // Those that refer to any.
  std::set<std::string> pods() const;
  // Those whose claims have one of these devices ("pool/device") of a driver.
  std::vector<std::string> pods_with(std::string_view driver, const std::set<std::string>& devices) const;
  // How many are prepared: of each driver, and under "<any>" all of them.
  std::map<std::string, std::size_t> in_use() const;

 private:
  ByKey claims_;
};

}  // namespace pintle::kubelet::dynamic_resources
