#include "os/system_bus.h"

#include <dlfcn.h>

#include <cstring>
#include <string>

namespace pintle::os {

namespace {

constexpr const char* library = "libsystemd.so.0";

template <class F>
bool find(void* from, const char* name, F& function) {
  function = reinterpret_cast<F>(::dlsym(from, name));
  return function != nullptr;
}

bool find_all(void* from, SystemBus& out) {
  return find(from, "sd_bus_open_system", out.open_system) && find(from, "sd_bus_flush_close_unref", out.close) &&
         find(from, "sd_bus_set_method_call_timeout", out.set_timeout) && find(from, "sd_bus_get_property_trivial", out.get_property) &&
         find(from, "sd_bus_call_method", out.call_method) && find(from, "sd_bus_call", out.call) &&
         find(from, "sd_bus_match_signal", out.match_signal) && find(from, "sd_bus_message_new_method_call", out.new_call) &&
         find(from, "sd_bus_message_append", out.append) && find(from, "sd_bus_message_open_container", out.open_container) &&
         find(from, "sd_bus_message_close_container", out.close_container) && find(from, "sd_bus_message_read", out.read) &&
         find(from, "sd_bus_message_read_basic", out.read_basic) && find(from, "sd_bus_message_unref", out.unref) &&
         find(from, "sd_bus_error_free", out.free_error) && find(from, "sd_bus_process", out.process) && find(from, "sd_bus_wait", out.wait) &&
         find(from, "sd_bus_get_fd", out.get_fd);
}

}  // namespace

Result<const SystemBus*> load_system_bus() {
  static const Result<SystemBus> loaded = []() -> Result<SystemBus> {
    void* const from = ::dlopen(library, RTLD_NOW | RTLD_LOCAL);
    SystemBus out;
    if (from == nullptr || !find_all(from, out)) return error(Reason::NotFound, std::string(library) + " cannot be loaded: " + ::dlerror());
    return out;
  }();
  if (!loaded) return Unexpected(loaded.error());
  return &*loaded;
}

Status bus_error(int negative_errno, std::string_view what, const sd_bus_error* said) {
  const std::string why = said != nullptr && said->message != nullptr ? std::string(said->message) : std::string(std::strerror(-negative_errno));
  const Reason reason = -negative_errno == ETIMEDOUT ? Reason::Timeout : Reason::ServiceUnavailable;
  return Status{reason, 0, std::string(what) + ": " + why, {}};
}

}  // namespace pintle::os
