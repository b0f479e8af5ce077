// The objects of an informer by who controls them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/informer.h"
#include "rules/owner_references.h"

namespace pintle::controller::objects {

inline constexpr const char* controller_index = "controller";
// Before a namespace: what nobody controls. No uid looks like it.
inline constexpr std::string_view nobody_in = "nobody in ";

// Once for each informer, whoever asks first.
template <class T>
void index_by_controller(client::Informer<T>& informer) {
  if (informer.has_index(controller_index)) return;
  informer.add_index(controller_index, [](const T& object) {
    const auto* ref = rules::controller_of(object.metadata);
    return std::vector<std::string>{ref ? ref->uid : std::string(nobody_in) + object.metadata.namespace_};
  });
}

template <class T>
std::vector<std::shared_ptr<const T>> controlled_by(const client::Informer<T>& informer, std::string_view owner_uid) {
  return informer.by_index(controller_index, owner_uid);
}

template <class T>
std::vector<std::shared_ptr<const T>> orphans_in(const client::Informer<T>& informer, std::string_view namespace_name) {
  return informer.by_index(controller_index, std::string(nobody_in) + std::string(namespace_name));
}

}  // namespace pintle::controller::objects
