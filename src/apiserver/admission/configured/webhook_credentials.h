// What a webhook is shown, by the name of its host: the users of the file that kubeConfigFile of the plugin names. Pure.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "apiserver/callout/callouts.h"
#include "client/kubeconfig.h"

namespace pintle::apiserver::admission::configured {

// "host:port" of where the target is reached, as users are named after it: "hooks.ns.svc:443".
std::string host_and_port(const callout::Target& target);

// In upstream's order: the user of that name; "*." and what follows one of its dots; the same without the port 443; "*"; the user of the current
// context. nullptr: none.
std::shared_ptr<const client::Credentials> credentials_for(const client::KubeconfigUsers& users, std::string_view host_and_port);

}  // namespace pintle::apiserver::admission::configured
