#include "scheduler/devices/requests.h"

namespace pintle::scheduler::devices {

std::vector<Way> ways_of(const v1::DeviceRequest& request) {
  std::vector<Way> out;
  if (request.exactly) {
    const auto& r = *request.exactly;
    out.push_back({request.name,
                   {},
                   request.name,
                   r.device_class_name,
                   r.selectors,
                   r.allocation_mode,
                   r.count,
                   &r.admin_access,
                   r.tolerations,
                   r.capacity.get()});
  }
  if (!out.empty()) return out;
  for (const auto& r : request.first_available)
    out.push_back({r.name, request.name, request.name + "/" + r.name, r.device_class_name, r.selectors, r.allocation_mode, r.count, nullptr,
                   r.tolerations, r.capacity.get()});
  return out;
}

}  // namespace pintle::scheduler::devices
